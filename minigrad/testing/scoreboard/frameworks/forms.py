"""The forms of calls that are tried on a function until some of them run."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.frameworks.language import Language
from minigrad.typing import Shape

VARIABLES: Final = ("x", "y", "z", "w")


@dataclass(frozen=True)
class Call:
    """A call of a function.

    Attributes:
        function: its path.
        code: an expression of the variables.
        shapes: of the variables x, y, z, w, as many as there are.
    """

    function: str
    code: str
    shapes: tuple[Shape, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of what is differentiated."""
        return VARIABLES[: len(self.shapes)]


_V: Final = (3,)
_M: Final = (2, 3)
_S: Final = (3, 3)
_ONE: Final[list[tuple[Shape, ...]]] = [(_V,), (_M,), (_S,), ((),), ((1, 2, 4, 4),), ((1, 2, 5),), ((2, 3, 4),)]
_TWO: Final[list[tuple[Shape, ...]]] = [
    (_V, _V),
    (_M, _M),
    (_S, _S),
    (_M, _V),
    (_M, (3, 2)),
    (_S, _V),
    ((1, 2, 5), (3, 2, 2)),
    ((1, 2, 4, 4), (3, 2, 2, 2)),
    ((1, 1, 3, 3, 3), (2, 1, 2, 2, 2)),
    ((2, 2, 3), (2, 3, 2)),
]
_THREE: Final[list[tuple[Shape, ...]]] = [
    (_V, _V, _V),
    (_M, (4, 3), (4,)),
    (_S, _S, _S),
    ((2, 4, 3),) * 3,
    (_M, _V, _V),
    (_S, _S, _V),
    ((2, 2, 3), (2, 2, 3), (2, 3, 3)),
    ((2, 3), (2, 4), (5, 3, 4)),
]

# Arguments, and shapes of the variables in them. `{c}` makes a constant array of a list.
FORMS: Final[list[tuple[str, list[tuple[Shape, ...]]]]] = [
    ("x", _ONE),
    ("x, y", _TWO),
    ("x, y, z", _THREE),
    ("[x, y]", [(_V, _V), (_M, _M), (_S, _S)]),
    ("x, axis=-1", [(_M,)]),
    ("x, -1", [(_M,)]),
    ("x, 2", [(_V,), (_M,), (_S,), ((1, 2, 4, 4),), ((1, 2, 6),), ((1, 1, 2, 4, 4),)]),
    ("x, 1", [(_V,), (_M,), (_S,)]),
    ("x, 2, axis=-1", [(_M,)]),
    ("x, 2, 1", [(_M,), ((1, 4, 2, 2),)]),
    ("x, 0, 1", [(_M,)]),
    ("x, (1, 0)", [(_M,)]),
    ("x, (3, 2)", [(_M,)]),
    ("x, (2, 3)", [(_V,), (_M,)]),
    ("x, [2, 1]", [(_V,)]),
    ("x, (1, 1)", [(_M,), ((1, 2, 4, 4),)]),
    ("x, ((1, 0), (0, 2))", [(_M,)]),
    ("2, x", [(_V,)]),
    ("1, x", [(_V,)]),
    ("x, {c}([0, 2, 1])", [(_V,), (_S,)]),
    ("x, {c}([1, -2, 3])", [(_V,)]),
    ("x, {c}([1, 2, 3])", [(_V,)]),
    ("x, {c}([0, 1])", [(_M,)]),
    ("x, 0, {c}([0, 2, 1])", [(_V,), (_S,)]),
    ("x, {c}([0, 2, 1]), 0", [(_S,)]),
    ("x, 1, {c}([[0, 2, 1], [1, 0, 2]])", [(_M,)]),
    ("x, {c}([[0, 2, 1], [1, 0, 2]]), 1", [(_M,)]),
    ("x, {c}([True, False, True])", [(_V,)]),
    ("x, {c}([True, False, True]), 0.5", [(_V,)]),
    ("{c}([True, False, True]), x, y", [(_V, _V)]),
    ("x, {c}([True, False, True]), y", [(_V, _V)]),
    ("x, 0, {c}([0, 2, 1]), y", [(_V, _V), (_S, _S)]),
    ("x, {c}([0, 2, 1]), y", [(_V, _V), (_S, _S)]),
    ("x, -0.5, 0.7", [(_V,)]),
    ("x, y, 0.5", [(_V, _V)]),
    ("x, y, 2", [(_V, _V), (_M, (4, 3)), (_S, _S)]),
    ("x, y, -1", [(_M, _M)]),
    ("x, y, {c}([1, -1])", [(_M, _M)]),
    ("x, y, {c}([1, -1, 1])", [(_V, _V), (_S, _S)]),
    ("x, {c}([1, -1, 1])", [(_V,), (_S,)]),
    ("x, (3,)", [(_M,), (_V,)]),
    ("x, (3,), y, z", [(_M, _V, _V)]),
    ("x, None, None, y, z, True", [(_M, _V, _V)]),
    ("x, {c}([0.1, 0.2, 0.3]), {c}([1.0, 2.0, 1.5])", [(_M,)]),
    ("x, 1, y, z", [(_M, _V, _V)]),
    ("x, 3, y, z", [(_M, _V, _V)]),
    ("'ij,jk->ik', x, y", [(_M, (3, 2))]),
    ("lambda v: (v * v).sum(), x", [(_V,)]),
]  # fmt: skip


def calls_of(function: str, language: Language, signature: inspect.Signature | None = None) -> list[Call]:
    """The forms of calls for a function, each once, those of the file of calls first.

    Args:
        function: its path.
        language: how its framework is spoken to.
        signature: what it takes; forms that do not fit are left out. All forms unless given.
    """
    found = [
        Call(function, entry["code"], tuple(tuple(shape) for shape in entry["shapes"]))
        for entry in _listed(language.name)
        if _called(entry["code"], function)
    ]
    for form, shapes in FORMS:
        arguments = form.replace("{c}", language.array)
        name = function.rpartition(".")[2]
        if "[x" in form and not _OF_LISTS.search(name):
            continue
        if _fits(arguments, name, signature):
            code = language.call(function, arguments)
            found += [Call(function, code, given) for given in shapes]
    return list(dict.fromkeys(found))


# Functions that take a list of arrays. Others make a constant of it, which shows nothing.
_OF_LISTS: Final = re.compile("stack|cat|block|multi|chain|sequence|einsum|cartesian")


def _fits(arguments: str, name: str, signature: inspect.Signature | None) -> bool:
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    inputs = getattr(getattr(np, name, None), "nin", len(call.args))
    if inputs != len(call.args):  # a ufunc's next argument is where its result is written
        return False
    if signature is None:
        return True
    try:
        signature.bind(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})
    except TypeError:
        return False
    return True


def _listed(framework: str) -> Sequence[dict[str, Any]]:
    text = (Path(__file__).parent / "calls.toml").read_text("utf-8")
    found: Sequence[dict[str, Any]] = tomllib.loads(text).get(framework, [])
    return found


def _called(code: str, function: str) -> bool:
    name = function.rpartition(".")[2]
    return code.startswith(f"{function}(") if not function.startswith("tinygrad.") else f".{name}(" in code
