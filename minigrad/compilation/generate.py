"""From a program to the Python that runs: one line an instruction, and values let go as soon as they are not needed."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any, Final

import numpy as np

from minigrad.autograd.silence import MANY, has_nan, nothing_to_silence, silenced
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.compilation.arguments import Given, Number, Output, freed
from minigrad.compilation.program import Constant, Instruction, Nested, Program, Ref, Silence, Wrapped, same
from minigrad.kernels.buffers import Room, Slot

LITERALS: Final = (bool, int, str, type(None), type(Ellipsis))


class Changed(Exception):  # noqa: N818  (no error: the program does not fit this call)
    """A check gave another answer than when the program was captured."""


def generate(program: Program) -> tuple[str, Callable[..., Any]]:
    """The source of a program, and the function that it defines.

    The function takes the values of the arguments that are read, then all leaves of the arguments in a list, and
    returns what the captured function did.
    """
    writer = _Writer(program)
    source = "\n".join(writer.lines()) + "\n"
    space: dict[str, Any] = writer.space
    exec(compile(source, f"<program of {program.title}>", "exec"), space)
    return source, space["program"]


class _Writer:
    """Writes the source, and collects what its names stand for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.space: dict[str, Any] = {
            "has_nan": has_nan, "nothing_to_silence": nothing_to_silence, "silence": silence, "same": same,
            "Changed": Changed, "wrap": wrap, "freed": freed, "backward_errors": _backward_errors,
            "asarray": np.asarray,
        }  # fmt: skip
        self._names: dict[int, str] = {id(value): name for name, value in self.space.items()}
        for number, array in program.constants.items():
            self.space[f"v{number}"] = array

    def lines(self) -> Iterator[str]:
        """The source, line by line."""
        program = self.program
        parameters = [f"v{number}" for number in program.arguments if number is not None]
        yield f"def program({', '.join([*parameters, 'leaves'])}):"
        for tensor, _ in program.gradients:
            if not self._is_read(tensor):
                yield f"    {self.tensor(tensor)}.node.grad = None"
        last = _last_uses(program)
        for backward, group in groupby(enumerate(program.instructions), lambda pair: pair[1].backward):
            if backward:
                yield "    with backward_errors():"
            indent = "    " * (1 + backward)
            for position, instruction in group:
                lines = [indent + line for line in self._instruction(instruction)]
                if slots := self._slots(instruction):
                    yield f"{indent}with {', '.join(slots)}:"
                    lines[0] = f"    {lines[0]}"
                yield from lines
                gone = [f"v{number}" for number in last.get(position, ())]
                if gone:
                    yield f"{indent}del {', '.join(gone)}"
        for tensor, number in program.gradients:
            if number is not None:
                yield f"    {self.tensor(tensor)}.node.grad = wrap({self._fresh(number)})"
        yield f"    return {self._output(program.outputs)}"

    def _slots(self, instruction: Instruction) -> list[str]:
        """What stands for the places of its results in the arena, and for the room that is left there."""
        placed = [n for n in instruction.makes if n in self.program.places and instruction.into is None]
        values, places = self.program.values, self.program.places
        slots = [self.name(Slot(places[n], values[n].shape, values[n].dtype), f"arena_{places[n]}") for n in placed]
        if instruction.room is not None:
            slots.append(self.name(Room(*instruction.room), "room_{}_{}".format(*instruction.room)))
        return slots

    def _is_read(self, tensor: Tensor | int) -> bool:
        """Whether the gradient that a call finds is used."""
        return any(i.kind == "load gradient" and i.arguments[0].value is tensor for i in self.program.instructions)

    def _instruction(self, instruction: Instruction) -> Iterator[str]:
        if instruction.kind == "load":
            (tensor,) = instruction.arguments
            yield f"v{instruction.results} = {self.tensor(tensor.value)}._data"
            return
        arguments = [self.expression(x) for x in instruction.arguments]
        if instruction.into is not None:
            arguments.append(f"v{instruction.into}")
        arguments += [f"{name}={self.expression(x)}" for name, x in instruction.settings.items()]
        call = f"{self.name(instruction.function, instruction.name)}({', '.join(arguments)})"
        checks: list[str] = []
        target = self._target(instruction.results, instruction.expected, checks)
        yield call if target == "_" else f"{target} = {call}"
        yield from checks
        if instruction.kind == "op":  # arithmetic without dimensions gives numbers, which a Tensor holds as arrays
            yield from (f"v{n} = asarray(v{n})" for n in instruction.makes if self.program.values[n].shape == ())
        silences = instruction.silence if isinstance(instruction.silence, tuple) else (instruction.silence,)
        for each in silences:
            if each is not None:
                number = instruction.results if each.index is None else instruction.results[each.index]
                made = f"v{number}"
                silence = self.name(each, f"{instruction.name}_input")
                function = self.name(instruction.function, instruction.name)
                settings = self._containers(dict(instruction.settings), self.expression)
                given = arguments[: len(instruction.arguments)]
                saved = f"({', '.join(given[1:])}{',' * (len(given) == 2)})"
                many = math.prod(self.program.values[number].shape) >= MANY
                known = f"not nothing_to_silence({made}, {silence}.node, {saved}) and " if many else ""
                yield f"if {known}has_nan({made}):"
                yield f"    {made} = silence({silence}, {made}, {function}, ({given[0]}, *{saved}), {settings})"

    def _target(self, results: Nested, expected: Nested, checks: list[str]) -> str:
        if isinstance(results, int):
            return f"v{results}"
        if isinstance(results, tuple):
            rest = (
                expected
                if isinstance(expected, tuple) and not isinstance(expected, Constant)
                else [None] * len(results)
            )
            return ", ".join(self._part(part, other, checks) for part, other in zip(results, rest, strict=True)) + (
                "," if len(results) == 1 else ""
            )
        if isinstance(expected, Constant) and expected.value is not None:
            return self._checked(expected, checks)
        return "_"

    def _part(self, results: Nested, expected: Nested, checks: list[str]) -> str:
        if isinstance(results, tuple):
            return f"({self._target(results, expected, checks)})"
        return f"v{results}" if results is not None else self._checked(expected, checks) if expected else "_"

    def _checked(self, expected: Constant, checks: list[str]) -> str:
        name = f"seen{len(checks)}"
        checks += [f"if not same({name}, {self.expression(expected)}):", "    raise Changed"]
        return name

    def _fresh(self, number: int) -> str:
        """A value as it may be handed out: constants stay the program's own."""
        return f"v{number}.copy()" if number in self.program.constants else f"asarray(v{number})"

    def _output(self, output: Nested) -> str:
        if isinstance(output, Given):
            return f"leaves[{output.leaf}]"
        if isinstance(output, Output):
            node = "" if output.node is None else f", freed({self.name(output.node, 'node')})"
            return f"wrap({self._fresh(output.value.number)}{node})"
        if isinstance(output, Number):
            return f"asarray(v{output.value.number}).item()"
        if isinstance(output, Constant):
            return self.expression(output)
        return self._containers(output, self._output)

    # ---- expressions -----------------------------------------------------------------------------------------

    def expression(self, x: Nested) -> str:
        """An argument as Python writes it."""
        if isinstance(x, Ref):
            return f"v{x.number}"
        if isinstance(x, Wrapped):
            return f"wrap(v{x.number})"
        if isinstance(x, Constant):
            return self._constant(x.value)
        return self._containers(x, self.expression)

    def _containers(self, x: Nested, each: Callable[[Nested], str]) -> str:
        if isinstance(x, dict):
            return "{" + ", ".join(f"{key!r}: {each(part)}" for key, part in x.items()) + "}"
        inside = ", ".join(each(part) for part in x)
        return f"[{inside}]" if isinstance(x, list) else f"({inside}{',' if len(x) == 1 else ''})"

    def _constant(self, value: Any) -> str:
        if isinstance(value, Tensor):
            return self.tensor(value)
        if _is_literal(value):
            return repr(value)
        return self.name(value, type(value).__name__.lower())

    def tensor(self, tensor: Tensor | int) -> str:
        """A Tensor of the state, by its path; one of the arguments by its number."""
        if isinstance(tensor, int):
            return f"leaves[{tensor}]"
        return self.name(tensor, self.program.names.get(tensor, "tensor"))

    def name(self, value: object, wished: str) -> str:
        """A name that stands for an object, made if there is none."""
        found = self._names.get(id(value))
        if found is not None:
            return found
        name = re.sub(r"\W+", "_", wished).strip("_") or "c"
        name = (
            f"{name}_"
            if keyword.iskeyword(name) or re.fullmatch(r"v\d+|leaves|program|seen\d+|_.*|\d.*", name)
            else name
        )
        unique, count = name, 2
        while unique in self.space:
            unique, count = f"{name}_{count}", count + 1
        self.space[unique], self._names[id(value)] = value, unique
        return unique


def _is_literal(value: object) -> bool:
    if type(value) is tuple:
        return all(map(_is_literal, value))
    if type(value) is slice:
        return all(map(_is_literal, (value.start, value.stop, value.step)))
    return type(value) in LITERALS or (type(value) is float and math.isfinite(value))


def _last_uses(program: Program) -> dict[int, list[int]]:
    """By the position of an instruction, the values that nobody needs behind it."""
    last: dict[int, int] = {}
    for position, instruction in enumerate(program.instructions):
        for number in [
            *instruction.makes,
            *instruction.reads,
            *([instruction.into] if instruction.into is not None else []),
        ]:
            last[number] = position
    gone: dict[int, list[int]] = {}
    for number, position in last.items():
        if number not in program.returned and number not in program.constants:
            gone.setdefault(position, []).append(number)
    return gone


def _backward_errors() -> AbstractContextManager[None]:
    """Slopes may be infinite where no cotangent arrives."""
    return np.errstate(divide="ignore", invalid="ignore")


def silence(
    each: Silence, cotangent: Any, function: Callable[..., Any], arguments: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """What a rule gave, NaN replaced where a cotangent of exactly 0 brought it; see `autograd.silence`."""
    g, *saved = arguments

    def run_again(replaced: Callable[[Any], Any]) -> Any:
        found = function(g, *map(replaced, saved), **settings)
        return found if each.index is None else found[each.index]

    found = silenced(cotangent, g, each.node, each.parent, each.position, run_again)
    return found._data if type(found) is Tensor else found
