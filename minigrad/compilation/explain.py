"""What the passes have done to a program, as text: a row a pass, and the lines that each has changed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from itertools import pairwise
from typing import Any

from minigrad.autograd.tensor import Tensor
from minigrad.compilation.memory import flops, footprint, made
from minigrad.compilation.program import Constant, Instruction, Nested, Program, Ref, Wrapped

Stages = Sequence[tuple[str, Program]]
"""A program as it was captured, and behind each pass, with its name."""


def explain(stages: Stages, *, lines: bool = True) -> str:
    """A table with what each pass has saved, and the lines that it has changed.

    Args:
        stages: the program as it was captured, and behind each pass.
        lines: whether the lines are shown (default True).
    """
    rows = [f"{'':24}{'calls':>7}{'made':>12}{'at once':>12}{'mult-adds':>12}"]
    for name, program in stages:
        sizes = [_bytes(made(program)), _bytes(footprint(program))]
        count = _count(flops(program))
        rows.append(f"{name:24}{len(program.instructions):7}{sizes[0]:>12}{sizes[1]:>12}{count:>12}")
    if not lines:
        return "\n".join(rows)
    texts = [(name, listing(program)) for name, program in stages]
    rows += ["", f"{texts[0][0]}:", *[f"    {line}" for line in texts[0][1]]]
    for (_, before), (name, after) in pairwise(texts):
        changes = [line for line in unified_diff(before, after, lineterm="", n=0) if line[:2] not in ("--", "++", "@@")]
        rows += ["", f"{name}:", *[f"  {line[0]} {line[1:]}" for line in changes or ["  nothing to do"]]]
    return "\n".join(rows)


def listing(program: Program) -> list[str]:
    """The instructions of a program, a line each: values by their numbers, Tensors of the state by their names."""
    return [_line(program, instruction) for instruction in program.instructions]


def _line(program: Program, instruction: Instruction) -> str:
    arguments = [_text(program, x) for x in instruction.arguments]
    if (tensor := instruction.loads) is not None:
        arguments = [_name(program, tensor)]
    arguments += [f"{name}={_text(program, x)}" for name, x in instruction.settings.items()]
    call = f"{instruction.name}({', '.join(arguments)})"
    if instruction.writes:
        call += " writes " + ", ".join(_name(program, x) for x in instruction.writes)
    if not instruction.makes:
        return call
    shapes = ", ".join(_shape(program, number) for number in instruction.makes)
    into = "" if instruction.into is None else f" in v{instruction.into}"
    if not into and (place := program.places.get(instruction.makes[0])) is not None:
        into = f" at {_bytes(place)}"
    return f"{', '.join(f'v{number}' for number in instruction.makes)} = {call}    {shapes}{into}"


def _name(program: Program, tensor: Tensor) -> str:
    return program.names.get(tensor, "a Tensor")


def _shape(program: Program, number: int) -> str:
    value = program.values[number]
    return f"{value.dtype}[{','.join(map(str, value.shape))}]"


def _text(program: Program, x: Nested) -> str:
    if isinstance(x, (Ref, Wrapped)):
        return f"v{x.number}"
    if isinstance(x, Constant):
        return _name(program, x.value) if isinstance(x.value, Tensor) else _constant(x.value)
    if isinstance(x, dict):
        return "{" + ", ".join(f"{key}: {_text(program, part)}" for key, part in x.items()) + "}"
    inside = ", ".join(_text(program, part) for part in x)
    return f"({inside}{',' * (len(x) == 1)})"


def _constant(value: Any) -> str:
    plain = isinstance(value, (bool, int, float, str, tuple, slice, type(None)))
    return f"{value!r:.40}" if plain else type(value).__name__


def _bytes(count: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.3g} {unit}" if isinstance(count, float) else f"{count} {unit}"
        count /= 1000  # type: ignore[assignment]
    return ""


def _count(number: float) -> str:
    for unit in ("", " k", " M", " G", " T"):
        if number < 1000 or unit == " T":
            return f"{number:.3g}{unit}"
        number /= 1000
    return ""
