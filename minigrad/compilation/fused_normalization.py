"""`FusedNormalization`: a normalization, with elementwise calls on its result, done while channels are in the cache.

relu(standardize(x, w, b) + y)      moments of some channels; then one loop over them normalizes and does the rest
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.program import Constant, Instruction, Ref, Value
from minigrad.kernels import buffers
from minigrad.kernels.fusion.row_view import RowView
from minigrad.kernels.normalization import is_constant, overflows, standardize_then
from minigrad.typing import Array, Shape


def _channel_view(shape: Shape, axis: Sequence[int], others: Sequence[Shape]) -> RowView | None:
    """Rows of one channel after the other, if the axes are those around the channels."""
    first = next((i for i in range(len(shape)) if i not in axis), len(shape))
    parts = first, first + len(shape) - len(axis)
    if any(i in axis for i in range(*parts)):
        return None
    view = RowView.by_parts(shape, others, parts)
    return None if view is None else view.turned()


def axes_of(instruction: Instruction) -> tuple[int, ...]:
    """The axes over which a normalization has means."""
    return tuple([k.value for k in instruction.settings["axis"]])


def _is_per_channel(values: Mapping[int, Value], instruction: Instruction, x: Any) -> bool:
    """Whether a factor or a term is missing, or has one number for each channel."""
    if not isinstance(x, Ref):
        return isinstance(x, Constant) and x.value is None
    shape, axis = values[instruction.reads[0]].shape, axes_of(instruction)
    channels = math.prod(n for i, n in enumerate(shape) if i not in axis)
    own = values[x.number].shape
    return math.prod(own) == channels and is_constant(own, len(shape), axis)


class FusedNormalization:
    """What computes a normalization, and the calls behind it; gives their result, the mean and the variance.

    Args:
        normalization: the call of `standardize`.
        loop: normalizes by a difference, a factor and a term for each channel, and does the calls.
        calls: the same calls, on the normalization's result.
        place: which of the inputs of `calls` that is.
    """

    def __init__(self, normalization: Instruction, loop: FusedLoop, calls: FusedLoop, place: int) -> None:
        self.normalization, self.loop, self.calls, self.place = normalization, loop, calls, place

    @classmethod
    def of(
        cls, normalization: Instruction, parts: tuple[Instruction, ...], inputs: Sequence[int], result: int,
        values: Mapping[int, Value],
    ) -> FusedNormalization | None:  # fmt: skip
        """What does a normalization and the calls behind it; None if that is not possible."""
        out, mean, _ = normalization.results
        x, *affine = normalization.arguments
        if not all(_is_per_channel(values, normalization, each) for each in affine):
            return None
        axis = axes_of(normalization)
        usual = FusedLoop.of(parts, inputs, (result,), values)
        first = max(values) + 1
        numbers = [first, first + 1, first + 2]  # of the difference, the factor and the term
        known = {**values, **dict.fromkeys(numbers, replace(values[mean], storage=-1))}
        plain = Instruction(
            "op", "normalized", _normalized, tuple(map(Ref, [x.number, *numbers])), {}, out, plain=(_normalized, False)
        )
        others = [number for number in inputs if number != out]
        view = _channel_view(values[out].shape, axis, [known[n].shape for n in (x.number, *numbers, *others)])
        if usual is None or view is None or x.number in others:
            return None
        loop = FusedLoop.of((plain, *parts), [x.number, *numbers, *others], (result,), known, by_rows=view)
        return None if loop is None else cls(normalization, loop, usual, list(inputs).index(out))

    def __call__(self, x: Array, w: Array | None, b: Array | None, *others: Array, **settings: Any) -> Any:
        """The result, the mean and the variance."""
        loop = self.loop
        if all(a.flags.carray for a in (x, *others)):
            result = buffers.empty(loop.shape, loop.dtype)
            assert loop.view is not None
            function, steps, outer, row = loop.function(), loop.steps(), loop.view.middle, loop.view.row
            arrays, flat = (result.reshape(-1), x.reshape(-1)), [other.reshape(-1) for other in others]

            def normalize(difference: Array, factor: Array, term: Array, start: int, stop: int) -> None:
                given = (*arrays, difference, factor, term, *flat)
                function(*given, steps, outer, row, 0, row, start * outer, stop * outer)

            with np.errstate(over="ignore", invalid="ignore"):
                mean, variance = standardize_then(x, w, b, normalize, **settings)
            if not overflows(x, variance):
                return result, mean, variance
        out, mean, variance = self.normalization.function(x, w, b, **settings)
        return self.calls(*others[: self.place], out, *others[self.place :]), mean, variance


def _normalized(x: Any, difference: Any, factor: Any, term: Any) -> Any:
    return (x + difference) * factor + term
