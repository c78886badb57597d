"""Winograd convolution, F(4x4, 3x3) and F(2x2, 5x5): 36 products in place of 144, or of 100.

Two polynomials can be multiplied by multiplying their values at a few points. Convolution along one axis is a
product of polynomials, so the three derivatives of conv's trilinear form become, for r taps w, 7 - r windows g and the
6 pixels x that they read, products of values at 6 points t:

    sum_ip  g[i] * w[p] * x[i + p]   =   sum_t  (A g)[t] * (G w)[t] * (B x)[t]

    (A g)[t] = sum_i g[i] t^i    (G w)[t] = sum_p w[p] t^p / n[t]    (B x)[t] = sum_j x[j] * [z^j] f(z) / (z - t)

with f(z) = z (z^2 - a^2) (z^2 - b^2), points its zeros 0, a, -a, b, -b, scale n[t] = f'(t), and a sixth point
"infinity" that reads off the last g and the last w, with B's row f itself. Both axes of an image are transformed,
which makes 36 points, each of them a product of matrices over channels or tiles:

    conv           y  =  A' ( (G w)  (O, C)  @  (B x)    (C, T) )      A', G': transposed, T tiles of all images
    conv_weight    w' =  G' ( (B x)  (C, T)  @  (A g)    (T, O) )
    conv_input     conv of g, with each kernel turned by half a turn

a = 3/4, b = 3/2 make A and B exact in binary, and the error a third of that with the customary 1 and 2: over 512
channels in single precision about 6e-6 of the largest output, ten times that of adding up plainly. The bound on it,
sum_t |A[t, i]| |G[t, p]| |B[t, j]|, is the same for 3 and 5 taps. (With 8 points, F(4x4, 5x5) takes half of the time
again, but errs more than three times as much.) An infinite pixel spoils its whole tile, not only the windows that read
it.

The functions here take what has the operators of arithmetic, one item for each place of an axis.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308; for the choice of
points, Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution", arXiv:1803.10986.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar


class Arithmetic(Protocol):
    """What can be added, subtracted, and multiplied by a number."""

    def __add__(self: V, other: V, /) -> V: ...

    def __sub__(self: V, other: V, /) -> V: ...

    def __rmul__(self: V, number: float, /) -> V: ...


V = TypeVar("V", bound=Arithmetic)

SIDE: Final = 6
"""Points of an axis, and pixels of a tile's side."""

POINTS: Final = SIDE * SIDE

TAPS: Final = (3, 5)
"""Of a kernel's side, for each of which a tile has as many windows as `windows` tells."""

A, B = 0.75, 1.5
AA, BB = A * A, B * B
SCALES: Final = (1 / (AA * BB), 0.5 / (AA * (AA - BB)), 0.5 / (BB * (BB - AA)))
"""1 / n[t], for 0, for a and -a, and for b and -b."""


def windows(taps: int) -> int:
    """How many windows of so many taps the pixels of a tile's side have."""
    return SIDE + 1 - taps


def pixels_to_points(x: Sequence[V]) -> list[V]:
    """B x, for 6 pixels."""
    even_b, odd_b = x[4] - BB * x[2], A * (x[3] - BB * x[1])
    even_a, odd_a = x[4] - AA * x[2], B * (x[3] - AA * x[1])
    first = (AA * BB) * x[0] - (AA + BB) * x[2] + x[4]
    last = (AA * BB) * x[1] - (AA + BB) * x[3] + x[5]
    return [first, even_b + odd_b, even_b - odd_b, even_a + odd_a, even_a - odd_a, last]


def windows_to_points(x: Sequence[V]) -> list[V]:
    """A x, for 2 windows or more."""
    even_a, odd_a = horner(x[::2], AA), A * horner(x[1::2], AA)
    even_b, odd_b = horner(x[::2], BB), B * horner(x[1::2], BB)
    return [x[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, x[-1]]


def points_to_windows(x: Sequence[V], count: int) -> list[V]:
    """A' x, for so many windows."""
    return _coefficients(x[0], x[1] + x[2], x[1] - x[2], x[3] + x[4], x[3] - x[4], x[5], count)


def taps_to_points(x: Sequence[V]) -> list[V]:
    """G x, for 3 taps or more."""
    zero, at_a, at_b = SCALES
    even_a, odd_a = at_a * horner(x[::2], AA), (at_a * A) * horner(x[1::2], AA)
    even_b, odd_b = at_b * horner(x[::2], BB), (at_b * B) * horner(x[1::2], BB)
    return [zero * x[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, x[-1]]


def points_to_taps(x: Sequence[V], count: int) -> list[V]:
    """G' x, for so many taps."""
    zero, at_a, at_b = SCALES
    a, minus_a, b, minus_b = at_a * x[1], at_a * x[2], at_b * x[3], at_b * x[4]
    return _coefficients(zero * x[0], a + minus_a, a - minus_a, b + minus_b, b - minus_b, x[5], count)


def both_axes(transform: Callable[[Sequence[V]], list[V]], square: Sequence[Sequence[V]]) -> list[list[V]]:
    """The transform of the columns of a square, then of the rows."""
    columns = [transform(column) for column in zip(*square, strict=True)]
    return [transform(row) for row in zip(*columns, strict=True)]


def horner(x: Sequence[V], t: float) -> V:
    """sum_i x[i] t^i."""
    total = x[-1]
    for coefficient in x[-2::-1]:
        total = coefficient + t * total
    return total


def _coefficients(zero: V, even_a: V, odd_a: V, even_b: V, odd_b: V, last: V, count: int) -> list[V]:
    """sum_t t^i x[t] for i < count, from x at 0, its sums and differences at a and -a, and at b and -b; infinity."""
    powers = [A**i * (odd_a if i % 2 else even_a) + B**i * (odd_b if i % 2 else even_b) for i in range(1, count)]
    return [zero + even_a + even_b, *powers[:-1], powers[-1] + last]
