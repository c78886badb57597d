"""`Captured`: the program of one call that has ended, and what it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import is_
from typing import Any

from minigrad.autograd.tensor import Tensor
from minigrad.compilation.arguments import Arguments, NoProgramError, described
from minigrad.compilation.guards import Guards
from minigrad.compilation.passes import checks_first
from minigrad.compilation.program import Constant, Instruction, Program, same
from minigrad.compilation.tape import Tape

Needs = dict[Tensor | int, str]
"""By variable (of an argument: by its leaf's number): whether its `.grad` must be "none" or "some", or may be "any"."""


_COMPATIBLE = ({"none"}, {"some"}, {"any"}, {"none", "any"})
"""What the same program can have found of one gradient in two calls."""


class Captured:
    """One captured call: the program, what it depends on, and which gradients it needs to find.

    Attributes:
        data: a fingerprint of the data that it was given, if there is an array that may have been made of these behind
            minigrad's back; else None.
    """

    def __init__(
        self, program: Program, guards: Guards, needs: Needs, data: bytes | None, shared: Sequence[Tensor | None]
    ) -> None:
        self.program, self.guards, self.needs, self.data = program, guards, needs, data
        self._shared = shared

    def finds_its_data(self, arguments: Arguments) -> bool:
        """Whether a call is given the data that this one was given."""
        return fingerprint(self.program, arguments) == self.data

    def finds_shared(self, arguments: Arguments) -> bool:
        """Whether the same arguments as before are Tensors that the function reaches by itself."""
        reached = self.guards.tensors
        return all(
            x is None or (x not in reached if known is None else x._data is known._data)
            for x, known in zip(arguments.tensors, self._shared, strict=True)
        )

    def difference(self, other: Captured) -> str | None:
        """The first call in which two programs differ, with its line; None if there is none."""
        mine, others = self.program, other.program
        for one, two in zip(mine.instructions, others.instructions, strict=False):
            where = f"{one.name} at {one.site[0]}:{one.site[1]}"
            if one.kind != two.kind or one.function is not two.function or not same(_fields(one), _fields(two)):
                return where
            for number in one.reads:
                if not same(mine.constants.get(number), others.constants.get(number)):
                    return f"an array that {where} is given"
        if len(mine.instructions) != len(others.instructions):
            return "the number of calls"
        return None if same(mine.outputs, others.outputs) and same(mine.constants, others.constants) else "the results"

    def took_the_way_of(self, other: Captured) -> bool:
        """Whether all checks gave the same answers, and the same gradients were set and cleared."""
        decisions = [[i.expected for i in each.program.instructions if i.decides] for each in (self, other)]
        alike = all({need, other.needs.get(x)} in _COMPATIBLE for x, need in self.needs.items())
        alike &= all(map(is_, self._shared, other._shared))
        return alike and same(*decisions) and same(self.program.gradients, other.program.gradients)

    def needs_of_both(self, other: Captured) -> Needs:
        """A gradient that one of the calls found, and cleared before it was used, may be there or not."""
        return {x: "any" if "any" in (need, other.needs[x]) else need for x, need in self.needs.items()}


def _fields(instruction: Instruction) -> tuple[Any, ...]:
    return (instruction.arguments, dict(instruction.settings), instruction.results, instruction.expected)


def refusal(tape: Tape, guards: Guards) -> str | None:
    """Why a call can have no program."""
    tape.check_draws()
    if tape.refusal is not None:
        reason, (file, line) = tape.refusal
        return f"{reason}, at {file}:{line}"
    if guards.refusal is not None:
        return guards.refusal
    drawn = guards.drawn({id(x.value) for i in tape.instructions for x in i.arguments if isinstance(x, Constant)})
    return (
        None if drawn is None else f"random numbers are drawn from {drawn}, and what is done with them cannot be seen"
    )


def captured_call(tape: Tape, arguments: Arguments, guards: Guards, outputs: Any, title: str) -> Captured:
    """The program of a call that has ended.

    Raises:
        NoProgramError: it has left something that no program can give.
    """
    leaf_of = {x: k for k, x in enumerate(arguments.tensors) if x is not None}
    needs: Needs = {}
    gradients: list[tuple[Tensor | int, int | None]] = []
    described_outputs = described(outputs, arguments, guards.tensors, tape.number, tape.numbers)
    if tape.numbers:
        raise NoProgramError("a number that leaves in its return statement is not returned as it is")
    for x, node in tape.known.leaves.items():
        if x.node is not node:
            raise NoProgramError("it changes which Tensors require gradients")
        if x in leaf_of and x in tape.known.used_gradients:
            raise NoProgramError("it reads, or adds to, the gradient that an argument came with")
        name, before, now = leaf_of.get(x, x), tape.known.entry[x], node.grad
        needs[name] = "some" if x in tape.known.used_gradients else "none" if before is None else "any"
        if now is before:
            needs[name] = "none" if before is None else "some"
        elif now is None:
            gradients.append((name, None))
        elif now.node is not None:
            raise NoProgramError("a gradient is itself recorded (create_graph=True)")
        else:
            gradients.append((name, tape.number(now._data)))
    instructions = checks_first(tape.instructions)
    _require_checks_first(instructions)
    read = {number for i in instructions for number in i.reads}
    program = Program(
        tuple(instructions), tape.known.values,
        tuple([number if number in read else None for number in tape.known.arguments]),
        tape.known.constants, described_outputs, tuple(gradients), guards.tensors, title,
    )  # fmt: skip
    data = fingerprint(program, arguments) if tape.known.suspicious else None
    return Captured(program, guards, needs, data, arguments.shared_with(guards.tensors))


def _require_checks_first(instructions: Sequence[Instruction]) -> None:
    """A check that sends the call back to its beginning must stand before everything that cannot be done twice."""
    effects = False
    for instruction in instructions:
        effects |= instruction.kind == "call"
        if effects and instruction.decides:
            raise NoProgramError(
                f"{instruction.name} at {instruction.site[0]}:{instruction.site[1]} looks at values after something "
                "has been changed or drawn"
            )


def fingerprint(program: Program, arguments: Arguments) -> bytes:
    """That of the data that a call is given: its Tensors, and others that require no gradients and are only read."""
    digest = hashlib.blake2b(digest_size=16)
    written = {x for i in program.instructions for x in i.writes}
    state = [i.arguments[0].value for i in program.instructions if i.kind == "load"]
    for x in [*arguments.tensors, *[x for x in state if x.node is None and x not in written]]:
        if x is not None:
            digest.update(x._data.tobytes())
    return digest.digest()
