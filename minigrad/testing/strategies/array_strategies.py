"""Hypothesis strategies for arrays: few elements, simple numbers, in every shape, dtype and layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.tensor import Tensor
from minigrad.domain import REAL, Domain, MatrixDomain
from minigrad.shapes import ShapeSpec
from minigrad.testing.calls.array_recipes import remember_recipe
from minigrad.testing.strategies.number_strategies import Kinks, values
from minigrad.testing.strategies.seeded_arrays import format_seeded, seeded
from minigrad.typing import Array, Axis, DTypeLike, Settings, Shape

Draw: TypeAlias = st.DrawFn
MAX_DRAWN: Final = 64
"""Of larger arrays not every number is drawn by Hypothesis, which refuses examples of thousands of choices."""
LAYOUTS: Final = ("C", "F", "sliced", "reversed", "broadcast")


@st.composite
def shapes(
    draw: Draw, /, *, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3, max_size: int = 8
) -> Shape:
    """Shapes of few elements; about one in six is 0-d and one in six empty, where that is allowed.

    Args:
        min_dims: the smallest number of dimensions (default 0).
        max_dims: the largest number of dimensions (default 3).
        min_side: the smallest size of a dimension (default 0); with 1 no shape is empty.
        max_side: the largest size of a dimension (default 3).
        max_size: the largest number of elements (default 8).
    """
    ndim = draw(st.sampled_from([n for n in (0, 1, 2, 2, 3, *range(4, max_dims + 1)) if min_dims <= n <= max_dims]))
    sides: list[int] = []
    for _ in range(ndim):
        room = max_size // math.prod(sides)
        sides.append(draw(st.integers(1, max(1, min(max_side, room)))))
    if min_side == 0 and ndim and draw(st.integers(0, 5)) == 5:
        sides[draw(st.integers(0, ndim - 1))] = 0
    return tuple(sides)


@st.composite
def broadcastable_shapes(draw: Draw, /, count: int, **limits: int) -> tuple[Shape, ...]:
    """Shapes that broadcast against each other: the result's own, or with axes of size 1 or missing in front.

    Args:
        count: how many shapes.
        **limits: those of `shapes`, for the result.
    """
    result = draw(shapes(**limits))
    return tuple([_narrowed(draw, result) if count > 1 else result for _ in range(count)])


def _narrowed(draw: Draw, shape: Shape) -> Shape:
    if draw(st.booleans()):
        return shape
    cut = draw(st.integers(0, len(shape)))
    return tuple([1 if size and draw(st.booleans()) else size for size in shape[cut:]])


def dtypes() -> st.SearchStrategy[DTypeLike]:
    """Double precision, and single precision less often."""
    return st.sampled_from((np.float64, np.float64, np.float32))


def with_layout(x: Array, layout: str) -> Array:
    """An array with the shape and dtype of x in one of the LAYOUTS; a "broadcast" one repeats the first row of x."""
    if not x.ndim or not x.size:
        return x
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "sliced":
        return np.repeat(x, 2, -1)[..., ::2]
    if layout == "reversed":
        return np.flip(np.flip(x).copy())
    return np.broadcast_to(x[:1].copy(), x.shape) if layout == "broadcast" else x


def layouts() -> st.SearchStrategy[str]:
    """C order, and the others less often."""
    return st.sampled_from(("C", *LAYOUTS))


@st.composite
def arrays(
    draw: Draw,
    /,
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    *,
    domain: Domain = REAL,
    kinks: Kinks = (),
    dtype: DTypeLike | None = None,
    layout: str | None = None,
    tails: bool = True,
) -> Array:
    """Floating arrays; with a complex dtype, real parts from the domain and any imaginary parts.

    Args:
        shape: a shape or a strategy of shapes; any small one unless given.
        domain: where the numbers lie (default REAL); a domain of matrices makes matrices of such numbers.
        kinks: numbers to hit often, or "ties" (default ()).
        dtype: one dtype; double and sometimes single precision unless given.
        layout: one of "C", "F", "sliced", "reversed", "broadcast"; each of them unless given.
        tails: let one element be very large or very small now and then, inside of the domain: 800, -40, 1e-6; those of
            matrix domains never are (default True).
    """
    shape = draw(shapes()) if shape is None else draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    dtype = draw(dtypes()) if dtype is None else dtype
    if math.prod(shape) > MAX_DRAWN:
        array = _seeded(shape, draw(st.integers(0, 2**32 - 1)), domain=domain, dtype=dtype, tails=tails)
    else:
        array = _drawn(draw, shape, domain, kinks, tails)
        if np.dtype(dtype).kind == "c":
            array = np.asarray(array + 1j * _drawn(draw, shape, REAL, (), tails))
        array = array.astype(dtype)
    layout = draw(layouts()) if layout is None else layout
    if layout == "broadcast" and isinstance(domain, MatrixDomain):
        layout = "C"  # equal rows would leave the domain
    return with_layout(array, layout)


def _seeded(shape: Shape, seed: int, *, domain: Domain, dtype: DTypeLike, tails: bool) -> Array:
    """An array from one number, with the expression that makes it, and its first row, remembered."""
    array = seeded(shape, seed, domain=domain, dtype=dtype, tails=tails)
    expression = format_seeded(shape, seed, domain=domain, dtype=dtype, tails=tails)
    remember_recipe(array[:1], f"{expression}[:1]")
    remember_recipe(array, expression)
    return array


def _drawn(draw: Draw, shape: Shape, domain: Domain, kinks: Kinks, tails: bool) -> Array:
    array = np.array(draw(values(domain, kinks, count=math.prod(shape), tails=tails)), np.float64).reshape(shape)
    if isinstance(domain, MatrixDomain):
        return np.asarray(np.round(domain.project(array), 3) + 0.0)  # no -0.0
    return array


def tensors(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    *,
    requires_grad: bool = True,
    domain: Domain = REAL,
    kinks: Kinks = (),
    dtype: DTypeLike | None = None,
    layout: str | None = None,
    tails: bool = True,
) -> st.SearchStrategy[Tensor]:
    """Tensors of such arrays as `arrays` gives.

    Args:
        shape: a shape or a strategy of shapes; any small one unless given.
        requires_grad: whether they are variables (default True).
        domain: where the numbers lie (default REAL).
        kinks: numbers to hit often, or "ties" (default ()).
        dtype: one dtype; double and sometimes single precision unless given.
        layout: one of "C", "F", "sliced", "reversed", "broadcast"; each of them unless given.
        tails: let one element be very large or very small now and then, inside of the domain: 800, -40, 1e-6; those of
            matrix domains never are (default True).
    """
    made = arrays(shape, domain=domain, kinks=kinks, dtype=dtype, layout=layout, tails=tails)
    return made.map(lambda x: Tensor(x, requires_grad=requires_grad))


def integers_in(low: int, high: int, shape: Shape) -> st.SearchStrategy[Array]:
    """Integer arrays with low <= x < high: class numbers, positions.

    Args:
        low, high: the limits.
        shape: of the array; the dtype is int64.
    """
    count = math.prod(shape)
    items = st.lists(st.integers(low, high - 1), min_size=count, max_size=count)
    return items.map(lambda values: np.array(values, np.int64).reshape(shape))


def masks(shape: Shape) -> st.SearchStrategy[Array]:
    """Boolean arrays.

    Args:
        shape: of the array.
    """
    count = math.prod(shape)
    items = st.lists(st.booleans(), min_size=count, max_size=count)
    return items.map(lambda values: np.array(values, bool).reshape(shape))


def axes(ndim: int, *, none: bool = True, several: bool = True) -> st.SearchStrategy[Axis]:
    """One axis (negative too), a tuple of different ones, or None for all.

    Args:
        ndim: the number of dimensions of the array.
        none: draw None, too (default True).
        several: draw tuples, too (default True).
    """
    single = st.integers(-ndim, ndim - 1) if ndim else st.nothing()
    choices: list[st.SearchStrategy[Axis]] = [single] + [st.none()] * none
    if several:
        some = st.lists(st.integers(0, ndim - 1), unique=True, max_size=ndim) if ndim else st.just([])
        choices.append(st.tuples(some, st.booleans()).map(lambda t: tuple(a - ndim if t[1] else a for a in t[0])))
    return st.one_of(choices)


@st.composite
def fitting_shapes(draw: Draw, /, spec: ShapeSpec, divisors: dict[str, int] | None = None) -> tuple[Shape | None, ...]:
    """Shapes for each input of a shape specification: equal letters get equal sizes, `?` may be left out (None).

    Args:
        spec: such as `ShapeSpec("N D, O D, O? -> N O")`.
        divisors: the settings that sizes are divided by, such as {"groups": 2} for "C/groups"; none unless given.
    """
    divisors = divisors or {}
    divided: dict[str, str] = {}
    for letter in [letter for letters in spec.inputs for letter in letters if "/" in letter]:
        name, _, divisor = letter.partition("/")
        divided[name] = divisor
    sizes: dict[str, int] = {}
    lead = draw(shapes(max_dims=1, max_side=2)) if "..." in spec.text else ()
    empty = draw(st.integers(0, 9)) == 9
    result: list[Shape | None] = []
    for letters, text in zip(spec.inputs, spec.text.split("->")[0].split(","), strict=True):
        if "?" in text and draw(st.booleans()):
            result.append(None)
            continue
        shape: Shape = ()
        for letter in letters:
            if letter == "...":
                shape += _narrowed(draw, lead)
                continue
            name, _, divisor = letter.partition("/")
            if name not in sizes:
                unit = divisors.get(divided.get(name, ""), 1)
                sizes[name] = 0 if not sizes and empty and unit == 1 else draw(st.integers(1, 2)) * unit
            shape += (sizes[name] // divisors.get(divisor, 1),)
        result.append(shape)
    return tuple(result)


@st.composite
def sides(draw: Draw) -> Shape:
    """The sides of a small image, or of a volume."""
    return tuple(
        draw(st.lists(st.integers(1, 3), min_size=2, max_size=2) | st.lists(st.integers(1, 2), min_size=3, max_size=3))
    )


@st.composite
def windows(draw: Draw, /, image: Sequence[int], *, dilated: bool = True) -> Settings:
    """Settings of a convolution or pooling whose kernel fits the image: kernel, stride, padding, dilation.

    Args:
        image: the size of each dimension of the image.
        dilated: whether the dilation may be more than 1 (default True).
    """
    kernel, stride, padding, dilation = [], [], [], []
    for size in image:
        kernel.append(k := draw(st.integers(1, min(2, size))))
        room = (size - 1) // (k - 1) if k > 1 else 2
        dilation.append(draw(st.integers(1, max(1, min(2, room)))) if dilated else 1)
        stride.append(draw(st.integers(1, 2)))
        padding.append(draw(st.integers(0, k // 2)))
    return {
        "kernel": tuple(kernel), "stride": tuple(stride), "padding": tuple(padding), "dilation": tuple(dilation)
    }  # fmt: skip
