"""`framework_named`: a framework by the name of its file."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from minigrad.errors import UsageError
from minigrad.testing.frameworks.framework import Framework


def framework_named(name: str) -> Framework:
    """The framework of a file in `minigrad.testing`: "torch", "jax" ...

    Args:
        name: of the file.

    Raises:
        UsageError: there is no such file.
        ImportError: the framework is not installed.
    """
    module = f"minigrad.testing.{name}"
    if find_spec(module) is None or not hasattr(found := import_module(module), "FRAMEWORK"):
        raise UsageError(f"framework={name!r}: there is no minigrad.testing.{name}; give a Framework")
    result: Framework = found.FRAMEWORK
    return result
