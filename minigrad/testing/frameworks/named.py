"""`framework_named`: a framework by the name of its file."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from minigrad.errors import UsageError
from minigrad.testing.frameworks.framework import Framework

OF_USERS: Final[dict[str, Framework]] = {}
"""By its name, each framework that `kit_for` was given, so that lines with its name can be run again."""


def framework_named(name: str) -> Framework:
    """A framework of a file in `minigrad.testing` ("torch", "jax" ...), or one that `kit_for` was given.

    Args:
        name: of the file or framework.

    Raises:
        UsageError: there is no such file.
        ImportError: the framework is not installed.
    """
    if name in OF_USERS:
        return OF_USERS[name]
    module = f"minigrad.testing.{name}"
    if find_spec(module) is None or not hasattr(found := import_module(module), "FRAMEWORK"):
        raise UsageError(f"framework={name!r}: there is no minigrad.testing.{name}; give a Framework")
    result: Framework = found.FRAMEWORK
    return result
