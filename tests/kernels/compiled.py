"""Compiled kernels for tests: a test is skipped where there is no Numba, and fails where a module of ours is broken."""

from importlib import import_module
from types import ModuleType

import pytest


def compiled_kernels(name: str) -> ModuleType:
    """The module of `minigrad.kernels` of that name."""
    pytest.importorskip("numba")
    return import_module(f"minigrad.kernels.{name}")
