"""What `@gradtest` makes of its subject: calls of an op, of a function, or of the Module that a function makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.domain import REAL, Domain
from minigrad.errors import UsageError
from minigrad.shapes import ShapeSpec
from minigrad.testing.calls.function_call import Call
from minigrad.testing.calls.module_function import ModuleCall
from minigrad.testing.strategies.array_strategies import Draw, arrays, broadcastable_shapes, fitting_shapes
from minigrad.testing.strategies.op_calls import calls_of

Calls = st.SearchStrategy[Call]


def calls_for(subject: Any, **facts: Any) -> Calls:
    """Calls of an op, a function, or the Module that a function makes; the facts are those of `gradtest`."""
    if isinstance(subject, Op) and not facts:
        return calls_of(subject)
    if isinstance(subject, Op):
        facts = {
            "domain": subject.domain,
            "kinks": subject.kinks,
            "shapes": subject.shapes and subject.shapes.text,
            **facts,
        }
    names = list(subject.inputs) if isinstance(subject, Op) else _parameters(subject)
    if not names and not isinstance(subject, Op):
        return _calls_of_module(ModuleCall(subject), **facts)
    return _calls_of_function(subject, names, **facts)


def _parameters(f: Callable[..., Any]) -> list[str]:
    """The positional parameters without default: what a call must give."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(f).parameters.values()
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


@st.composite
def _calls_of_function(
    draw: Draw,
    f: Callable[..., Any],
    names: list[str],
    *,
    shapes: str | None = None,
    domain: Domain | Mapping[str, Domain] = REAL,
    kinks: Any = (),
    dtype: Any = None,
    arguments: Mapping[str, st.SearchStrategy[Any]] | None = None,
    grad: Any = None,
    vjp: Any = None,
) -> Call:
    given = dict(arguments or {})
    drawn = [name for name in names if name not in given]
    sizes = draw(fitting_shapes(ShapeSpec(shapes)) if shapes else broadcastable_shapes(len(drawn)))
    if len(sizes) != len(drawn):
        raise UsageError(f"gradtest: shapes={shapes!r} speaks of {len(sizes)} arguments, but there are {len(drawn)}")
    values: dict[str, Any] = {}
    for name, size in zip(drawn, sizes, strict=True):
        where = domain if isinstance(domain, Domain) else domain.get(name, REAL)
        values[name] = None if size is None else draw(arrays(size, domain=where, kinks=kinks, dtype=dtype))
    values |= {name: draw(strategy) for name, strategy in given.items()}
    args = [values.pop(name) for name in names]
    return Call.of(f, *args, grad=grad, vjp=vjp, **values)


# ---- modules -------------------------------------------------------------------------------------------------


@st.composite
def _calls_of_module(
    draw: Draw,
    f: ModuleCall,
    *,
    input: Any = None,
    shapes: str | None = None,
    domain: Domain = REAL,
    kinks: Any = (),
    dtype: Any = np.float64,
    arguments: Mapping[str, st.SearchStrategy[Any]] | None = None,
) -> Call:
    given = dict(arguments or {})
    if shapes is not None:
        sizes: Any = draw(fitting_shapes(ShapeSpec(shapes)))
    elif input is not None:
        sizes = input if isinstance(input, list) else [input]
    elif set(f.inputs) <= set(given):
        sizes = []
    else:
        raise UsageError(
            f'gradtest of {f.__name__}: say the shape of its input, as input=(2, 3) or shapes="N D -> N O"'
        )
    names = f.input_names(len(sizes) + len(given))
    if not set(given) <= set(names):
        raise UsageError(f"gradtest of {f.__name__}: its inputs are {', '.join(names)}, arguments= names {list(given)}")
    shape_of = iter(sizes)
    inputs = [
        draw(given[name] if name in given else arrays(next(shape_of), domain=domain, kinks=kinks, dtype=dtype))
        for name in names
    ]
    parameters = [draw(arrays(p.shape, dtype=dtype, layout="C")) for p in f.parameters.values()]
    return Call.of(f, *inputs, *parameters)
