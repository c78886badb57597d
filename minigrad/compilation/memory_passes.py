"""Passes that save memory: parameters are updated as soon as possible, results take the place of dead values, and what
is made lies in one arena."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.compilation.fused_convolution import FusedConvolution
from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.fused_normalization import FusedNormalization
from minigrad.compilation.memory import Life, gaps, homes, lives, placed
from minigrad.compilation.normalization_gradient import NormalizationGradient
from minigrad.compilation.program import Constant, Instruction, Nested, Program
from minigrad.kernels.buffers import ALIGNMENT, MIN_BYTES, MIN_ROOM
from minigrad.kernels.sibling_convolutions import conv_each
from minigrad.optim import Optimizer

UPDATE: Final = "step_parameters"
"""The name of an instruction that updates parameters."""

MOST_JOINED: Final = 1 << 16
"""The largest gradient, in bytes, that waits for others."""


def updates_when_ready(program: Program) -> Program:
    """Update each parameter as soon as its gradient is complete and its old values are not needed any more.

    Where the step clears its gradients at the end, each is then freed at once.
    """
    loaded: dict[object, set[int]] = {}  # by Tensor: where its values lie
    for instruction in program.instructions:
        if instruction.kind == "load":
            storages = {program.storage(number) for number in instruction.makes}
            loaded.setdefault(instruction.loads, set()).update(storages)
    placed: list[Instruction] = []
    for instruction in program.instructions:
        position = len(placed)
        if is_update(instruction):
            needs, changed = set(instruction.reads), set(instruction.writes)
            old = set().union(*[loaded.get(x, set()) for x in changed])
            position = next(
                (
                    k + 1
                    for k in range(len(placed) - 1, -1, -1)
                    if _must_precede(program, placed[k], needs, changed, old)
                ),
                0,
            )
            if position < len(placed):
                instruction = replace(instruction, backward=placed[position - 1].backward)
        placed.insert(position, instruction)
    return replace(program, instructions=tuple(placed))


def updates_together(program: Program) -> Program:
    """Update small parameters in one call: their gradients may wait for each other, and a call takes longer than they.

    They are those of one group of an optimizer, with nothing but other updates between them.
    """
    done: list[Instruction] = []
    joined: Instruction | None = None
    for instruction in program.instructions:
        small = is_update(instruction) and all(
            program.values[number].nbytes <= MOST_JOINED for number in instruction.reads
        )
        if not is_update(instruction):
            joined = None
        elif small and joined is not None and _group(joined) == _group(instruction):
            optimizer, params, gradients, group = joined.arguments
            _, more_params, more_gradients, _ = instruction.arguments
            arguments = (optimizer, [*params, *more_params], [*gradients, *more_gradients], group)
            done.remove(joined)
            joined = replace(instruction, arguments=arguments, writes=(*joined.writes, *instruction.writes))
            done.append(joined)
            continue
        elif small:
            joined = instruction
        done.append(instruction)
    return replace(program, instructions=tuple(done))


def _group(update: Instruction) -> tuple[int, int]:
    """Which optimizer it is, and which of its groups."""
    return id(update.arguments[0].value), id(update.arguments[3].value)


def is_update(instruction: Instruction) -> bool:
    """Whether it updates parameters, by an optimizer whose updates do not depend on each other."""
    optimizer = instruction.arguments[0].value if instruction.name == UPDATE else None
    return isinstance(optimizer, Optimizer) and type(optimizer).__module__.startswith("minigrad.optim.")


def _must_precede(program: Program, earlier: Instruction, needs: set[int], changed: set[Tensor], old: set[int]) -> bool:
    """Whether an instruction makes what an update needs, or needs what it changes: Tensors, or their old values."""
    return (
        not needs.isdisjoint(earlier.makes)
        or not old.isdisjoint([program.storage(number) for number in earlier.reads])
        or any(x in changed for x in _objects(earlier.arguments))
        or not changed.isdisjoint(earlier.writes)
    )


def _objects(nested: Nested) -> list[object]:
    """The objects among arguments, those in dicts (the groups of an optimizer) not looked into."""
    if isinstance(nested, Constant):
        return [nested.value] if type(nested.value).__name__ == "Tensor" else []
    if isinstance(nested, (tuple, list)):
        return [found for part in nested for found in _objects(part)]
    return []


def results_in_place(program: Program) -> Program:
    """Let sums of cotangents, and NumPy's elementwise functions, write into an argument that nobody needs any more."""
    last: dict[int, int] = {}  # by storage: where it is used for the last time
    for position, instruction in enumerate(program.instructions):
        for number in (*instruction.reads, *instruction.makes):
            last[program.storage(number)] = position
    kept_storages = {program.storage(number) for number in program.returned}
    own = {
        number for i in program.instructions if i.kind in ("op", "rule", "accumulate", "fused") for number in i.makes
    }
    done = []
    for position, instruction in enumerate(program.instructions):
        into = None
        result = program.values[instruction.makes[0]] if instruction.makes else None
        if result is not None and result.shape and _takes_out(instruction):  # without dimensions there are no arrays
            for number in instruction.reads:
                value, storage = program.values[number], program.storage(number)
                if (
                    storage in own
                    and last[storage] == position
                    and storage not in kept_storages
                    and value.whole
                    and program.values[storage].whole
                    and (value.shape, value.dtype) == (result.shape, result.dtype)
                    and sum(program.storage(other) == storage for other in set(instruction.reads)) == 1
                ):
                    into = number
                    break
        done.append(instruction if into is None else replace(instruction, into=into))
    return replace(program, instructions=tuple(done))


def plan_arena(program: Program) -> Program:
    """Plan a place in one piece of memory, the program's arena, for each large result that is not seen afterwards.

    What is needed at the same time lies at different places; one place serves many results, one after the other. So
    does large scratch memory, as much as a call took when it was captured, or what is left where that is more.
    """
    home = homes(program)
    seen = {home[number] for i in program.instructions if not _lets_go(i) for number in i.reads}
    made = {number: i for i in program.instructions for number in i.makes}
    pieces = [
        life
        for life in lives(program)
        if life.nbytes >= MIN_BYTES
        and life.end < len(program.instructions)
        and life.number not in seen
        and life.number in made
        and _is_placed(program, made[life.number], life.number)
    ]
    instructions = list(program.instructions)
    scratch = [max(part.scratch for part in (each, *each.parts)) for each in instructions]
    rooms = [Life(-1, "scratch", nbytes, k, k) for k, nbytes in enumerate(scratch) if nbytes >= MIN_ROOM]
    together = [*pieces, *rooms]
    offsets = placed(together, ALIGNMENT)
    size = max([place + life.nbytes for life, place in zip(together, offsets, strict=True)], default=0)
    offsets = offsets[: len(pieces)]
    places = {life.number: place for life, place in zip(pieces, offsets, strict=True)}
    positions = [k for k, each in enumerate(instructions) if any(part.flops for part in each.parts or (each,))]
    for k, (low, high) in zip(positions, gaps(pieces, offsets, size, positions), strict=True):
        start = -(-low // ALIGNMENT) * ALIGNMENT
        if high - start >= MIN_ROOM:
            instructions[k] = replace(instructions[k], room=(start, high))
    return replace(program, instructions=tuple(instructions), places=places, arena=size)


def _lets_go(instruction: Instruction) -> bool:
    """Whether what it reads may be overwritten afterwards: only Python calls could keep arrays."""
    if instruction.pure:
        return True
    own = (instruction.function.__module__ or "").startswith("minigrad.")
    return is_update(instruction) if instruction.name == UPDATE else own


def _is_placed(program: Program, instruction: Instruction, number: int) -> bool:
    """Whether it makes a result where it is told to: only one of its results is like it, for places go by shape."""
    kinds = {n: (program.values[n].shape, program.values[n].dtype) for n in instruction.makes}
    like = [n for n, kind in kinds.items() if kind == kinds[number]]
    if len(like) > 1 and instruction.function is not conv_each:  # which makes them in their order
        return False
    if isinstance(instruction.function, (FusedLoop, FusedConvolution, FusedNormalization, NormalizationGradient)):
        return True
    op = instruction.op
    return op is not None and (op.module or "").startswith("minigrad.") and program.values[number].pooled


def _takes_out(instruction: Instruction) -> bool:
    """Whether the function takes the array for its result: a ufunc with one result, without settings."""
    function = instruction.function
    if isinstance(function, FusedLoop):
        return len(instruction.makes) == 1 and not function.reads_again
    return (
        isinstance(function, np.ufunc)
        and function.nout == 1
        and isinstance(instruction.results, int)
        and len(instruction.arguments) == function.nin
        and not instruction.settings
        and instruction.silence is None
    )
