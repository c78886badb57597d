"""Threads and versions are what the functions say, and memory tuning does no harm."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minigrad import config
from minigrad.errors import UsageError


@pytest.fixture(autouse=True)
def _former_threads(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", os.environ.get("NUMBA_NUM_THREADS", str(config.available_threads())))
    with threadpool_limits():
        yield
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(sys.modules["numba"].config.NUMBA_NUM_THREADS)


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout


def test_set_threads_sets_those_of_blas():
    config.set_threads(1)
    assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}


@pytest.mark.parametrize("order", ["import numba; set_threads(1)", "set_threads(1); import numba"])
def test_set_threads_sets_those_of_the_kernels_before_and_after_numba_is_loaded(order):
    pytest.importorskip("numba")
    code = f"from minigrad.config import set_threads; {order}; from minigrad.kernels.threads import thread_count"
    assert run(f"{code}; print(thread_count())") == "1\n"


@pytest.mark.parametrize("n", [0, -1, 1.5, "2"])
def test_a_number_of_threads_that_makes_no_sense_is_refused(n):
    with pytest.raises(UsageError, match="must be an integer of at least 1, got"):
        config.set_threads(n)


@pytest.fixture
def four_processors(monkeypatch):
    for name in config.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(config, "available_threads", lambda: 4)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    return monkeypatch


@pytest.mark.parametrize(("busy", "threads"), [(0, 4), (1, 3), (3, 1), (4, 1), (40, 1)])
def test_a_program_uses_the_processors_that_others_leave_idle_and_at_least_one(four_processors, busy, threads):
    four_processors.setattr(config, "_busy_processors", lambda: busy)
    assert config.suitable_threads() == threads


@pytest.mark.parametrize(
    ("blas", "all_libraries", "threads"), [("1", "", 1), ("", "3", 3), ("2", "3", 2), ("9", "", 4), ("0", "x", 2)]
)
def test_the_environment_decides_how_many_threads_are_suitable(four_processors, blas, all_libraries, threads):
    four_processors.setattr(config, "_busy_processors", lambda: 2)
    four_processors.setenv("OPENBLAS_NUM_THREADS", blas)
    four_processors.setenv("OMP_NUM_THREADS", all_libraries)
    assert config.suitable_threads() == threads


def test_programs_that_compute_are_seen():
    if not os.path.exists("/proc/loadavg"):
        pytest.skip("only Linux tells")
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        assert config._busy_processors() >= 3
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_system_that_does_not_tell_is_taken_for_idle(monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_: "nothing")
    assert config._busy_processors() == 0


def test_show_config_names_versions_blas_threads_and_the_variables_that_matter(monkeypatch, capsys):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("UNRELATED", "secret")
    config.set_threads(1)
    config.show_config()
    facts = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    facts = {name: value.strip() for name, value in facts.items()}
    assert facts["numpy"] == np.__version__
    assert facts["python"] == sys.version.split()[0]
    assert facts["BLAS threads"] == "1"
    assert facts["OPENBLAS_CORETYPE"] == "Haswell"
    assert "UNRELATED" not in facts


def test_the_environment_does_not_change_when_scipy_brings_its_own_blas():
    pytest.importorskip("sklearn")
    code = "from minigrad.config import environment as e; a = e(); import sklearn.datasets; print(a == e())"
    assert run(code) == "True\n"


def test_freed_memory_is_kept():
    pytest.importorskip("resource")
    if "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        pytest.skip("not glibc")
    code = """if True:
        import resource, numpy as np
        from minigrad.config import keep_freed_memory
        {keep}
        x = np.ones(5 << 20)  # 40 MB, which glibc by default always gives back
        for _ in range(3): x + 1
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10): x + 1
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"""
    assert int(run(code.format(keep="keep_freed_memory()"))) < int(run(code.format(keep=""))) / 10


def test_freed_memory_is_left_to_another_c_library(monkeypatch):
    monkeypatch.setattr(os, "confstr_names", {}, raising=False)
    monkeypatch.setattr("ctypes.CDLL", lambda *_: pytest.fail("touched the C library"))
    config.keep_freed_memory()


@pytest.mark.parametrize(
    ("first", "given", "expected"),
    [("minigrad", None, "16"), ("minigrad", "20", "20"), ("numpy", None, "None")],
    ids=["default", "given", "too late"],
)
def test_threads_of_openblas_spin_for_a_moment_only(first, given, expected):
    program = f"import {first}, minigrad, os; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_THREAD_TIMEOUT"}
    if given is not None:
        environment["OPENBLAS_THREAD_TIMEOUT"] = given
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
