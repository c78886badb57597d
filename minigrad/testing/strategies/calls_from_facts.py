"""Calls of an op, derived from its facts; and the table of those ops for which these do not suffice.

The facts are: the number of inputs, their domains and kinks, `shapes=`, which are not differentiated, and the settings
with their usual names and defaults. What they leave open (whether `axis` may be a tuple, how many dimensions the op
takes) is found out by calling the op once on small arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.domain import MatrixDomain
from minigrad.errors import UsageError
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.strategies.array_strategies import (
    Draw,
    arrays,
    axes,
    broadcastable_shapes,
    fitting_shapes,
    integers_in,
    masks,
    shapes,
)
from minigrad.testing.strategies.number_strategies import lattice
from minigrad.typing import Array, Axis, Settings, Shape

DrawCall: TypeAlias = Callable[[Draw, Op], FunctionCall]

CALLS_BY_NAME: Final[dict[str, DrawCall]] = {}
"""By the name of an op of minigrad: what draws a call of it, where its facts do not suffice."""

BOOLEAN_INPUTS: Final = ("condition", "mask")
INTEGER_INPUTS: Final = ("target", "index", "indices", "positions", "labels", "order")
SETTING_CHOICES: Final[Mapping[str, Sequence[Any]]] = {
    "ord": (2, 3, 1.5), "reduction": ("mean", "sum", "none"), "side": ("left", "right"), "correction": (0.0, 1.0),
    "approximate": ("none", "tanh"), "threshold": (0.5, 0.0), "value": (0.0, 2.0), "eps": (), "rtol": (),
}  # fmt: skip
"""Settings by name, and what they may be. Without any, the default is kept."""


def draws_calls_of(*names: str) -> Callable[[DrawCall], DrawCall]:
    """Enter a function in the table, for the ops of minigrad with these names."""

    def entered(draw_call: DrawCall) -> DrawCall:
        CALLS_BY_NAME.update(dict.fromkeys(names, draw_call))
        return draw_call

    return entered


@st.composite
def derived_calls(draw: Draw, op: Op) -> FunctionCall:
    """Calls of any op whose facts suffice."""
    args = draw_inputs(draw, op, draw_shapes(draw, op))
    return FunctionCall.of(op, *args, **draw_settings(draw, op, args))


# ---- inputs --------------------------------------------------------------------------------------------------


def draw_shapes(draw: Draw, op: Op) -> Sequence[Shape | None]:
    """Shapes for all inputs: as `shapes=` says; alike where an axis is named; else such as broadcast."""
    if op.shapes is not None:
        fitting: Sequence[Shape | None] = draw(fitting_shapes(op.shapes))
        return fitting
    count = draw(st.integers(1, 3)) if op.variadic else len(op.inputs)
    ndims = dimensions(op)
    if count == 1 or "axis" in op.settings or min(ndims) > 0:
        ndim = draw(st.sampled_from(ndims))
        return [draw(shapes(min_dims=ndim, max_dims=ndim))] * count
    broadcasting: Sequence[Shape] = draw(broadcastable_shapes(count))
    return broadcasting


def draw_inputs(draw: Draw, op: Op, sizes: Sequence[Shape | None]) -> list[Any]:
    """Arrays of these shapes (None for None), each from its domain, or of integers or booleans where names say so."""
    names = [op.inputs[0]] * len(sizes) if op.variadic else op.inputs
    return [None if size is None else draw_input(draw, op, name, size) for name, size in zip(names, sizes, strict=True)]


def draw_input(draw: Draw, op: Op, name: str, shape: Shape) -> Array:
    """An array for one input."""
    if name in op.non_differentiable and name in BOOLEAN_INPUTS:
        return draw(masks(shape))
    if name in op.non_differentiable and name in INTEGER_INPUTS:
        return draw(integers_in(0, 2, shape))
    return draw(arrays(shape, domain=op.domain[name], kinks=op.kinks))


@cache
def dimensions(op: Op) -> tuple[int, ...]:
    """How many dimensions the op takes, of 0 to 3."""
    accepted = tuple(ndim for ndim in range(4) if _runs(op, (2,) * ndim, {}))
    return accepted or (1,)


def _runs(op: Op, shape: Shape, settings: Settings) -> bool:
    """Whether the op takes arrays of this shape, with these settings and else the first choice for each."""
    chosen = {name: choices[0] for name, choices in _choices(op).items() if choices} | settings
    try:
        with np.errstate(all="ignore"):
            op(*[_example(op, name, shape) for name in op.inputs], **chosen)
    except Exception:  # whatever it raises, it does not take them
        return False
    return True


def _example(op: Op, name: str, shape: Shape) -> Array:
    domain = op.domain[name]
    if name in op.non_differentiable and name in (*BOOLEAN_INPUTS, *INTEGER_INPUTS):
        return np.zeros(shape, bool if name in BOOLEAN_INPUTS else np.int64)
    x = np.full(shape, lattice(domain)[0])
    return domain.project(x) if isinstance(domain, MatrixDomain) else x


# ---- settings ------------------------------------------------------------------------------------------------


def draw_settings(draw: Draw, op: Op, args: Sequence[Any]) -> Settings:
    """A value for each setting that is not left at its default."""
    settings = {}
    for name, choices in _choices(op).items():
        if name == "axis":
            settings["axis"] = draw(_axes(op, args[0].ndim))
        elif choices:
            settings[name] = draw(st.sampled_from(choices))
    return settings


def _axes(op: Op, ndim: int) -> st.SearchStrategy[Axis]:
    none, several = _axis_kinds(op)
    if not ndim:
        return st.none() if none else st.just(())
    return axes(ndim, none=none, several=several)


@cache
def _axis_kinds(op: Op) -> tuple[bool, bool]:
    """Whether the op's axis may be None, and whether it may be a tuple."""
    ndim = max(d for d in (1, 2, 3) if d in dimensions(op) or d == 1)
    shape = (2,) * ndim
    return _runs(op, shape, {"axis": None}), _runs(op, shape, {"axis": (0,)})


@cache
def _choices(op: Op) -> dict[str, tuple[Any, ...]]:
    """The values that each setting may take: known by its name, or else similar to its default."""
    result: dict[str, tuple[Any, ...]] = {}
    for name, default in _defaults(op).items():
        if name in SETTING_CHOICES:
            result[name] = tuple(SETTING_CHOICES[name])
        elif name == "axis":
            result[name] = (-1,) if default is inspect.Parameter.empty else (default,)
        elif name == "axes":
            result[name] = ()
        elif default is inspect.Parameter.empty:
            raise UsageError(
                f"calls_of({op}): nothing is known of the setting {name!r}, which has no default: "
                "give gradtest a strategy of calls (calls=)"
            )
        else:
            result[name] = _similar(default)
    return result


def _defaults(op: Op) -> Settings:
    """The default of each setting that a caller may give."""
    parameters = inspect.signature(op.canonical or op.forward).parameters if op.settings else {}
    return {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def _similar(default: Any) -> tuple[Any, ...]:
    """Values similar to a default; none where it is not a number."""
    if isinstance(default, bool):
        return (default, not default)
    if isinstance(default, int):
        return (default, default + 1, default - 1) if default == 0 else (default, default + 1)
    if isinstance(default, float):
        return (default, 2 * default, default / 2) if default else (0.0, 0.5)
    return ()
