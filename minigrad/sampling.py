"""Random draws that take Tensors or more than a shape: integers, permutations, coins, and categories with weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from minigrad.autograd.batched_array import physical
from minigrad.autograd.level import draw
from minigrad.autograd.python_call import python_call, python_check
from minigrad.autograd.tensor import Tensor, as_array, default_dtype, wrap
from minigrad.creation import ShapeLike, rand, randn
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.ops.elementwise import add, multiply
from minigrad.rng import default_rng
from minigrad.typing import Array, ArrayLike, DTypeLike

Rng = np.random.Generator | None


def _shape(shape: ShapeLike) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)


def rand_like(x: ArrayLike, dtype: DTypeLike | None = None, *, rng: Rng = None) -> Tensor:
    """Draws from the uniform distribution on [0, 1), in the shape of another array.

    Args:
        x: whose shape is meant.
        dtype: the dtype (default: that of x, or `default_dtype()` if x holds integers).
        rng: the generator (default: the one that `seed` seeds).

    Shapes: x (...) -> the same.

    >>> rand_like([[1.0, 2.0]]).shape
    (1, 2)
    """
    shape, dtype = _like(x, dtype)
    return rand(shape, rng=rng, dtype=dtype)


def randn_like(x: ArrayLike, dtype: DTypeLike | None = None, *, rng: Rng = None) -> Tensor:
    """Draws from the standard normal distribution, in the shape of another array.

    Args:
        x: whose shape is meant.
        dtype: the dtype (default: that of x, or `default_dtype()` if x holds integers).
        rng: the generator (default: the one that `seed` seeds).

    Shapes: x (...) -> the same.

    >>> randn_like([[1.0, 2.0]]).shape
    (1, 2)
    """
    shape, dtype = _like(x, dtype)
    return randn(shape, rng=rng, dtype=dtype)


def _like(x: ArrayLike, dtype: DTypeLike | None) -> tuple[tuple[int, ...], DTypeLike]:
    array = x if isinstance(x, Tensor) else as_array(x)
    return array.shape, dtype or (array.dtype if array.dtype.kind in "fc" else default_dtype())


def randint(
    low: int, high: int | ShapeLike, shape: ShapeLike | None = None, dtype: DTypeLike = np.int64, *, rng: Rng = None
) -> Tensor:
    """Draws of integers, each equally likely: `randint(low, high, shape)`, or `randint(high, shape)` from 0 on.

    Args:
        low: the smallest.
        high: one more than the largest.
        shape: sizes, or one size (default None: `low` and `high` are the end and the shape).
        dtype: the dtype of the integers (default int64).
        rng: the generator (default: the one that `seed` seeds).

    Returns:
        A constant in the shape.

    Raises:
        UsageError: there is no integer from low to high, or they are no integers.

    >>> sorted(set(randint(3, (100,), rng=np.random.default_rng(0)).tolist()))
    [0, 1, 2]
    """
    if shape is None:
        low, high, shape = 0, low, high
    if not isinstance(low, (int, np.integer)) or not isinstance(high, (int, np.integer)):
        raise UsageError(
            f"randint takes (low, high, shape) or (high, shape), integers and sizes; got {low!r}, {high!r}"
        )
    if high <= low:
        raise UsageError(f"randint: there is no integer from {low} up to, and without, {high}")
    return wrap(_integers(rng, int(low), int(high), _shape(shape), np.dtype(dtype)))


@python_call
def _integers(rng: Rng, low: int, high: int, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    return draw(lambda sizes: (rng or default_rng()).integers(low, high, sizes).astype(dtype), shape)  # type: ignore[no-any-return]


def randperm(n: int, *, rng: Rng = None) -> Tensor:
    """The integers 0, 1, ... n - 1 in a random order.

    Args:
        n: how many, at least 0.
        rng: the generator (default: the one that `seed` seeds).

    Returns:
        (n), int64.

    Raises:
        UsageError: n is negative or no integer.

    >>> sorted(randperm(4).tolist())
    [0, 1, 2, 3]
    """
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise UsageError(f"randperm: n is an integer of at least 0, got {n!r}")
    return wrap(_permutation(rng, int(n)))


@python_call
def _permutation(rng: Rng, n: int) -> Array:
    def sample(shape: tuple[int, ...]) -> Array:
        return (rng or default_rng()).permuted(np.broadcast_to(np.arange(n), shape), axis=-1)

    return draw(sample, (n,))  # type: ignore[no-any-return]


def normal(mean: ArrayLike, std: ArrayLike, shape: ShapeLike | None = None, *, rng: Rng = None) -> Tensor:
    """Draws from normal distributions, mean + std * e with e from the standard one.

    It is differentiable in mean and std (the reparametrization of Kingma and Welling); PyTorch's gradients are 0.

    Args:
        mean: the means.
        std: the standard deviations, at least 0.
        shape: sizes of the result (default: that to which mean and std broadcast).
        rng: the generator (default: the one that `seed` seeds).

    Shapes: mean (...), std (...) -> what they broadcast to, or shape.

    Raises:
        UsageError: a standard deviation is negative.
        ShapeError: mean and std do not broadcast to the shape.

    Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", arXiv:1312.6114.

    >>> normal(0.0, [1.0, 2.0]).shape
    (2,)
    """
    means, deviations = (x if isinstance(x, Tensor) else wrap(as_array(x)) for x in (mean, std))
    _require(deviations._data, "normal: std", "at least 0")
    broadcast = np.broadcast_shapes(means.shape, deviations.shape)
    sizes = broadcast if shape is None else _shape(shape)
    if np.broadcast_shapes(broadcast, sizes) != sizes:
        raise ShapeError(f"normal: mean and std have the shape {broadcast} together, which is not {sizes}")
    dtype = np.result_type(means.dtype, deviations.dtype)
    noise = randn(sizes, rng=rng, dtype=dtype if dtype.kind == "f" else default_dtype())
    return add(means, multiply(deviations, noise))


def bernoulli(p: ArrayLike, *, rng: Rng = None) -> Tensor:
    """Draws of 1 with probability p, else 0: a constant, through which no gradient passes.

    Args:
        p: probabilities in [0, 1].
        rng: the generator (default: the one that `seed` seeds).

    Shapes: p (...) -> the same, in p's dtype.

    Raises:
        UsageError: a probability is not in [0, 1].

    >>> bernoulli([0.0, 1.0]).tolist()
    [0.0, 1.0]
    """
    probabilities = p if isinstance(p, Tensor) else wrap(as_array(p))
    _require(probabilities._data, "bernoulli: p", "in [0, 1]")
    drawn = rand(probabilities.shape, rng=rng, dtype=np.float64)
    return (drawn < probabilities).astype(probabilities.dtype)


def multinomial(weights: ArrayLike, num_samples: int, replacement: bool = False, *, rng: Rng = None) -> Tensor:
    """Draws of categories, each as likely as its weight says: a constant.

    Without replacement, the largest of log w + Gumbel noise are taken, which draws one after another in their order.

    Args:
        weights: at least 0, and not all 0; they need not sum to 1.
        num_samples: how many are drawn of each row.
        replacement: whether a category may be drawn again (default False).
        rng: the generator (default: the one that `seed` seeds).

    Shapes: weights (C) or (N, C) -> (num_samples) or (N, num_samples), int64.

    Raises:
        ShapeError: weights are neither a vector nor a matrix.
        DTypeError: weights are no real numbers.
        UsageError: a weight is negative or not finite, a row has none above 0, or fewer than are to be drawn.

    Source: Vieira 2014, "Gumbel-max trick and weighted reservoir sampling", after Efraimidis and Spirakis 2006.

    >>> multinomial([0.0, 3.0, 0.0], 4, replacement=True).tolist()
    [1, 1, 1, 1]
    """
    w = weights if isinstance(weights, Tensor) else wrap(as_array(weights))
    if len(w.shape) not in (1, 2):
        raise ShapeError(f"multinomial: weights are (C) or (N, C), not of shape {w.shape}")
    if w.dtype.kind not in "fiu":
        raise DTypeError(f"multinomial: weights are real numbers, not {w.dtype}")
    if not isinstance(num_samples, (int, np.integer)) or num_samples < 1:
        raise UsageError(f"multinomial: num_samples is a whole number of at least 1, got {num_samples!r}")
    _require(w._data, "multinomial: weights", "finite and at least 0")
    return wrap(_categories(rng, w._data, int(num_samples), bool(replacement)))


@python_call
def _categories(rng: Rng, weights: Array, num_samples: int, replacement: bool) -> Array:
    w = np.asarray(weights, np.float64)
    fewest = int((w > 0).sum(-1).min(initial=w.shape[-1]))
    if fewest < (1 if replacement else num_samples):
        wanted = "one is needed" if replacement else f"{num_samples} are to be drawn without replacement"
        raise UsageError(f"multinomial: a row has {fewest} weights above 0, and {wanted}")
    rng = rng or default_rng()
    if replacement:
        w = w / w.max(-1, keepdims=True)  # their sum stays finite
        ends = np.cumsum(w, -1)
        drawn = rng.random((*w.shape[:-1], num_samples)) * ends[..., -1:]
        return (drawn[..., None] >= ends[..., None, :]).sum(-1)  # type: ignore[no-any-return]
    with np.errstate(divide="ignore"):
        keys = np.log(w) + rng.gumbel(size=w.shape)
    return np.argsort(-keys, axis=-1, kind="stable")[..., :num_samples]


RANGES: Final[dict[str, Callable[[Array], Array]]] = {
    "at least 0": lambda x: x >= 0,
    "in [0, 1]": lambda x: (x >= 0) & (x <= 1),
    "finite and at least 0": lambda x: (x >= 0) & np.isfinite(x),
}


@python_check
def _require(x: Array, name: str, where: str) -> None:
    values = physical(x)
    outside = ~np.asarray(RANGES[where](values))
    if outside.any():
        raise UsageError(f"{name} must be {where}, and one is {np.asarray(values)[outside].flat[0]}")
