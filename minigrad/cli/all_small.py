"""`minigrad train --all-small`: train every small network with several seeds, and make a table of what they reach."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypedDict

from minigrad_models import MODELS, Entry

from minigrad.cli.output import Output
from minigrad.cli.overrides import PARSERS, Overrides
from minigrad.cli.run_loading import RUNS
from minigrad.cli.train import begin, resume
from minigrad.errors import UsageError
from minigrad.io import write_atomically
from minigrad.training import Run
from minigrad.training.history import resume_history
from minigrad.training.run import HISTORY

TABLE: Final = "table.md"
HEADER: Final = ("network", "source", "parameters", "measure", "mean", "each seed", "epochs", "seconds a seed")
ALLOWED: Final = ("out", "threads")


class Row(TypedDict):
    """What the table says of a network.

    `measure` is the name of what was measured on the test data, `values` what each seed reached, `mean` their mean, and
    `seconds` the mean time of a training.
    """

    network: str
    source: str
    parameters: int
    measure: str
    mean: float
    values: list[float]
    epochs: int
    seconds: float


def run(arguments: argparse.Namespace) -> Output:
    """Train what is not trained yet, and make the table.

    Args:
        arguments: those of the command. `seeds` is how many; `out` the folder for all runs, runs/all-small unless
            given.

    Raises:
        UsageError: an option is given that the recipes decide.
        DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    given = [key for key in PARSERS if getattr(arguments, key, None) is not None and key not in ALLOWED]
    if given or arguments.config or arguments.resume is not None:
        option = (given or ["config" if arguments.config else "resume"])[0].replace("_", "-")
        raise UsageError(
            f"--all-small trains by the recipes: leave out {'MODEL' if option == 'model' else '--' + option}"
        )
    folder = Path(arguments.out or RUNS / "all-small")
    rows = []
    for entry in (entry for entry in MODELS.values() if entry.small):
        runs = [folder / f"{entry.name}-{seed}" for seed in range(arguments.seeds)]
        for seed, path in enumerate(runs):
            if not _finished(path, entry):
                output = _train(entry.name, seed, path.as_posix(), arguments.threads)
                if output.code:
                    return output
        rows.append(_row(entry, runs))
    write_atomically(folder / TABLE, markdown(rows).encode())
    return Output({"status": "finished", "runs": folder.as_posix(), "networks": rows}, lambda: print(markdown(rows)))


def _train(model: str, seed: int, folder: str, threads: int | None) -> Output:
    """Begin the run in a folder, or go on with it."""
    overrides: Overrides = {"model": model, "seed": seed, "out": folder}
    if threads is not None:
        overrides["threads"] = threads
    return resume(folder, [overrides]) if Path(folder).is_dir() else begin([overrides])


def markdown(rows: Sequence[Row]) -> str:
    """Write the table as the README shows it."""
    lines = [HEADER, ["---"] * len(HEADER)]
    for row in rows:
        show = _number if row["measure"] == "loss" else _percent
        values = f"**{show(row['mean'])}**", ", ".join(map(show, row["values"]))
        measure = f"test {row['measure']}".replace("_", " ")
        size, epochs, seconds = f"{row['parameters']:,}", str(row["epochs"]), f"{row['seconds']:.0f}"
        lines.append((f"`{row['network']}`", row["source"], size, measure, *values, epochs, seconds))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _number(value: float) -> str:
    return f"{value:.4f}"


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _finished(folder: Path, entry: Entry) -> bool:
    if not folder.is_dir():
        return False
    checkpoint = Run.open(folder).checkpoint
    return checkpoint is not None and checkpoint.epoch >= entry.recipe.epochs


def _row(entry: Entry, runs: Sequence[Path]) -> Row:
    histories = [resume_history(path / HISTORY, entry.recipe.epochs) for path in runs]
    values = [history.last[f"test_{entry.metric}"] for history in histories]
    return {
        "network": entry.name,
        "source": entry.source,
        "parameters": entry.parameters,
        "measure": entry.metric,
        "mean": statistics.fmean(values),
        "values": values,
        "epochs": entry.recipe.epochs,
        "seconds": statistics.fmean(sum(history["seconds"]) for history in histories),
    }
