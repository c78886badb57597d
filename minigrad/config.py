"""Threads, libraries and memory: what speed and the last bits of results depend on beside the program."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from minigrad.errors import UsageError

ENVIRONMENT: Final = ("OPENBLAS_", "MKL_", "OMP_", "BLIS_", "NUMBA_", "MALLOC_", "GLIBC_TUNABLES", "NPY_")
"""The beginnings of the names of the environment variables that change speed or the last bits of results."""

THREAD_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""The environment variables that say how many threads a program may have, the stronger first."""

LAUNCHERS: Final = (
    "PMI_SIZE",  # MPICH, Intel MPI, and Slurm with PMI
    "OMPI_COMM_WORLD_SIZE",  # Open MPI
    "MV2_COMM_WORLD_SIZE",  # MVAPICH
)
"""The environment variables in which an `mpiexec` tells each process how many there are."""

RANKS: Final = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK")
"""The environment variables in which it tells a process its number."""

BUSY_SAMPLES: Final = 9  # their median counts, so that what runs for a moment does not
BUSY_INTERVAL: Final = 0.01  # s
Library = dict[str, Any]  # threadpoolctl has no types
"""What threadpoolctl knows of a library."""

M_TRIM_THRESHOLD: Final = -1  # glibc's malloc.h
M_MMAP_THRESHOLD: Final = -3


def available_threads() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def suitable_threads() -> int:
    """How many threads a program had better use now.

    As many as OPENBLAS_NUM_THREADS or OMP_NUM_THREADS say; where they say nothing, one for each processor that no other
    program keeps busy, and at least 1. A product of two threads ends with the slower one, for which the other one waits
    by spinning: beside busy programs more threads than idle processors take several times as long as one.
    """
    available = available_threads()
    for name in THREAD_VARIABLES:
        if (text := os.environ.get(name, "")).isdecimal() and int(text):
            return min(int(text), available)
    return max(1, min(available, (os.cpu_count() or 1) - _busy_processors())) if available > 1 else 1


def _busy_processors() -> int:
    """How many threads of other programs are running or wait for a processor; 0 where the system does not tell."""
    counts = []
    try:
        for _ in range(BUSY_SAMPLES):
            time.sleep(BUSY_INTERVAL)
            counts.append(int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) - 1)  # less this one
    except (OSError, ValueError, IndexError):
        return 0
    return sorted(counts)[BUSY_SAMPLES // 2]


def set_threads(n: int) -> None:
    """Let BLAS and the compiled kernels use n threads each, in the whole process.

    The last bits of float32 products depend on this number; at a fixed one they repeat.

    Args:
        n: how many threads, at least 1.

    Raises:
        UsageError: n is not a positive integer.
    """
    if not isinstance(n, int) or n < 1:
        raise UsageError(f"set_threads: the number of threads must be an integer of at least 1, got {n!r}")
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=n, user_api="blas")
    if sys.modules.get("numba") is None:  # importing it takes half a second, and there may be no need for it
        os.environ["NUMBA_NUM_THREADS"] = str(n)
        return
    numba = import_module("numba")
    numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))


def keep_freed_memory() -> None:
    """Let malloc keep freed memory, in the whole process. For programs, not for libraries.

    Otherwise each large array of a training step is new memory from the system, cleared and mapped page by page, which
    can take longer than the arithmetic. Does nothing where the C library is not glibc.
    """
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, 1 << 30)  # bytes: below, blocks come from the heap
    mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)  # and the heap is given back only when more than this is free


def release_memory() -> None:
    """Give the memory that is kept for large results, and is not in use, back to the system.

    Compiled kernels keep up to a sixteenth of the machine's memory of it (256 MB to 1 GB), so that results are not made
    of new memory, which takes the system longer to map than most functions take to compute; see `show_config`. What the
    C library keeps of freed memory goes back, too, where it is glibc. `minigrad.compile` does this before it takes the
    memory of a program.
    """
    from minigrad.kernels.buffers import pool

    pool.clear()


def environment() -> dict[str, str]:
    """The versions, the BLAS with the kind of processor that it computes for, and the platform."""
    return {
        "minigrad": _version("minigrad"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(_blas_text(library) for library in _blas()) or "unknown",
        "numba": _version("numba"),
        "platform": platform.platform(),
    }


def show_config() -> None:
    """Print what the speed and the last bits of results depend on: versions, BLAS, threads, environment variables."""
    blas_threads = ", ".join(str(library["num_threads"]) for library in _blas()) or "unknown"
    facts = {
        **environment(),
        "processors": f"{available_threads()} available",
        "BLAS threads": blas_threads,
        "Numba threads": _numba_threads(),
        "kept memory": _kept_memory(),
        **{name: value for name, value in sorted(os.environ.items()) if name.startswith(ENVIRONMENT)},
    }
    width = max(map(len, facts))
    print("\n".join(f"{name:{width}}  {value}" for name, value in facts.items()))


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _blas() -> list[Library]:
    from threadpoolctl import threadpool_info

    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [library for library in found if "numpy" in library["filepath"]] or found  # SciPy's wheels bring another


def _blas_text(library: Library) -> str:
    return " ".join(str(library[key]) for key in ("internal_api", "version", "architecture") if library.get(key))


def _kept_memory() -> str:
    from minigrad.kernels.buffers import pool

    kept = f"{pool.kept / 1e6:.0f} MB for large results, {pool.in_use() / 1e6:.0f} MB of it in use"
    return f"{kept}; {pool.arena_bytes / 1e6:.0f} MB for compiled programs"


def _numba_threads() -> str:
    if sys.modules.get("numba") is None:
        return "not loaded yet"
    from minigrad.kernels.threads import thread_count

    try:
        layer = import_module("numba").threading_layer()
    except ValueError:  # Numba starts it at the first parallel function; minigrad's kernels have threads of their own
        layer = "not started"
    return f"{thread_count()}, threading layer {layer}"


def launched() -> int:
    """How many processes the `mpiexec` (or `srun`) that started this one has started; 0 if none did.

    It looks at the environment only: MPI is not loaded.
    """
    names = LAUNCHERS if "PMIX_RANK" not in os.environ else (*LAUNCHERS, "SLURM_STEP_NUM_TASKS")
    counts = [int(text) for name in names if (text := os.environ.get(name, "")).isdecimal()]
    return counts[0] if counts else 0


def launched_rank() -> int:
    """The number that `mpiexec` gave this process; 0 if none did. Like `launched`, it does not load MPI."""
    texts = (os.environ.get(name, "") for name in RANKS)
    return next((int(text) for text in texts if text.isdecimal()), 0)
