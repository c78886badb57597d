"""The diagnosis of a lost keepdims in foreign code, by repair of its source.

If the gradient is right once some sums in the rule keep their dimensions, that was the mistake, and the line is known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from types import FunctionType
from typing import Final

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.cause import NO_CAUSE, Diagnosis, almost_equal
from minigrad.testing.frameworks.run import ArrayTuple
from minigrad.testing.mutation.function_source import function_node
from minigrad.testing.mutation.function_swap import function_replaced
from minigrad.testing.mutation.reachable import reachable
from minigrad.testing.mutation.source_copy import with_calls_changed
from minigrad.typing import Array, Function

REDUCTIONS: Final = frozenset({"sum", "mean", "max", "min", "amax", "amin", "prod", "std", "var", "norm", "logsumexp"})
KEYWORDS: Final = ("keepdims", "keepdim")
MAX_CALLS: Final = 4
"""In rules with more reductions they are repaired one by one, and all together."""


def lost_keepdims_in_source(call: FunctionCall, u: ArrayTuple, position: int, expected: Array) -> Diagnosis:
    """Whether the gradient of one argument becomes right when reductions in the rule keep their dimensions.

    Args:
        call: a call with a wrong gradient, or with none.
        u: the cotangents of its results.
        position: the argument.
        expected: its numerical gradient for these cotangents.
    """
    k = call.positions.index(position)
    for function in rule_functions(call):
        for repaired, line in _repaired(function):
            with function_replaced(function, repaired):
                try:
                    found = call.gradients(u)[k]
                except Exception:  # what was changed need not run
                    continue
            if almost_equal(found, expected):
                text = f"it is right once the reductions in line {line} of the rule keep their dimensions"
                return Diagnosis("lost keepdims", text, proven=True)
    return NO_CAUSE


def rule_functions(call: FunctionCall) -> list[FunctionType]:
    """The Python functions that the rules of a call are made of."""
    rules = [rule for x in reachable(call.f) for rule in call.framework.rules(x)]
    found = [x for rule in rules for x in reachable(rule) if isinstance(x, FunctionType)]
    return list({id(x): x for x in found}.values())


@lru_cache(maxsize=256)
def _repaired(function: FunctionType) -> tuple[tuple[Function, int], ...]:
    """Copies of a function in which reductions keep their dimensions, with the line of the first."""
    node = function_node(function)
    calls = [] if node is None else [x for x in ast.walk(node) if isinstance(x, ast.Call) and _loses_dimensions(x)]
    found = []
    for some in _subsets(calls):
        for keyword in KEYWORDS:
            new = [ast.Call(c.func, c.args, [*c.keywords, ast.keyword(keyword, ast.Constant(True))]) for c in some]
            found.append((with_calls_changed(function, some, new), some[0].lineno))
    return tuple(found)


def _subsets(calls: list[ast.Call]) -> Iterator[list[ast.Call]]:
    few = len(calls) <= MAX_CALLS
    for size in range(1, len(calls) + 1) if few else (1, len(calls)):
        yield from map(list, combinations(calls, size))


def _loses_dimensions(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in REDUCTIONS and not any(keyword.arg in KEYWORDS for keyword in call.keywords)
