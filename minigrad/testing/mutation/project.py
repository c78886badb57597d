"""What of a project is measured: the ops that it defines, and its allowlist."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.testing.mutation.allowlist import ALLOWLIST_FILE, Allowlist
from minigrad.testing.mutation.foreign_function import ForeignFunction

NO_OPS = "no op with rules is defined under the root directory outside of test files"


def mutated(config: pytest.Config, items: Sequence[pytest.Item]) -> list[Op | ForeignFunction]:
    """What `--grad-mutants` names: ops, and functions as `module:Class.method`; or else the project's ops.

    Args:
        config: pytest's configuration.
        items: the collected tests.

    Raises:
        pytest.UsageError: something has none of the names.
    """
    names = [name for name in config.option.grad_mutants.split(",") if name]
    foreign = [ForeignFunction.named(name) for name in names if ":" in name]
    ops = ",".join(name for name in names if ":" not in name)
    return [*foreign, *(project_ops(config, items, ops) if ops or not foreign else ())]


def project_ops(config: pytest.Config, items: Sequence[pytest.Item], names: str = "") -> list[Op]:
    """The named ops, or else those that files under the root directory define, test files left out.

    Args:
        config: pytest's configuration, with the root directory.
        items: the collected tests.
        names: names of ops, separated by commas; `*` stands for anything.

    Raises:
        pytest.UsageError: no op has one of the names.
    """
    if names:
        found = {name: _matching_ops(name) for name in names.split(",")}
        for name, ops in found.items():
            if not ops:
                raise pytest.UsageError(f"--grad-mutants: there is no op named {name!r}")
        return [REGISTRY[op] for op in sorted({op for ops in found.values() for op in ops})]
    tests = {item.path for item in items if isinstance(item, pytest.Function)}
    files = {
        name: Path(file)
        for name, module in list(sys.modules.items())
        if isinstance(file := getattr(module, "__file__", None), str)
    }
    modules = {
        name
        for name, file in files.items()
        if file.is_relative_to(config.rootpath) and "site-packages" not in file.parts and file not in tests
    }
    # Ops that a doctest or a function makes are in the registry as well, but in no module.
    held = {id(value) for name in modules for value in list(vars(sys.modules[name]).values())}
    return [op for _, op in sorted(REGISTRY.items()) if op.module in modules and id(op) in held]


def _matching_ops(pattern: str) -> list[str]:
    return [name for name in REGISTRY if fnmatchcase(name, pattern)]


def allowlist_of(config: pytest.Config, table: str) -> Allowlist:
    """One table of the project's allowlist.

    Raises:
        pytest.UsageError: the file is not well formed.
    """
    try:
        return Allowlist.read(config.rootpath / (config.getini("grad_equivalent") or ALLOWLIST_FILE), table)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
