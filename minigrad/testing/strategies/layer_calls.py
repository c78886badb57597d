"""Calls of a class of NumPy arrays with `forward` and `backward`, for `gradtest(grads=...)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigrad.domain import REAL, Domain
from minigrad.errors import UsageError
from minigrad.shapes import ShapeSpec
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.frameworks.numpy_layer import NumpyLayer
from minigrad.testing.frameworks.signature import required_parameters
from minigrad.testing.strategies.array_strategies import Draw, arrays, fitting_shapes
from minigrad.testing.strategies.number_strategies import Kinks
from minigrad.typing import DTypeLike, Shape


@st.composite
def calls_of_layer(
    draw: Draw,
    layer: Any,  # a class
    grads: Mapping[str, str],
    *,
    shapes: str | None = None,
    input: Shape | list[Shape] | None = None,
    domain: Domain | Mapping[str, Domain] = REAL,
    kinks: Kinks = (),
    dtype: DTypeLike | None = np.float64,
) -> FunctionCall:
    """Calls of a layer: its inputs and parameters.

    Args:
        layer: the class.
        grads: from the attribute of each parameter to that of its gradient.
        shapes: the shapes of the inputs, and of parameters that the class is made with.
        input: the same, without letters.
        domain: where numbers lie (default REAL).
        kinks: numbers to be hit often (default ()).
        dtype: of all arrays (default float64).

    Raises:
        UsageError: shapes are missing, or the class is made with something else.
    """
    if shapes is None and input is None:
        raise UsageError(f'gradtest of {layer.__name__}: give the shape of its input, as shapes="N D -> N O"')
    sizes: Sequence[Shape | None]
    letters: dict[str, int] = {}
    if shapes is not None:
        spec = ShapeSpec(shapes)
        sizes = draw(fitting_shapes(spec))
        letters = _sizes_by_letter(draw, shapes, spec, sizes)
    else:
        sizes = input if isinstance(input, list) else [input]
    wanted = [name for name in required_parameters(layer) if name not in grads]
    if unknown := [name for name in wanted if name.upper() not in letters]:
        raise UsageError(
            f"gradtest of {layer.__name__}: it is made with {unknown[0]!r}, which is neither a parameter in grads= "
            "nor a letter in shapes=: test a function that makes it, or check_grads an object of it"
        )
    made = NumpyLayer(layer, grads, **{name: letters[name.upper()] for name in wanted})
    count = len(made.inputs)
    if made.takes_parameters and len(sizes) != count + len(grads):
        raise UsageError(
            f"gradtest of {layer.__name__}: it is made with {', '.join(grads)}, so shapes= needs their shapes behind "
            f"those of the {count} inputs"
        )
    of_parameters = sizes[count:] if made.takes_parameters else [p.shape for p in made.parameters.values()]
    names = [*made.inputs, *grads]
    drawn = [
        draw(arrays(shape, domain=_domain(domain, name), kinks=kinks, dtype=dtype))
        for name, shape in zip(names, [*sizes[:count], *of_parameters], strict=True)
    ]
    return FunctionCall.of(made, *drawn)


def _domain(domain: Domain | Mapping[str, Domain], name: str) -> Domain:
    return domain if isinstance(domain, Domain) else domain.get(name, REAL)


def _sizes_by_letter(draw: Draw, text: str, spec: ShapeSpec, sizes: Sequence[Shape | None]) -> dict[str, int]:
    """The size of each letter; those that stand in the result only are drawn."""
    letters: dict[str, int] = {}
    for names, shape in zip(spec.inputs, sizes, strict=True):
        plain = [name for name in names if name != "..."]
        known = shape or ()
        letters |= dict(zip(reversed(plain), reversed(known), strict=False))
    for name in text.partition("->")[2].replace(",", " ").split():
        if name != "..." and name not in letters:
            letters[name] = draw(st.integers(1, 3))
    return {name.upper(): size for name, size in letters.items()}
