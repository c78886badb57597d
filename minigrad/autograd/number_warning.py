"""A warning where a value that is being differentiated leaves as a plain number, and its derivative with it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from minigrad.autograd.backward import toposort
from minigrad.autograd.error_context import call_site
from minigrad.autograd.node import STATE, Node, override_state
from minigrad.autograd.tensor import Tensor

_shown: Final[dict[Any, Any]] = {}  # by which Python tells whether a warning was shown already


@contextmanager
def warned_of_numbers(targets: frozenset[Node], start: int) -> Iterator[None]:
    """Inside this block (and thread), warn once a line where a value that depends on a target becomes a number.

    A number has no history: what is computed from it is a constant. Outside of a derivative that is what one wants, to
    print a loss for example; inside, it is a silent mistake. `int(x)` and `bool(x)` are none, since their slope is 0,
    nor is `x.detach().item()`, which says that it is meant.

    Args:
        targets: the nodes that are differentiated by.
        start: the order of the oldest of them, or less.
    """
    former = STATE.number_watcher

    def watch(tensor: Tensor, how: str) -> None:
        if former is not None:
            former(tensor, how)
        if tensor.node is not None and not targets.isdisjoint(toposort([tensor.node], oldest=start)):
            _warn(tensor.node, how)

    with override_state(number_watcher=watch):
        yield


def _warn(node: Node, how: str) -> None:
    file, line = call_site()
    what = node.value_name if node.op is not None and node.op.name != "alias" else "its argument"
    text = (
        f"{how} makes a plain number of {what}, inside of a function that is being differentiated, at {file}:{line}: "
        "its derivative is lost there, for what is computed from the number is a constant. Use minigrad's function "
        "(minigrad.sqrt(x) for math.sqrt(x)), or x.detach() first if that is meant"
    )
    warnings.warn_explicit(text, UserWarning, file, line, registry=_shown)
