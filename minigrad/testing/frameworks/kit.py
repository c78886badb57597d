"""`kit_for`: `check_grads` and `gradtest` for one framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minigrad.testing.check import check_grads
from minigrad.testing.decorator import gradtest
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.named import OF_USERS


def kit_for(framework: Framework) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`check_grads` and `gradtest` for a framework of one's own.

    Args:
        framework: see `minigrad.testing.frameworks.framework`.

    Returns:
        Both functions, with the arguments that those of `minigrad.testing` have.
    """
    OF_USERS[framework.name] = framework
    return partial(check_grads, framework=framework), partial(gradtest, framework=framework)
