"""The calls that `@gradtest` draws: of an op, of a function, or of the Module that a function makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.domain import REAL, Domain
from minigrad.errors import UsageError
from minigrad.shapes import ShapeSpec
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.signature import required_parameters
from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.testing.strategies.array_strategies import Draw, arrays, broadcastable_shapes, fitting_shapes
from minigrad.testing.strategies.layer_calls import calls_of_layer
from minigrad.testing.strategies.number_strategies import Kinks
from minigrad.testing.strategies.op_calls import calls_of
from minigrad.typing import DTypeLike, Function, Shape

Arguments: TypeAlias = Mapping[str, st.SearchStrategy[Any]]
"""Strategies by parameter name."""


def calls_for(
    function: Function, framework: Framework | None = None, grads: Mapping[str, str] | None = None, **options: Any
) -> st.SearchStrategy[FunctionCall]:
    """Calls of an op, a function, or the Module that a function makes; the options are those of `gradtest`."""
    if grads is not None:
        return calls_of_layer(function, grads, **options)
    function = (framework or TENSORS).function(function)
    if isinstance(function, Op) and not options:
        return calls_of(function)
    if isinstance(function, Op):
        facts = {
            "domain": function.domain,
            "kinks": function.kinks,
            "shapes": function.shapes and function.shapes.text,
        }
        return _calls_of_function(function, list(function.inputs), **{**facts, **options})
    names = required_parameters(function)
    if not names:
        return _calls_of_module((framework or TENSORS).module(function), framework=framework, **options)
    return _calls_of_function(function, names, framework=framework, **options)


@st.composite
def _calls_of_function(
    draw: Draw,
    /,
    f: Function,
    names: Sequence[str],
    *,
    shapes: str | None = None,
    domain: Domain | Mapping[str, Domain] = REAL,
    kinks: Kinks = (),
    dtype: DTypeLike | None = None,
    arguments: Arguments | None = None,
    **how: Any,  # the framework, or what was written by hand
) -> FunctionCall:
    given = dict(arguments or {})
    drawn = [name for name in names if name not in given]
    sizes = draw(fitting_shapes(ShapeSpec(shapes)) if shapes else broadcastable_shapes(len(drawn)))
    if len(sizes) != len(drawn):
        raise UsageError(f"gradtest: shapes={shapes!r} has {len(sizes)} arguments, but the function {len(drawn)}")
    values: dict[str, Any] = {}
    for name, size in zip(drawn, sizes, strict=True):
        where = domain if isinstance(domain, Domain) else domain.get(name, REAL)
        values[name] = None if size is None else draw(arrays(size, domain=where, kinks=kinks, dtype=dtype))
    values |= {name: draw(strategy) for name, strategy in given.items()}
    args = [values.pop(name) for name in names]
    call = FunctionCall.of(f, *args, **how, **values)
    return replace(call, fixed_shapes=shapes is not None)


# ---- modules -------------------------------------------------------------------------------------------------


@st.composite
def _calls_of_module(
    draw: Draw,
    /,
    f: Any,  # a ModuleFunction, or what a framework has in its place
    *,
    input: Shape | list[Shape] | None = None,
    shapes: str | None = None,
    domain: Domain = REAL,
    kinks: Kinks = (),
    dtype: DTypeLike = np.float64,
    arguments: Arguments | None = None,
    **how: Any,  # the framework
) -> FunctionCall:
    given = dict(arguments or {})
    sizes: Sequence[Shape | None]
    if shapes is not None:
        sizes = draw(fitting_shapes(ShapeSpec(shapes)))
    elif input is not None:
        sizes = input if isinstance(input, list) else [input]
    elif set(f.inputs) <= set(given):
        sizes = []
    else:
        raise UsageError(
            f'gradtest of {f.__name__}: give the shape of its input, as input=(2, 3) or shapes="N D -> N O"'
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
    return FunctionCall.of(f, *inputs, *parameters, **how)
