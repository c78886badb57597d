"""`identity_check`: what guards look at, in one generated function.

A guard reads its parts by a function of its own. Called between large products, which leave no Python in the caches,
many small functions take longer than all that they read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, Protocol, cast

from minigrad.compilation.reachable import Parts
from minigrad.typing import DType, Shape

MOST_PARTS = 5_000
"""Parts for which a function is generated; Python takes long to compile one for more."""


class Guarded(Protocol):
    """Parts of one thing, what they were, and whether they are that still."""

    parts: Parts
    values: tuple[Any, ...]

    def holds(self) -> bool:
        """Whether all parts are equal to what they were."""


def identity_check(
    guards: Sequence[Guarded], tensors: Sequence[tuple[Any, object, DType, Shape]]
) -> Callable[[], bool] | None:
    """A function that tells whether all parts are the very objects that they were, or made anew of equal ones.

    Args:
        guards: the parts.
        tensors: Tensors, with what their nodes, dtypes and shapes were.

    Returns:
        The function; where it says False, parts may still be equal. None if there is too much to be looked at.
    """
    # What is made as it is read, such as the content of an array, is never the same object.
    same: list[Guarded] = []
    made_anew: list[Guarded] = []
    for guard in guards:
        (same if all(map(is_, guard.parts.read(), guard.values)) else made_anew).append(guard)
    values = [value for guard in same for value in guard.values]
    if len(values) > MOST_PARTS:
        return None
    space: dict[str, Any] = {"is_": is_, "values": values, "count": len(values), "made_anew": made_anew}
    parts: list[str] = []
    for k, guard in enumerate(same):
        source, space[f"x{k}"] = guard.parts.source or ("*x()", guard.parts.read)
        parts.append(re.sub(r"\bx\b(?!')", f"x{k}", source))
    tests = ["len(now) == count and all(map(is_, now, values))"]
    tests += ["all([guard.holds() for guard in made_anew])"] * bool(made_anew)
    for k, (x, node, dtype, shape) in enumerate(tensors):
        space |= {f"t{k}": x, f"node{k}": node, f"dtype{k}": dtype, f"shape{k}": shape}
        tests.append(f"t{k}.node is node{k} and (data := t{k}._data).dtype is dtype{k} and data.shape == shape{k}")
    lines = [
        f"def make({', '.join(space)}):",  # names of an enclosing function are found faster than those of a module
        "    def check():",
        "        try:",
        f"            now = [{', '.join(parts)}]",
        "        except (AttributeError, KeyError, TypeError, ValueError):",
        "            return False",
        "        return (",
        *[f"            {'and ' if k else ''}{test}" for k, test in enumerate(tests)],
        "        )",
        "    return check",
    ]
    made: dict[str, Any] = {}
    exec("\n".join(lines), made)
    return cast(Callable[[], bool], made["make"](**space))
