"""The table of operators: a function each, from the values of an ONNX node to minigrad's ops."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from minigrad.errors import UsageError
from minigrad.typing import Value

OperatorFunction: TypeAlias = Callable[..., Value]
"""Takes the `Node` and the values of its inputs (None for one that is left out); gives the result, or a tuple."""


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        name, domain: what the file calls it.
        function: computes it.
        constants: the inputs that are never trained, by the names of the function's parameters.
        buffers: those that the function may change in training, such as running statistics.
        numbers: whether its results are plain integers also for a Tensor, as those of Shape.
        broadcasts: whether all inputs are broadcast to one shape, which is checked before it runs.
        family: what the table of the site lists it under.
        note: what differs, in a line.
        parameters: the names of the function's parameters for inputs.
        required: how many inputs it needs at least.
        variadic: whether it takes any number.
    """

    name: str
    domain: str
    function: OperatorFunction
    constants: frozenset[str]
    buffers: frozenset[str]
    numbers: bool
    broadcasts: bool
    family: str
    note: str
    parameters: tuple[str, ...]
    required: int
    variadic: bool

    def parameter(self, position: int) -> str:
        """The name of the parameter of an input; the last one's for those beyond."""
        return self.parameters[min(position, len(self.parameters) - 1)] if self.parameters else ""


OPERATORS: Final[dict[tuple[str, str], Operator]] = {}
"""By domain and name."""


def onnx_operator(
    *names: str,
    domain: str = "",
    constants: Iterable[str] = (),
    buffers: Iterable[str] = (),
    numbers: bool = False,
    broadcasts: bool = False,
    note: str = "",
) -> Callable[[OperatorFunction], OperatorFunction]:
    """Register the decorated function as what `from_onnx` runs for an operator; a later one replaces an earlier one.

    The function gets the node (a `minigrad.io.onnx.importer.node.Node`, which gives its attributes, its opset and
    whether the model is in training) and the values of its inputs by position: Tensors, or plain arrays of what does
    not depend on the model's inputs or weights, which minigrad's ops take alike. An optional input that is left out is
    None. It gives the result, or a tuple of results.

    Args:
        *names: the operators, as the file calls them.
        domain: where they are defined (default "": ONNX itself).
        constants: the parameters whose values are settings and are never trained (default ()).
        buffers: the parameters whose values it may change in training, such as running statistics (default ()).
        numbers: whether the results are plain integers also for a Tensor, such as its shape (default False).
        broadcasts: whether all inputs are broadcast to one shape, whose size is checked in advance (default False).
        note: what differs from ONNX, in a line (default "").

    Returns:
        The decorator.

    Raises:
        UsageError: no name is given, or the function takes no node.

    >>> from minigrad import ops
    >>> @onnx_operator("Cube", domain="example.org")
    ... def cube(node, x):
    ...     return x * x * x
    """
    if not names:
        raise UsageError('onnx_operator: name the operator, as in @onnx_operator("MyOperator")')

    def register(function: OperatorFunction) -> OperatorFunction:
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            raise UsageError("onnx_operator: the function takes the node first, then the inputs")
        inputs = [p for p in parameters[1:] if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        family = function.__module__.rpartition(".")[2]
        for name in names:
            OPERATORS[domain, name] = Operator(
                name, domain, function, frozenset(constants), frozenset(buffers), numbers, broadcasts, family, note,
                tuple(p.name for p in parameters[1:]), sum(p.default is p.empty for p in inputs), variadic,
            )  # fmt: skip
        return function

    return register


def onnx_operators(domain: str = "") -> list[str]:
    """The operators that `from_onnx` can run, in alphabetical order.

    Args:
        domain: where they are defined (default "": ONNX itself).

    >>> "Conv" in onnx_operators(), "NonMaxSuppression" in onnx_operators()
    (True, False)
    """
    return sorted(name for home, name in OPERATORS if home == domain)
