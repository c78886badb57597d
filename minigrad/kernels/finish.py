"""What is done with a convolution's result while it is made: see `minigrad.compilation.fused_convolution`."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from minigrad.typing import Array, Pair

FINISH_BYTES: Final = 1 << 19
"""Of a result that are computed before they are finished together: they should still be in the cache."""


class Finish(Protocol):
    """Is told of each part of a result (N, O, I, J), once, as soon as it is complete; may write to it."""

    def part(self, out: Array, images: Pair, channels: Pair, rows: Pair) -> None:
        """Some channels and rows of some images, each from a first one to one that is no part any more."""

    def images(self, out: Array, first: int, last: int) -> None:
        """Some images, which several threads may share."""


def finished(out: Array, finish: Finish | None) -> Array:
    """A result, all of which is complete."""
    if finish is not None:
        finish.images(out, 0, len(out))
    return out


def in_groups(
    compute: Callable[[int, int], object], finish: Finish, out: Array, unit_bytes: int, row: Callable[[int], int],
    start: int, stop: int,
) -> None:  # fmt: skip
    """Compute a result in groups of units, from start to stop, and finish each group while it is in the cache.

    Args:
        compute: takes the units from one to another.
        finish: what is done with the result.
        out: the result, (N, O, I, J).
        unit_bytes: what a unit gives.
        row: at which row a unit begins, those of all images counted.
        start, stop: the units.
    """
    together = max(1, FINISH_BYTES // max(1, unit_bytes))
    for first in range(start, stop, together):
        last = min(first + together, stop)
        compute(first, last)
        for images, rows in rows_by_image(row(first), row(last), out.shape[2]):
            finish.part(out, images, (0, out.shape[1]), rows)


def in_groups_of_images(
    compute: Callable[[int, int], object], finish: Finish, out: Array, start: int, stop: int
) -> None:
    """The same, where units are images."""
    together = max(1, FINISH_BYTES * len(out) // max(1, out.nbytes))
    channels, rows = (0, out.shape[1]), (0, out.shape[2])
    for first in range(start, stop, together):
        last = min(first + together, stop)
        compute(first, last)
        finish.part(out, (first, last), channels, rows)


def rows_by_image(start: int, stop: int, height: int) -> Iterator[tuple[Pair, Pair]]:
    """Rows, those of all images counted, as some rows of one image, or all rows of several images."""
    while start < stop:
        image, row = divmod(start, height)
        whole = (stop - start) // height if row == 0 else 0
        rows = (0, height) if whole else (row, min(height, row + stop - start))
        yield (image, image + max(1, whole)), rows
        start += max(1, whole) * height - rows[0] if rows[1] == height else rows[1] - rows[0]
