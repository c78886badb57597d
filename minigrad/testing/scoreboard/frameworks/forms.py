"""The forms of calls that are tried on a function until some of them run."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
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


def calls_of(
    function: str,
    language: Language,
    signature: inspect.Signature | None = None,
    documented: inspect.Signature | None = None,
) -> list[Call]:
    """The forms of calls for a function, each once, those of the file of calls first.

    Args:
        function: its path.
        language: how its framework is spoken to.
        signature: what it takes; forms that do not fit are left out. All forms unless given.
        documented: what its documentation says that it takes, where there is no signature; a form that does not fit may
            be of another overload. None unless given.
    """
    found = [
        Call(function, entry["code"], tuple(tuple(shape) for shape in entry["shapes"]))
        for entry in _listed(language.name)
        if _called(entry["code"], function)
    ]
    name = function.rpartition(".")[2]
    for form, shapes in [] if function in _listed("only") else FORMS:
        arguments = form.replace("{c}", language.array)
        if "[x" in form and not _OF_LISTS.search(name):
            continue
        if _fits(arguments, name, signature, documented):
            code = language.call(function, arguments)
            found += [Call(function, code, given) for given in shapes]
    return list(dict.fromkeys(found))


# Functions that take a list of arrays. Others make a constant of it, which shows nothing.
_OF_LISTS: Final = re.compile("stack|cat|block|multi|chain|sequence|einsum|cartesian")


# Parameters that are settings, as `function.parameter`: nobody gives them an array, or differentiates by them.
_SETTINGS: Final = re.compile(
    r"""[^.]*\.(deg|hermitian|full_matrices|overwrite\w*|lower|check_finite|permute_l|mode|axis\w*|
    axes|dims?|norm_type|kernel_size|stride|padding\w*|dilation|ord|p|ndim|n|N|k|num\w*|size|dtype|out|bins|ddof|
    correction|keepdims?|precision|\w+_bits|constant|upper|dimensions?|threshold|assume_a|trans|symmetrize_input|
    UPLO|reps|repeats|shape|copy|order|memory_format|kth|sections|ceil_mode|reduction|reduce|margin|delta|beta|
    full|log_input|decimals|offset|nan|compute_uv|left|swap|nan_to_num)
    | \w*(percentile|quantile)\.q | .*polygamma\.n | expn\.n | (linear_)?interp\.(left|right|period)""",
    re.VERBOSE,
)


def _fits(arguments: str, name: str, signature: inspect.Signature | None, documented: inspect.Signature | None) -> bool:
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    inputs = getattr(getattr(np, name, None), "nin", len(call.args))
    if inputs != len(call.args):  # a ufunc's next argument is where its result is written
        return False
    keywords = {str(keyword.arg): keyword.value for keyword in call.keywords}
    try:
        if signature is not None:
            signature.bind(*call.args, **keywords)
    except TypeError:
        return False
    try:
        given = (signature or documented or inspect.signature(lambda *_, **__: None)).bind(*call.args, **keywords)
    except TypeError:  # another overload than the one of the documentation
        return True
    return not any(_odd(name, given.signature.parameters[p], value) for p, value in given.arguments.items())


def _odd(function: str, parameter: inspect.Parameter, value: object) -> bool:
    """Whether a parameter gets what nobody gives it: a setting an array, a switch a number, a tolerance any of them."""
    if re.fullmatch("r?cond|[ar]?tol|eps", parameter.name):
        return True
    if isinstance(value, ast.Name | ast.Call) and _SETTINGS.fullmatch(f"{function}.{parameter.name}"):
        return True
    switch = isinstance(parameter.default, bool | str)
    return switch and not (isinstance(value, ast.Constant) and isinstance(value.value, type(parameter.default)))


def documented_signature(documentation: str | None) -> inspect.Signature | None:
    """The signature that the first line of a docstring tells, as PyTorch's do; None where it tells none.

    Args:
        documentation: the docstring.
    """
    first = re.match(r"\s*[\w.]+(\(.*?\))\s*(->.*)?$", documentation or "", re.MULTILINE)
    if first is None:
        return None
    names: dict[str, object] = {}
    try:
        exec(f"def f{first[1]}: ...", {}, names)
        return inspect.signature(names["f"])  # type: ignore[arg-type]
    except Exception:  # prose, or a default that is no Python
        return None


@cache
def _listed(part: str) -> Sequence[Any]:
    text = (Path(__file__).parent / "calls.toml").read_text("utf-8")
    found: Sequence[Any] = tomllib.loads(text).get(part, [])
    return found


def _called(code: str, function: str) -> bool:
    name = function.rpartition(".")[2]
    return code.startswith(f"{function}(") if not function.startswith("tinygrad.") else f".{name}(" in code
