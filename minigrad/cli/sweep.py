"""`minigrad sweep`: train a model with many settings, in several processes or on several machines, and compare.

Each run is a `minigrad train` of its own in a process of its own, so that one that fails, or is killed, takes nothing
with it. Under `mpiexec` the runs are given out by `mpi4py.futures`: rank 0 hands the next one to whoever is free. It
needs no server, no open port and no package beside mpi4py, which a batch job has anyway; what dask.distributed could do
more, data that stays on workers and workers that come and go, runs of minutes or hours do not need.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from minigrad.cli.output import Output, table_text
from minigrad.cli.overrides import read_overrides
from minigrad.cli.sweep_file import Sweep, read_sweep, toml_text
from minigrad.cli.training_settings import resolve
from minigrad.distributed import launched, world
from minigrad.errors import UsageError
from minigrad.io import write_atomically
from minigrad.training.history import EpochRecord

RESULT: Final = "result.json"
TABLE: Final = "table.md"
CONFIG: Final = "config.toml"

LAUNCHER: Final = ("PMI", "OMPI_", "MV2_", "HYDI_")
"""The beginnings of the variables by which a process knows that it is one of several ranks."""

Result = dict[str, Any]  # JSON values: status, settings, measured, error
"""What became of a run."""


def run(arguments: argparse.Namespace) -> Output:
    """Train what is not trained yet, and make the table.

    Args:
        arguments: those of the command.

    Raises:
        UsageError: the file cannot be read, or settings are not possible; nothing has begun then.
    """
    sweep = read_sweep(arguments.file)
    folder = Path(arguments.out or Path("runs") / Path(arguments.file).stem)
    group = world() if launched() > 1 else None
    if group is None or group.rank == 0:
        _prepare(sweep, folder)
    with _executor(arguments.processes) as submit:
        if submit is None:
            return Output({}, lambda: None)  # a rank that has worked for rank 0
        results = _run_all(sweep, folder, submit)
    table = _table(sweep, results)
    write_atomically(folder / TABLE, f"```\n{table}\n```\n".encode())
    failed = sum(result["status"] == "failed" for result in results.values())
    document = {"status": "finished", "runs": folder.as_posix(), "failed": failed, "results": list(results.values())}
    return Output(document, lambda: print(f"{table}\n\n{len(results)} runs in {folder}, {failed} of them failed"))


def _prepare(sweep: Sweep, folder: Path) -> None:
    """Write the settings of each run, having checked that all of them are possible and those of before are the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, settings in sweep.runs.items():
        path, text = folder / name / CONFIG, toml_text(settings)
        if path.exists() and path.read_text("utf-8") != text:
            raise UsageError(f"{path} is of another sweep: name another folder with --out, or remove this one")
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, text.encode())
        resolve(read_overrides(argparse.Namespace(config=str(path))))


@contextmanager
def _executor(processes: int) -> Iterator[Callable[[str], Future[Result]] | None]:
    """A function that has a run trained by whoever is free; None on the ranks that train for rank 0."""
    if launched() > 1:
        from mpi4py.futures import MPICommExecutor  # world() has found it

        from minigrad.distributed.launcher import communicator

        with MPICommExecutor(communicator(), root=0) as found:
            executor: Any = found  # None on the other ranks
            yield None if executor is None else lambda folder: executor.submit(train_run, folder)
    else:
        with ThreadPoolExecutor(processes) as threads:
            yield lambda folder: threads.submit(train_run, folder)


def _run_all(sweep: Sweep, folder: Path, submit: Callable[[str], Future[Result]]) -> dict[str, Result]:
    """The results of all runs, those of before included, in the order of the runs."""
    results = {name: found for name in sweep.runs if (found := _finished(folder / name)) is not None}
    if results:
        print(f"{len(results)} of {len(sweep.runs)} runs are done already")
    waiting = {submit(str(folder / name)): name for name in sweep.runs if name not in results}
    for future in as_completed(waiting):
        name = waiting[future]
        result = {**future.result(), "run": name, "settings": sweep.varied(name)}
        write_atomically(folder / name / RESULT, json.dumps(result, indent=2).encode())
        results[name] = result
        print(f"{len(results)}/{len(sweep.runs)} {name} {sweep.described(name)}: {_told(sweep, result)}", flush=True)
    return {name: results[name] for name in sweep.runs}


def train_run(folder: str) -> Result:
    """Train one run in a process of its own, or go on with it.

    Args:
        folder: that of the run, with its configuration in it.
    """
    path = Path(folder)
    begun = (path / "run" / "settings.json").exists()
    begin = ["train", "--config", str(path / CONFIG), "--out", str(path / "run")]
    words = ["resume", str(path / "run")] if begun else begin
    command = [sys.executable, "-m", "minigrad", *words, "--json"]
    # The process is none of mpiexec's ranks.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(LAUNCHER)}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    (path / "output.txt").write_text(ended.stderr, "utf-8")
    try:
        document = json.loads(ended.stdout)
    except ValueError:
        document = {}
    if ended.returncode == 0 and "last" in document:
        return {"status": "finished", "measured": document["last"]}
    last = ended.stderr.strip().splitlines()[-1:] or [f"the process ended with code {ended.returncode}"]
    return {"status": "failed", "error": document.get("error", last[0])}


def _finished(folder: Path) -> Result | None:
    path = folder / RESULT
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def _told(sweep: Sweep, result: Mapping[str, Any]) -> str:
    if result["status"] == "failed":
        return f"failed: {result['error']}"
    measured: EpochRecord = result["measured"]
    return f"{sweep.monitor} {measured.get(sweep.monitor)}"


def _table(sweep: Sweep, results: Mapping[str, Result]) -> str:
    """All runs, the best first, and those that failed at the end."""

    def order(name: str) -> tuple[bool, float]:
        value = results[name].get("measured", {}).get(sweep.monitor)
        known = isinstance(value, (int, float))
        return not known, (-value if sweep.maximize else value) if known else 0.0

    header = ["run", *sweep.names, sweep.monitor]
    return table_text(header, [_row(sweep, name, results[name]) for name in sorted(results, key=order)])


def _row(sweep: Sweep, name: str, result: Mapping[str, Any]) -> list[str]:
    value = result.get("measured", {}).get(sweep.monitor)
    text = f"{value:.4g}" if isinstance(value, (int, float)) else result.get("error", "-")
    return [name, *_texts(sweep.varied(name).values()), text]


def _texts(values: Iterable[object]) -> list[str]:
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
