"""`RowView`: arrays that broadcast against each other, seen as rows that a loop goes along one after the other.

Along a row an array has a number for each element, or one number for all: in images (N, C, H, W) with a bias (C, 1, 1),
a row is a channel of an image, and the bias one number of it; in samples (N, D) with a bias (D,), a row is a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import prod
from operator import mul
from typing import Final, NamedTuple

from minigrad.typing import Shape

MIN_ROW: Final = 16
"""Elements of a row: with fewer, there is nothing to gain."""


class RowView(NamedTuple):
    """Arrays as (outer, middle, row).

    Attributes:
        outer, middle, row: the three sizes of the common shape.
        whole: how far the first element of a row moves from one of `outer`, and of `middle`, to the next, in an array
            of the common shape.
        steps: the same for each of the arrays.
        single: for each, whether it has one number for a row.
    """

    outer: int
    middle: int
    row: int
    whole: tuple[int, int]
    steps: tuple[tuple[int, int], ...]
    single: tuple[bool, ...]

    @classmethod
    def of(cls, shape: Shape, others: Sequence[Shape]) -> RowView | None:
        """The view of arrays that broadcast to a shape; None if they cannot be seen so, or rows are short."""
        return _view(shape, tuple(others))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.outer * self.middle

    @classmethod
    def by_parts(cls, shape: Shape, others: Sequence[Shape], parts: tuple[int, int]) -> RowView | None:
        """The view whose sizes are those of the axes in front of parts[0], up to parts[1], and behind it.

        None if an array is the same along some axes of a part only.
        """
        sizes = [prod(axes) for axes in _parts(shape, parts)]
        kept = [[prod(axes) for axes in _parts((1,) * (len(shape) - len(other)) + other, parts)] for other in others]
        if any(n not in (1, size) for each in kept for n, size in zip(each, sizes, strict=True)):
            return None
        return _of_sizes(sizes, [tuple(n == size for n, size in zip(each, sizes, strict=True)) for each in kept])

    def turned(self) -> RowView:
        """The same rows, all of one of `middle` one after the other."""
        steps = tuple([step[::-1] for step in self.steps])
        return self._replace(outer=self.middle, middle=self.outer, whole=self.whole[::-1], steps=steps)


@lru_cache(1000)
def _view(shape: Shape, others: tuple[Shape, ...]) -> RowView | None:
    full = [(1,) * (len(shape) - len(other)) + other for other in others]
    if any(len(other) != len(shape) or any(n not in (1, m) for n, m in zip(other, shape, strict=True))
           for other in full):  # fmt: skip
        return None
    kept: list[tuple[bool, ...]] = []
    sizes: list[int] = []
    for k, n in enumerate(shape):
        if n == 1:
            continue
        pattern = tuple([other[k] == n for other in full])
        if kept and kept[-1] == pattern:
            sizes[-1] *= n
        else:
            kept.append(pattern)
            sizes.append(n)
    if not 1 <= len(sizes) <= 3 or sizes[-1] < MIN_ROW or not prod(sizes):
        return None
    missing = 3 - len(sizes)
    patterns = [(*[True] * missing, *each) for each in zip(*kept, strict=True)]
    return _of_sizes([1] * missing + sizes, patterns)


def _parts(shape: Shape, parts: tuple[int, int]) -> tuple[Shape, Shape, Shape]:
    return shape[: parts[0]], shape[parts[0] : parts[1]], shape[parts[1] :]


def _of_sizes(sizes: Sequence[int], patterns: Sequence[tuple[bool, ...]]) -> RowView:
    """The view of such sizes, of arrays of which it is known along which of these they differ."""
    steps = []
    for each in patterns:
        own = [n if keeps else 1 for n, keeps in zip(sizes, each, strict=True)]
        strides = [*accumulate([1, *own[:0:-1]], mul)][::-1]
        steps.append((strides[0] if each[0] else 0, strides[1] if each[1] else 0))
    single = tuple([not each[-1] for each in patterns])
    outer, middle, row = sizes
    return RowView(outer, middle, row, (middle * row, row), tuple(steps), single)
