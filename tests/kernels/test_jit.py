"""Who waits for the compiler is told so, and who finds the kernel on disk is not."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from minigrad.kernels.jit import compilation_watchers, compiled, with_compiled_variant

pytest.importorskip("numba")


def load(path):
    spec = importlib.util.spec_from_file_location("doubled", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return compiled(module.double)


def test_watchers_are_called_when_a_kernel_is_compiled_and_not_when_it_is_on_disk(tmp_path):
    path, calls = tmp_path / "doubled.py", []
    path.write_text("def double(x):\n    return 2 * x\n")
    compilation_watchers.append(lambda: calls.append(1))
    try:
        first = load(path)
        assert (first(2), len(calls)) == (4, 1)
        assert (first(3), len(calls)) == (6, 1)
        assert (load(path)(2), len(calls)) == (4, 1)
        assert (first(2.5), len(calls)) == (5.0, 2)
    finally:
        compilation_watchers.pop()


def test_a_compiled_variant_that_cannot_be_imported_is_an_error_and_not_silently_left_out(tmp_path, monkeypatch):
    (tmp_path / "halved_numba.py").write_text("from minigrad.kernels.simd import missing\n")
    monkeypatch.syspath_prepend(tmp_path)

    def half(x):
        return x / 2

    half.__module__ = "halved"
    kernel = with_compiled_variant(half, smallest=2)
    assert kernel(np.ones(1)) == 0.5
    with pytest.raises(ImportError, match="missing"):
        kernel(np.ones(2))


RUN = """
from minigrad.kernels.jit import compiled
from doubled import double
kernel = compiled(double)
from numba.core.codegen import CPUCodeLibrary
names, optimize = [], CPUCodeLibrary._optimize_final_module
def noted(library):
    names.append(library.name)
    optimize(library)
CPUCodeLibrary._optimize_final_module = noted
print(kernel(2), *names)
"""


def test_nothing_is_compiled_where_the_kernel_is_on_disk_and_the_runtime_library_where_it_is_not(tmp_path):
    (tmp_path / "doubled.py").write_text("def double(n):\n    return sum([1.0] * n) * 2\n")  # which allocates memory
    command = [sys.executable, "-c", RUN]
    runs = [subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = [run.stdout for run in runs]
    assert first.startswith("4.0 ")
    assert "nrt" in first.split()
    assert second == "4.0\n"
