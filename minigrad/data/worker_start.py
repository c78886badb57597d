"""How worker processes are started, and what became of them."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from signal import Signals
from typing import Any, Final

from minigrad.data.worker_process import run_worker
from minigrad.errors import DataError

UNGUARDED: Final = (
    'their message is above. A script that starts them needs `if __name__ == "__main__":` around what it does'
)


@dataclass
class Worker:
    """A process, this end of its pipe, and the batches that it has: whose and which, and the slots they go to."""

    process: BaseProcess
    connection: Connection
    tasks: dict[tuple[int, int], int] = field(default_factory=dict)


def context_of(start_method: str | None) -> BaseContext:
    """How processes are started: with "fork", "forkserver" or "spawn"; None for forkserver where there is one.

    Raises:
        DataError: there is no such method.
    """
    known = multiprocessing.get_all_start_methods()
    if start_method is None:
        start_method = "forkserver" if "forkserver" in known else "spawn"
    if start_method not in known:
        raise DataError(f"DataLoader: start_method must be {' or '.join(known)} here, got {start_method!r}.")
    context = multiprocessing.get_context(start_method)
    if start_method == "forkserver":  # which then imports them once, and not for each process
        from multiprocessing.forkserver import _forkserver

        others = getattr(_forkserver, "_preload_modules", ["__main__"])
        spec = getattr(sys.modules["__main__"], "__spec__", None)  # of `python -m`, which "__main__" leaves out
        modules = [*others, "minigrad.data", *([spec.name] if spec is not None else [])]
        context.set_forkserver_preload(list(dict.fromkeys(modules)))
    return context


def started(context: BaseContext, compute: Callable[[Any, int], Any], number: int) -> Worker:
    """A process that runs `compute`, and is named after its number.

    Raises:
        DataError: it cannot be started, or `compute` cannot be sent to it.
    """
    here, there = context.Pipe()
    process: Any = context.Process(  # type: ignore[attr-defined]  # each context has its own class
        target=run_worker, args=(there, compute), name=f"minigrad-worker-{number}", daemon=True
    )
    try:
        process.start()
    except (EOFError, ConnectionError) as error:
        here.close()
        raise DataError(f"DataLoader: worker processes cannot be started: {UNGUARDED}") from error
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        here.close()
        raise DataError(
            f"DataLoader: the dataset or a transform cannot be sent to a worker process ({error}). Define it at the "
            "top level of a module, not inside of a function, or use workers=0 and prefetch=2"
        ) from error
    finally:
        there.close()
    return Worker(process, here)


def cause_of(process: BaseProcess) -> str:
    """Why a process has ended, as far as one can tell."""
    code = process.exitcode
    if code is None:
        return "it closed its pipe"
    if code == 1 and not getattr(sys, "ps1", None):
        return f"exit code 1: {UNGUARDED}"
    if code >= 0:
        return f"exit code {code}"
    name = Signals(-code).name if -code in list(Signals) else f"signal {-code}"
    return f"{name}: perhaps for want of memory" if name == "SIGKILL" else name
