"""`loop_sources`: the loops that a row of the derivative table becomes, to be read."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.op import Op
from minigrad.errors import UsageError
from minigrad.kernels.fusion.expression import UntraceableError
from minigrad.kernels.fusion.fused import Fused
from minigrad.typing import DTypeLike, Function


def loop_sources(op: Op, dtype: DTypeLike = np.float32) -> dict[str, str]:
    """The loops that an elementwise op runs for large arrays, as the source that is compiled.

    Args:
        op: such as `minigrad.ops.silu`.
        dtype: of the arrays, float32 or float64 (default float32).

    Returns:
        The source of the function under "forward", and under the name of each input that of its rule. What no loop
        can do, which NumPy computes, is not there.

    Raises:
        UsageError: the op does not work element by element, or there are no loops for the dtype.

    >>> import minigrad
    >>> print(loop_sources(minigrad.ops.tanh)["x"].split("stop):")[1])
    <BLANKLINE>
        use_widest()
        result = result[start:stop]
        x0 = x0[start:stop]
        x1 = x1[start:stop]
        for i in range(len(result)):
            x0_i = x0[i]
            x1_i = x1[i]
            v2 = x1_i * x1_i
            v4 = f(1.0) - v2
            v5 = x0_i * v4
            v6 = v5 != v5
            v8 = x0_i == f(0.0)
            v9 = v6 & v8
            v10 = f(0.0) if v9 else v5
            result[i] = v10
    <BLANKLINE>
    """
    letter = np.dtype(dtype).char
    if not op.elementwise or letter not in ("f", "d"):
        raise UsageError(
            f"loops are made of elementwise ops for float32 and float64, not of {op} for {np.dtype(dtype)}"
        )

    def kind(name: str) -> str:
        return "?" if name in op.non_differentiable else letter

    functions: dict[str, tuple[Function, str, tuple[str, ...], bool]] = {
        "forward": (op.forward, "".join(map(kind, op.inputs)), tuple(op.settings), False)
    }
    for name, rule in op.rules.items():
        functions[name] = (rule.function, letter + "".join(map(kind, rule.wants)), rule.settings, bool(rule.wants))
    sources = {}
    for name, (function, kinds, settings, silent) in functions.items():
        loop = Fused(function, op.name if name == "forward" else f"{op.name}_vjp_{name}", silent=silent)
        try:
            sources[name] = loop.source(kinds + "n" * len(settings), settings)
        except (UntraceableError, TypeError, AttributeError):
            continue
    return sources
