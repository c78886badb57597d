"""The passes, in their order: each is a small function from a program to a program that does the same for less.

    dead code              what nobody needs is left out
    constants              what is the same at each replay is computed once
    common subexpressions  what two calls would compute alike is computed once
    pieces                 cotangents of the pieces of a value are written side by side      (joined_pieces.py)
    sibling gradients      a sum of gradients of pointwise convolutions is one product       (sibling_passes.py)
    normalization          channels of a convolution are scaled and shifted by its kernels   (convolution_passes.py)
    elementwise fusion     calls that work element by element become one loop over memory    (elementwise_fusion.py)
    convolution fusion     such calls take each part of a convolution while it is in cache   (convolution_passes.py)
    sibling convolutions   pointwise convolutions of the same images are one product         (sibling_passes.py)
    normalization fusion   a normalization does such calls on channels that are in cache    (normalization_passes.py)
    normalization gradient that of a normalization finds where a relu behind it was flat    (normalization_passes.py)
    relu behind pooling    a relu's gradient is taken before max pooling's, of fewer pixels  (pooling_passes.py)
    single loops           elementwise calls that are left become loops of known shapes      (elementwise_fusion.py)
    updates together       small parameters are updated in one call                          (memory_passes.py)
    updates when ready     a parameter is updated as soon as its gradient is complete        (memory_passes.py)
    updates by rows        a large gradient of a linear layer is used some rows at a time    (row_updates.py)
    results in place       a result takes the memory of a value that nobody needs any more   (memory_passes.py)
    arena                  large results lie in one piece of memory, each at a planned place (memory_passes.py)

Values that nobody needs any more are let go at once in any case: see `generate.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from minigrad.compilation.convolution_passes import finish_convolutions, normalize_by_kernels
from minigrad.compilation.elementwise_fusion import fuse_elementwise, fuse_single_calls
from minigrad.compilation.joined_pieces import join_pieces
from minigrad.compilation.memory_passes import plan_arena, results_in_place, updates_together, updates_when_ready
from minigrad.compilation.normalization_passes import fuse_normalization, fuse_normalization_gradient
from minigrad.compilation.pooling_passes import relu_behind_pooling
from minigrad.compilation.program import Constant, Instruction, Nested, Program, Ref, Value, Wrapped, renumbered
from minigrad.compilation.row_updates import update_by_rows
from minigrad.compilation.sibling_passes import convolve_siblings, sum_siblings
from minigrad.kernels.array_utils import as_contiguous

MOST_FOLDED: Final = 1 << 20
"""The largest constant, in bytes, that is kept rather than computed anew."""


class Pass(NamedTuple):
    """A pass: what it is called, and what it does."""

    name: str
    run: Callable[[Program], Program]


def dead_code(program: Program) -> Program:
    """Leave out what computes values that nobody needs."""
    needed, kept = set(program.returned), []
    for instruction in reversed(program.instructions):
        if not instruction.pure or not needed.isdisjoint(instruction.makes):
            needed.update(instruction.reads)
            kept.append(instruction)
    return replace(program, instructions=tuple(reversed(kept)))


def fold_constants(program: Program) -> Program:
    """Compute once what depends on constants only."""
    constants, values, kept = dict(program.constants), dict(program.values), []
    for instruction in program.instructions:
        number = instruction.results
        known = isinstance(number, int) and instruction.reads and all(k in constants for k in instruction.reads)
        pure = instruction.kind in ("op", "rule", "accumulate") and instruction.silence is None
        if known and pure and program.values[number].nbytes <= MOST_FOLDED:
            array = constants[number] = as_contiguous(np.asarray(_computed(instruction, constants)))  # as kernels ask
            values[number] = Value(array.shape, array.dtype, array.nbytes, number)
        else:
            kept.append(instruction)
    return replace(program, instructions=tuple(kept), constants=constants, values=values)


def common_subexpressions(program: Program) -> Program:
    """Compute once what two calls would compute alike. What a checkpoint computes again, it does on purpose."""
    numbers: dict[int, int] = {}
    seen: dict[Any, Instruction] = {}
    kept: list[Instruction] = []
    constants = [*program.constants.items()]
    for k, (number, array) in enumerate(constants):
        for other, earlier in constants[:k]:
            if array.dtype == earlier.dtype and array.shape == earlier.shape and array.tobytes() == earlier.tobytes():
                numbers.setdefault(number, numbers.get(other, other))
    for instruction in program.instructions:
        again = replace(
            instruction,
            arguments=renumbered(instruction.arguments, numbers),
            settings=renumbered(dict(instruction.settings), numbers),
        )
        if again.kind in ("op", "rule", "accumulate"):
            key = (id(again.function), again.recomputed, _key((again.arguments, dict(again.settings))))
            earlier_call = seen.setdefault(key, again)
            if earlier_call is not again:
                numbers.update(_paired(again.results, earlier_call.results))
                continue
        kept.append(again)
    gradients = tuple([(x, None if n is None else numbers.get(n, n)) for x, n in program.gradients])
    outputs = renumbered(program.outputs, numbers)
    return replace(program, instructions=tuple(kept), outputs=outputs, gradients=gradients)


PASSES: Final[tuple[Pass, ...]] = (
    Pass("dead code", dead_code),
    Pass("constants", fold_constants),
    Pass("common subexpressions", common_subexpressions),
    Pass("pieces", join_pieces),
    Pass("sibling gradients", sum_siblings),
    Pass("normalization", normalize_by_kernels),
    Pass("elementwise fusion", fuse_elementwise),
    Pass("convolution fusion", finish_convolutions),
    Pass("sibling convolutions", convolve_siblings),
    Pass("normalization fusion", fuse_normalization),
    Pass("normalization gradient", fuse_normalization_gradient),
    Pass("relu behind pooling", relu_behind_pooling),
    Pass("single loops", fuse_single_calls),
    Pass("updates together", updates_together),
    Pass("updates when ready", updates_when_ready),
    Pass("updates by rows", update_by_rows),
    Pass("results in place", results_in_place),
    Pass("arena", plan_arena),
)


# ---- before the passes -----------------------------------------------------------------------------------------------


def checks_first(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Look at what decides about the program before anything is changed or drawn, as far as that is possible.

    (This is done when a program is captured.)
    """
    first: set[int] = set()  # positions
    made = {number: k for k, instruction in enumerate(instructions) for number in instruction.makes}
    for position, instruction in enumerate(instructions):
        if instruction.decides:
            behind = _behind(position, instructions, made)
            if all(_could_be_first(k, instructions) for k in behind if k != position):
                first |= behind
    return [instructions[k] for k in sorted(range(len(instructions)), key=lambda k: k not in first)]


def _behind(position: int, instructions: Sequence[Instruction], made: Mapping[int, int]) -> set[int]:
    """The positions of an instruction and of all that it depends on."""
    found, waiting = {position}, [position]
    for k in waiting:  # grows while it is read
        new = {made[number] for number in instructions[k].reads if number in made} - found
        found |= new
        waiting += new
    return found


def _could_be_first(position: int, instructions: Sequence[Instruction]) -> bool:
    """Whether nothing that runs before an instruction could change what it gives."""
    tensor = instructions[position].loads
    changed = {id(x) for earlier in instructions[:position] for x in earlier.writes}  # == of Tensors compares elements
    return instructions[position].kind != "call" and id(tensor) not in changed


# ---- calls as values -------------------------------------------------------------------------------------------------


def _computed(instruction: Instruction, constants: Mapping[int, Any]) -> Any:
    """What an instruction gives for constants."""
    arguments = [_filled(x, constants) for x in instruction.arguments]
    settings = {name: _filled(x, constants) for name, x in instruction.settings.items()}
    return instruction.function(*arguments, **settings)


def _filled(x: Nested, constants: Mapping[int, Any]) -> Any:
    if isinstance(x, Ref):
        return constants[x.number]
    if isinstance(x, Constant):
        return x.value
    if isinstance(x, (tuple, list)):
        return type(x)([_filled(part, constants) for part in x])
    if isinstance(x, dict):
        return {key: _filled(part, constants) for key, part in x.items()}
    return x


def _key(x: Nested) -> Any:
    """What is equal for equal arguments: scalars by value and type, other objects by identity."""
    if isinstance(x, (Ref, Wrapped)):
        return type(x), x.number
    if isinstance(x, Constant):
        scalar = isinstance(x.value, (bool, int, float, str, np.generic, np.dtype, type(None)))
        return type(x.value), repr(x.value) if scalar else id(x.value) if not isinstance(x.value, tuple) else repr(
            x.value
        )
    if isinstance(x, (tuple, list)):
        return type(x), tuple(map(_key, x))
    if isinstance(x, dict):
        return tuple((key, _key(part)) for key, part in x.items())
    return id(x)


def _paired(results: Nested, others: Nested) -> dict[int, int]:
    """By the numbers of results, those of the same results elsewhere."""
    if isinstance(results, int):
        return {results: others} if isinstance(others, int) else {}
    pairs: dict[int, int] = {}
    for one, other in zip(results or (), others or (), strict=False):
        pairs |= _paired(one, other)
    return pairs
