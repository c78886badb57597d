"""One computation for several fast rules of an op.

The cotangents of all inputs of a recurrent layer come from one walk back through time, but the engine asks for them one
by one, rule after rule. The first rule that asks has the walk done, and the others find its results:

    back = SharedPass(walk)             # gives a tuple of arrays, the first of which is the cotangent of z
    slopes, *_ = back("z", *arrays)     # walks
    _, g_h, *_ = back("h", *arrays)     # does not

What is kept is kept no longer than the first result lives, which the engine holds while it goes through the rules. A
rule that asks a second time begins a new pass, so that arrays which were written to in between are read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import ref

from minigrad.typing import Array

Arrays = tuple[Array, ...]


class SharedPass:
    """A function of arrays that remembers its last results for the other rules of the same call.

    Args:
        compute: from arrays (None among them) and settings to a tuple of arrays.
    """

    def __init__(self, compute: Callable[..., Arrays]) -> None:
        self.compute = compute
        self._last = threading.local()

    def __call__(self, rule: str, *arrays: Array | None, **settings: Any) -> Arrays:
        """The results for these arrays.

        Args:
            rule: who asks.
            arrays: what the function takes.
            settings: what it takes by keyword.
        """
        found = self._found(rule, arrays, settings)
        if found is None:
            found = self.compute(*arrays, **settings)
            keys = [None if x is None else ref(x) for x in arrays]
            self._last.kept = (keys, settings, {rule}, ref(found[0], self._forget), found[1:])
        return found

    def _found(self, rule: str, arrays: tuple[Array | None, ...], settings: dict[str, Any]) -> Arrays | None:
        kept = getattr(self._last, "kept", None)
        if kept is None:
            return None
        keys, known, asked, first, others = kept
        result = first()
        same = len(keys) == len(arrays) and all(
            x is (None if key is None else key()) for key, x in zip(keys, arrays, strict=True)
        )
        if result is None or rule in asked or not same or known != settings:
            return None
        asked.add(rule)
        return (result, *others)

    def _forget(self, first: object) -> None:
        """Let go of everything when the first result is gone."""
        kept = getattr(self._last, "kept", None)
        if kept is not None and kept[3] is first:
            self._last.kept = None
