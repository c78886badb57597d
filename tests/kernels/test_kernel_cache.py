"""Machine code of kernels: found again in another process, and only where what they are made of is the same."""

import importlib.util
import os
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

from numba.core.caching import FunctionCache

from minigrad.kernels import kernel_cache_numba
from minigrad.kernels.jit import compiled, inlined
from minigrad.kernels.kernel_cache_numba import KernelCache
from minigrad.kernels.simd import load
from minigrad.kernels.widest_registers_numba import use_widest


class Codegen:
    def magic_tuple(self):
        return ("this processor",)


def kernel(f, step=1):
    @inlined
    def helper(x):
        return x + f(step)

    @compiled
    def double(x):
        return helper(x) * f(2)

    return double


def key(function):
    assert type(function._cache) is KernelCache
    return function._cache._index_key("f(x)", Codegen())


def test_functions_that_do_the_same_have_the_same_key():
    assert key(kernel(np.float32)) == key(kernel(np.float32))


@pytest.mark.parametrize("other", [lambda: kernel(np.float64), lambda: kernel(np.float32, 2)])
def test_another_constant_or_another_function_within_is_another_key(other):
    assert key(kernel(np.float32)) != key(other())


def test_what_cannot_be_told_has_numbas_own_key():
    thing = {1, 2}

    def function():
        return thing

    own = FunctionCache(function)
    assert KernelCache(function)._index_key("f(x)", Codegen()) == own._index_key("f(x)", Codegen())


def loaded(folder, name, text):
    (folder / f"{name}.py").write_text(text)
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("helper = compiled(lambda x: x + 1)\nfactor = 2", "helper = compiled(lambda x: x + 2)\nfactor = 2"),
        ("helper = compiled(lambda x: x + 1)\nfactor = 2", "helper = compiled(lambda x: x + 1)\nfactor = 3"),
    ],
    ids=["function", "number"],
)
def test_what_another_file_defines_is_seen(tmp_path, monkeypatch, before, after):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files of one size and second would look unchanged
    results = []
    for text in (before, after, before):
        monkeypatch.delitem(sys.modules, "kernel_parts", raising=False)
        loaded(tmp_path, "kernel_parts", f"from minigrad.kernels.jit import compiled\n{text}\n")
        source = "from kernel_parts import *\n\n@compiled\ndef kernel(x):\n    return helper(x) * factor\n"
        results.append(loaded(tmp_path, "kernel_of_parts", source).kernel(1.0))
        os.utime(tmp_path / "kernel_of_parts.py", ns=(10**18, 10**18))  # the kernel's own file is the same
    assert results[0] == results[2] != results[1]


def test_a_changed_intrinsic_is_seen(monkeypatch):
    @compiled
    def first(x):
        return load(x, 0)

    before = key(first)
    monkeypatch.setattr(kernel_cache_numba, "_of_file", lambda path: "changed")
    assert key(first) != before


def test_the_file_of_an_intrinsic_is_seen_where_it_defines_nothing_else():
    @compiled
    def first(x):
        use_widest()
        return x

    key(first)
    files = kernel_cache_numba._files("minigrad.kernels.widest_registers_numba")
    assert any(path.endswith("widest_registers_numba.py") for path in files)
