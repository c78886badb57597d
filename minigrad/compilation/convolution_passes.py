"""Passes around convolutions: what is done to each channel or element of a result is done while the result is made.

(conv(x, w, b) * a + c)         conv(x, a w, a b + c)           with numbers a and c for each channel
relu(conv(x, w, b) + y)         on each part of the result as soon as it is complete, in the cache
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from minigrad.autograd.registry import REGISTRY
from minigrad.compilation.elementwise_fusion import fits_loop
from minigrad.compilation.fused_convolution import FusedConvolution
from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.program import Constant, Instruction, Program, Ref, Value
from minigrad.kernels.jit import numba_available
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE
from minigrad.typing import Shape


def normalize_by_kernels(program: Program) -> Program:
    """Let kernels and bias of a convolution scale and shift channels, as a normalization by running statistics does.

    Where the kernels have no more numbers than the result: scaling these is less work.
    """
    editor = _Editor(program)
    for position, instruction in enumerate(program.instructions):
        editor.kept.append(instruction)
        if instruction.kind != "op" or instruction.name not in ("multiply", "add") or instruction.backward:
            continue
        for k in (0, 1) if len(instruction.arguments) == 2 else ():
            result, other = instruction.arguments[k], instruction.arguments[1 - k]
            conv = editor.convolution(result, position)
            if conv is not None and isinstance(other, Ref) and _is_per_channel(program, conv, other.number):
                editor.replace_last(conv, instruction, other)
                break
    return editor.program()


def finish_convolutions(program: Program) -> Program:
    """Apply elementwise calls to each part of a convolution's result that is complete, while it is in the cache."""
    if not numba_available():
        return program
    editor = _Editor(program)
    for position, instruction in enumerate(program.instructions):
        editor.kept.append(instruction)
        if instruction.backward or not (isinstance(instruction.function, FusedLoop) or fits_loop(program, instruction)):
            continue
        for number in reversed(instruction.reads):
            conv = editor.convolution(Ref(number), position)
            fused = None if conv is None else _finished(program, conv, instruction)
            if conv is not None and fused is not None:
                editor.remove(conv)
                editor.kept[-1] = fused
                break
    return editor.program()


def _finished(program: Program, conv: Instruction, calls: Instruction) -> Instruction | None:
    """One instruction for a convolution and the elementwise calls that take its result."""
    parts = calls.parts or (calls,)
    results = tuple(calls.makes)
    inputs = list(dict.fromkeys(calls.reads))
    if conv.results in results or any(program.values[n].dtype != program.values[conv.results].dtype for n in results):
        return None
    function = FusedConvolution.of(conv, parts, inputs, results, program.values)
    if function is None:
        return None
    x, w, b = conv.arguments
    others = [Ref(number) for number in inputs if number != conv.results]
    return replace(
        calls, kind="fused", name=f"conv_{calls.name}"[:60], function=function, arguments=(x, w, b, *others),
        settings=conv.settings, results=results if len(results) > 1 else results[0], parts=(conv, *parts), op=None,
        plain=None, flops=0,
    )  # fmt: skip


def _is_per_channel(program: Program, conv: Instruction, number: int) -> bool:
    """Whether a value has a number for each channel of a convolution's result, of its dtype."""
    value, result = program.values[number], program.values[conv.results]
    shape = (1,) * (4 - len(value.shape)) + value.shape
    return value.dtype == result.dtype and shape == (1, result.shape[1], 1, 1)


class _Editor:
    """Instructions that are kept, the last of which may take the place of a convolution.

    Attributes:
        kept: the instructions so far.
        values: what is known of each value, new ones among them.
    """

    def __init__(self, program: Program) -> None:
        self.original = program
        self.kept: list[Instruction] = []
        self.values = dict(program.values)
        self._uses = Counter(number for i in program.instructions for number in set(i.reads))
        self._uses.update(program.returned)
        self._made: dict[int, Instruction] = {}

    def convolution(self, result: Any, position: int) -> Instruction | None:
        """The convolution of images that gave a large result, if nobody else takes this and it could be made here."""
        if not isinstance(result, Ref) or self._uses[result.number] != 1:
            return None
        for instruction in reversed(self.kept[:-1]):
            if instruction.writes:  # to parameters, perhaps
                return None
            if result.number in instruction.makes:
                found = instruction.kind == "op" and instruction.name == "conv" and not instruction.recomputed
                shape = self.values[result.number].shape
                of_images = len(shape) == 4  # volumes are convolved in another order than they lie in memory
                return instruction if found and of_images and math.prod(shape) >= MIN_FUSED_SIZE else None
        return None

    def remove(self, instruction: Instruction) -> None:
        """Leave out an instruction."""
        self.kept = [each for each in self.kept if each is not instruction]

    def replace_last(self, conv: Instruction, call: Instruction, other: Ref) -> None:
        """A convolution with other kernels and another bias in place of one, and of the last instruction."""
        x, w, b = conv.arguments
        outs, sizes = self.values[other.number].shape[-3], self.values
        if not isinstance(w, Ref) or math.prod(sizes[w.number].shape) > math.prod(sizes[conv.results].shape):
            return
        self.kept.pop()
        self.remove(conv)
        scales = call.name == "multiply"
        if scales:
            column = self._op("reshape", (other,), (outs, 1, 1, 1), view_of=other, shape=(outs, 1, 1, 1))
            w = self._op("multiply", (w, column), sizes[w.number].shape)
        if isinstance(b, Ref) or not scales:
            flat = self._op("reshape", (other,), (outs,), view_of=other, shape=(outs,))
            b = self._op(call.name, (b, flat), (outs,)) if isinstance(b, Ref) else flat
        self.kept.append(replace(conv, arguments=(x, w, b), results=call.results))

    def _op(
        self, name: str, arguments: tuple[Ref, ...], made: Shape, *, view_of: Ref | None = None, **settings: Any
    ) -> Ref:
        """Append a call of an op, and give its result, of the shape `made`."""
        op, number = REGISTRY[name], max(self.values) + 1
        dtype = self.values[arguments[0].number].dtype
        storage = number if view_of is None else self.values[view_of.number].storage
        nbytes = math.prod(made) * dtype.itemsize
        self.values[number] = Value(made, dtype, nbytes, storage, view_of is None)
        encoded: Mapping[str, Any] = {key: tuple(map(Constant, value)) for key, value in settings.items()}
        function = op.forward if op.elementwise else op.compute
        self.kept.append(Instruction("op", name, function, arguments, encoded, number, op=op))
        return Ref(number)

    def program(self) -> Program:
        """The program of what was kept."""
        return replace(self.original, instructions=tuple(self.kept), values=self.values)
