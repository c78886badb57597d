"""Passes that join normalizations with the elementwise calls on their results, forward and backward.

relu(standardize(x, w, b) + y)          see `FusedNormalization`
standardize.x_w_b(relu.x(g, out), x)    standardize.x_w_b(g, x), where x tells where the relu was flat: out can go
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from minigrad.compilation.elementwise_fusion import fits_loop
from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.fused_normalization import FusedNormalization
from minigrad.compilation.normalization_gradient import NormalizationGradient
from minigrad.compilation.program import Instruction, Program, Ref
from minigrad.kernels.jit import numba_available
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE


def fuse_normalization(program: Program) -> Program:
    """Let the loop of a normalization that goes over its result do the elementwise calls on that, too."""
    if not numba_available():
        return program
    instructions, uses = list(program.instructions), Counter(n for i in program.instructions for n in set(i.reads))
    uses.update(program.returned)
    made = {number: k for k, instruction in enumerate(instructions) for number in instruction.makes}
    done: dict[int, Instruction | None] = {}
    for position, instruction in enumerate(instructions):
        if not _is_normalization(program, instruction) or uses[instruction.results[0]] != 1:
            continue
        out = instruction.results[0]
        user = next((k for k, each in enumerate(instructions) if out in each.reads), position)
        calls = instructions[user]
        ready = all(made.get(number, -1) <= position for number in calls.reads)
        if ready and _is_loop(program, calls) and not _changes(program, calls, position, user):
            fused = _fused(program, instruction, calls)
            if fused is not None:
                done |= {position: fused, user: None}
    kept = [done.get(k, instruction) for k, instruction in enumerate(instructions)]
    return replace(program, instructions=tuple([each for each in kept if each is not None]))


def fuse_normalization_gradient(program: Program) -> Program:
    """Let the gradients of a normalization do without those of a relu behind it, and without a look for NaN."""
    if not numba_available():
        return program
    uses = Counter(n for i in program.instructions for n in set(i.reads))
    uses.update(program.returned)
    made = {number: instruction for instruction in program.instructions for number in instruction.makes}
    kept: list[Instruction] = []
    for instruction in program.instructions:
        kept.append(instruction)
        if instruction.name != "standardize.x_w_b" or instruction.kind != "rule" or instruction.recomputed:
            continue
        (g, *others), *saved = instruction.arguments
        if not isinstance(g, Ref) or not _is_large(program, g.number) or None in instruction.makes:
            continue
        relu, arguments, forward = made.get(g.number), instruction.arguments, None
        if relu is not None and uses[g.number] == 1 and (forward := _relu_of(relu, saved, made)) is not None:
            kept = [each for each in kept if each is not relu]
            arguments = ((relu.arguments[0], *others), *saved, forward.arguments[2])
        else:
            relu = None
        kept[-1] = replace(
            instruction, kind="fused", name="standardize.x_w_b" if relu is None else "standardize_relu.x_w_b",
            function=NormalizationGradient(instruction, None if forward is None else forward.function),
            arguments=arguments, silence=None, op=None,
            parts=(instruction,) if relu is None else (relu, instruction),
        )  # fmt: skip
    return replace(program, instructions=tuple(kept))


def _relu_of(relu: Instruction, saved: Sequence[Any], made: Mapping[int, Instruction]) -> Instruction | None:
    """The normalization with a relu behind it whose relu's rule this is, if x, w and its moments are those saved."""
    if relu.name != "relu.x" or relu.kind != "rule" or relu.silence is not None:
        return None
    forward = made.get(relu.arguments[1].number)
    if forward is None or not isinstance(forward.function, FusedNormalization):
        return None
    x, w, _ = forward.arguments[:3]
    mean, variance = forward.results[1:]
    same = [part.name for part in forward.parts] == ["standardize", "relu"]
    return forward if same and [*saved[:4]] == [x, w, Ref(mean), Ref(variance)] else None


def _is_normalization(program: Program, instruction: Instruction) -> bool:
    """Whether it normalizes a large array."""
    if instruction.kind != "op" or instruction.name != "standardize" or instruction.recomputed:
        return False
    return _is_large(program, instruction.results[0])


def _is_large(program: Program, number: int) -> bool:
    value = program.values[number]
    return value.dtype.char in "fd" and math.prod(value.shape) >= MIN_FUSED_SIZE


def _is_loop(program: Program, instruction: Instruction) -> bool:
    """Whether it gives one value element by element."""
    one = isinstance(instruction.results, int)
    return one and (isinstance(instruction.function, FusedLoop) or fits_loop(program, instruction))


def _changes(program: Program, calls: Instruction, first: int, last: int) -> bool:
    """Whether calls would find other values elsewhere between two positions."""
    loaded = {program.storage(n) for i in program.instructions if i.kind == "load" for n in i.makes}
    reads_state = any(program.storage(number) in loaded for number in calls.reads)
    return reads_state and any(program.instructions[k].writes for k in range(first, last))


def _fused(program: Program, normalization: Instruction, calls: Instruction) -> Instruction | None:
    out, mean, variance = normalization.results
    result, known = calls.results, program.values
    if (known[result].dtype, known[result].shape) != (known[out].dtype, known[out].shape):
        return None
    parts, inputs = calls.parts or (calls,), list(dict.fromkeys(calls.reads))
    function = FusedNormalization.of(normalization, parts, inputs, result, program.values)
    if function is None:
        return None
    others = [Ref(number) for number in inputs if number != out]
    return replace(
        normalization, kind="fused", name=f"standardize_{calls.name}"[:60], function=function,
        arguments=(*normalization.arguments, *others), results=(result, mean, variance), parts=(normalization, *parts),
        op=None,
    )  # fmt: skip
