"""New Tensors: filled with a number, a range or random draws. Their dtype is the default one unless given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from minigrad.autograd.array_protocol import check_device
from minigrad.autograd.complex_numbers import complex_dtype, is_complex
from minigrad.autograd.level import draw
from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor, as_array, default_dtype, wrap
from minigrad.errors import DTypeError
from minigrad.kernels.array_utils import of_sizes
from minigrad.rng import default_rng
from minigrad.typing import Array, ArrayLike, DType, DTypeLike, Shape

ShapeLike: TypeAlias = int | Sequence[int]


def _sizes(shape: tuple[int | Sequence[int], ...]) -> tuple[int, ...]:
    """`randn(2, 3)` and `randn((2, 3))` mean the same."""
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape  # type: ignore[return-value]


def _refuse_number(name: str, dtype: object, *number: object) -> None:
    """Tell that a shape is one argument where a number stands for the dtype, behind the shape (and `number`)."""
    if isinstance(dtype, (int, float)):
        wrong, right = ("2, 3, 1.0", "(2, 3), 1.0") if number else ("2, 3", "(2, 3)")
        takes = "one shape, one number and then a dtype" if number else "one shape, and then a dtype"
        raise TypeError(f"{name} takes {takes}: write {name}({right}) in place of {name}({wrong})")


def _wrap(array: Array, dtype: DTypeLike | None, requires_grad: bool = False) -> Tensor:
    if dtype is None:
        dtype = default_dtype() if array.dtype.kind != "c" else complex_dtype(default_dtype())
    if is_complex(array) and np.dtype(dtype).kind != "c":
        raise DTypeError(f"complex numbers do not become {np.dtype(dtype)}: take the real part of them")
    out = wrap(array.astype(dtype, copy=False))
    out.requires_grad = requires_grad
    return out


def _wrap_of_sizes(array: Array, dtype: DTypeLike | None) -> Tensor:
    """A Tensor that is the same whatever data there is: `compile` need not see it made from other data."""
    out = _wrap(array, dtype)
    of_sizes(out._data)
    return out


@python_call
def _drawn(rng: np.random.Generator | None, method: str, shape: Shape, dtype: DType) -> Array:
    """Draws in double precision, converted."""
    method_of_rng = getattr(rng or default_rng(), method)
    drawn: Array = draw(method_of_rng, shape)
    if dtype.kind == "c":
        drawn = drawn + 1j * draw(method_of_rng, shape)
        drawn = drawn / np.sqrt(2) if method == "standard_normal" else drawn  # for the variance 1
    return drawn.astype(dtype, copy=False)


def zeros(
    shape: ShapeLike, dtype: DTypeLike | None = None, requires_grad: bool = False, *, device: str | None = None
) -> Tensor:
    """A Tensor of zeros.

    Args:
        shape: sizes, or one size.
        dtype: the dtype (default: `default_dtype()`).
        requires_grad: whether gradients are computed for it (default False).
        device: "cpu", the only one (default None: the same).

    >>> zeros((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    check_device(device)
    _refuse_number("zeros", dtype)
    return _wrap(np.zeros(shape, dtype or default_dtype()), dtype, requires_grad)


def ones(
    shape: ShapeLike, dtype: DTypeLike | None = None, requires_grad: bool = False, *, device: str | None = None
) -> Tensor:
    """A Tensor of ones.

    Args:
        shape: sizes, or one size.
        dtype: the dtype (default: `default_dtype()`).
        requires_grad: whether gradients are computed for it (default False).
        device: "cpu", the only one (default None: the same).

    >>> ones(3).tolist()
    [1.0, 1.0, 1.0]
    """
    check_device(device)
    _refuse_number("ones", dtype)
    return _wrap(np.ones(shape, dtype or default_dtype()), dtype, requires_grad)


def full(
    shape: ShapeLike,
    fill_value: complex,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    *,
    device: str | None = None,
) -> Tensor:
    """A Tensor filled with one number.

    Args:
        shape: sizes, or one size.
        fill_value: the number.
        dtype: the dtype (default: `default_dtype()` for real numbers, the complex dtype with such parts for complex
            ones, int64 for integers, bool for booleans).
        requires_grad: whether gradients are computed for it (default False).
        device: "cpu", the only one (default None: the same).

    >>> full(2, 7.0).tolist()
    [7.0, 7.0]
    """
    check_device(device)
    _refuse_number("full", dtype, fill_value)
    dtype = as_array(fill_value, dtype).dtype
    return _wrap(np.full(shape, fill_value, dtype), dtype, requires_grad)


def eye(
    n_rows: int, n_cols: int | None = None, dtype: DTypeLike | None = None, *, k: int = 0, device: str | None = None
) -> Tensor:
    """A matrix with ones on a diagonal and zeros elsewhere.

    Args:
        n_rows: the number of rows.
        n_cols: the number of columns (default: as many as rows).
        dtype: the dtype (default: `default_dtype()`).
        k: 0 for the main diagonal, positive for those above it, negative for those below (default 0).
        device: "cpu", the only one (default None: the same).

    Returns:
        (n_rows, n_cols).

    >>> eye(2, k=1).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    check_device(device)
    return _wrap_of_sizes(np.eye(n_rows, n_cols, k), dtype)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: DTypeLike | None = None,
    *,
    device: str | None = None,
) -> Tensor:
    """Evenly spaced numbers: start, start + step, ... up to, and without, stop.

    Args:
        start: the first number; without `stop`, the end, and the first number is 0.
        stop: the end, which is left out (default: `start`).
        step: the distance between neighbors, not 0 (default 1).
        dtype: the dtype (default: int64 if all three are integers, else `default_dtype()`).
        device: "cpu", the only one (default None: the same).

    Returns:
        (ceil((stop - start) / step)).

    >>> arange(1, 7, 2).tolist(), arange(0.5, 2.0).tolist()
    ([1, 3, 5], [0.5, 1.5])
    """
    check_device(device)
    first, last = (0, start) if stop is None else (start, stop)
    numbers = np.arange(first, last, step)
    return _wrap_of_sizes(numbers, numbers.dtype if dtype is None and numbers.dtype.kind == "i" else dtype)


def linspace(
    start: complex,
    stop: complex,
    num: int,
    dtype: DTypeLike | None = None,
    *,
    endpoint: bool = True,
    device: str | None = None,
) -> Tensor:
    """A given number of evenly spaced numbers from start to stop.

    Args:
        start: the first number.
        stop: the last number.
        num: how many, at least 0.
        dtype: the dtype (default: `default_dtype()`).
        endpoint: whether `stop` is one of them (default True).
        device: "cpu", the only one (default None: the same).

    Returns:
        (num).

    Raises:
        ValueError: num is negative.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    check_device(device)
    return _wrap_of_sizes(np.linspace(start, stop, num, endpoint), dtype)


def empty(shape: ShapeLike, dtype: DTypeLike | None = None, *, device: str | None = None) -> Tensor:
    """A Tensor of any numbers at all: what the memory held before.

    Args:
        shape: sizes, or one size.
        dtype: the dtype (default: `default_dtype()`).
        device: "cpu", the only one (default None: the same).

    Raises:
        UsageError: another device.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    check_device(device)
    _refuse_number("empty", dtype)
    return wrap(np.empty(shape, dtype or default_dtype()))


def empty_like(x: ArrayLike, dtype: DTypeLike | None = None, *, device: str | None = None) -> Tensor:
    """A Tensor of any numbers at all in the shape of another.

    Args:
        x: an array.
        dtype: the dtype (default: x's).
        device: "cpu", the only one (default None: the same).

    Raises:
        UsageError: another device.

    >>> empty_like(ones((2, 3))).shape
    (2, 3)
    """
    array = as_array(x) if not isinstance(x, Tensor) else x
    return empty(array.shape, array.dtype if dtype is None else dtype, device=device)


def randn(
    *shape: int | Sequence[int],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from the standard normal distribution, with mean 0 and variance 1; of complex numbers, 1/2 for each part.

    Args:
        shape: sizes, or one tuple of them; none for one number.
        rng: the generator (default: the one that `seed` seeds).
        dtype: the dtype (default: `default_dtype()`).
        requires_grad: whether gradients are computed for it (default False).

    >>> randn(2, 3).shape
    (2, 3)
    """
    return _wrap(
        _drawn(rng, "standard_normal", _sizes(shape), np.dtype(dtype or default_dtype())), dtype, requires_grad
    )


def rand(
    *shape: int | Sequence[int],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from the uniform distribution on [0, 1); of complex numbers, for each part.

    Args:
        shape: sizes, or one tuple of them; none for one number.
        rng: the generator (default: the one that `seed` seeds).
        dtype: the dtype (default: `default_dtype()`).
        requires_grad: whether gradients are computed for it (default False).

    >>> rand(2, 3).shape
    (2, 3)
    """
    return _wrap(_drawn(rng, "random", _sizes(shape), np.dtype(dtype or default_dtype())), dtype, requires_grad)
