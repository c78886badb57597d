"""`FusedConvolution`: a convolution, with elementwise calls on each part of its result while that is in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.program import Instruction, Value
from minigrad.kernels import buffers, convolution
from minigrad.kernels.fusion.row_view import RowView
from minigrad.kernels.threads import parallel
from minigrad.typing import Array, Pair

PARTS = (1, 2)
"""Of (N, O, I, J): a row is a channel of an image."""


class FusedConvolution:
    """What computes a convolution and the calls behind it, part by part.

    The kernel tells of each part of its result that is complete, such as some rows of an image, and the loop of the
    calls goes over that. It writes to the same memory, unless there are several results.

    Args:
        conv: the call of the convolution.
        loop: what is done with its result, by channels of images.
        place: which of the loop's inputs that is.
    """

    def __init__(self, conv: Instruction, loop: FusedLoop, place: int) -> None:
        self.conv, self.loop, self.place = conv, loop, place
        self.shared = place if len(loop.results) == 1 and not loop.reads_again else None

    @classmethod
    def of(
        cls, conv: Instruction, calls: tuple[Instruction, ...], inputs: Sequence[int], results: Sequence[int],
        values: Mapping[int, Value],
    ) -> FusedConvolution | None:  # fmt: skip
        """What does a convolution and the calls behind it; None if that is not possible."""
        shape = values[conv.results].shape
        view = RowView.by_parts(shape, [values[number].shape for number in inputs], PARTS)
        loop = None if view is None else FusedLoop.of(calls, inputs, results, values, by_rows=view)
        return None if loop is None else cls(conv, loop, list(inputs).index(conv.results))

    def __call__(self, x: Array, w: Array, b: Array | None, *others: Array, **settings: Any) -> Any:
        """The loop's results."""
        loop = self.loop
        if not all(other.flags.carray for other in others):
            out = convolution.conv(x, w, b, **settings)
            return loop.one_by_one([*others[: self.place], out, *others[self.place :]])
        results = (
            () if self.shared is not None else tuple([buffers.empty(loop.shape, loop.dtype) for _ in loop.results])
        )
        out = convolution.conv(x, w, b, **settings, finish=_Loop(self, others, results))
        found = results or (out,)
        return found[0] if len(found) == 1 else found


class _Loop:
    """Runs the loop on parts of a convolution's result (a `Finish`)."""

    def __init__(self, fused: FusedConvolution, others: Sequence[Array], results: tuple[Array, ...]) -> None:
        loop, shared = fused.loop, fused.shared
        self.function, self.steps, self.grain = loop.function(shared), loop.steps(shared), loop.grain
        flat = [x.reshape(-1) for x in others]
        before = 0 if shared is not None else fused.place
        self.before, self.after = [*[x.reshape(-1) for x in results], *flat[:before]], flat[before:]

    def part(self, out: Array, images: Pair, channels: Pair, rows: Pair) -> None:
        """Some channels and rows of some images."""
        count, width = out.shape[1], out.shape[3]
        first, length = rows[0] * width, (rows[1] - rows[0]) * width
        if channels == (0, count):
            self._run(out, first, length, images[0] * count, images[1] * count)
            return
        for image in range(*images):
            self._run(out, first, length, image * count + channels[0], image * count + channels[1])

    def images(self, out: Array, first: int, last: int) -> None:
        """Some images."""
        _, count, height, width = out.shape
        parallel(self._whole_rows, (last - first) * count, out, first * count, grain=self.grain // (height * width) + 1)

    def _whole_rows(self, out: Array, base: int, start: int, stop: int) -> None:
        self._run(out, 0, out.shape[2] * out.shape[3], base + start, base + stop)

    def _run(self, out: Array, first: int, length: int, start: int, stop: int) -> None:
        _, count, height, width = out.shape
        arrays = (*self.before, out.reshape(-1), *self.after)
        self.function(*arrays, self.steps, count, height * width, first, length, start, stop)
