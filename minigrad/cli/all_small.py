"""`minigrad train --all-small`: every small network of the table, with several seeds, and what they reach."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from minigrad_models import MODELS, Entry

from minigrad.cli.answer import Answer
from minigrad.cli.trained import RUNS
from minigrad.cli.wish import KEYS
from minigrad.errors import UsageError
from minigrad.io import write_atomically
from minigrad.training import Run
from minigrad.training.history import resume_history
from minigrad.training.run import HISTORY

TABLE: Final = "table.md"
HEADER: Final = ("network", "source", "parameters", "measure", "mean", "each seed", "epochs", "seconds a seed")
ALLOWED: Final = ("out", "threads")

Train = Callable[[dict[str, Any]], Answer]


def run_all(arguments: argparse.Namespace, train: Train, resume: Train) -> Answer:
    """Train what is not trained yet, and make the table.

    Args:
        arguments: `seeds` is how many; `out` the folder for all runs, runs/all-small unless given.
        train: trains with wishes, among them "model", "seed" and "out".
        resume: goes on with the run in the folder "out".

    Raises:
        UsageError: an option is given that the recipes decide.
    """
    given = [key for key in KEYS if getattr(arguments, key, None) is not None and key not in ALLOWED]
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
                wishes = {"model": entry.name, "seed": seed, "out": path.as_posix(), "threads": arguments.threads}
                answer = (resume if path.is_dir() else train)({k: v for k, v in wishes.items() if v is not None})
                if answer.code:
                    return answer
        rows.append(_row(entry, runs))
    write_atomically(folder / TABLE, markdown(rows).encode())
    return Answer({"status": "finished", "runs": folder.as_posix(), "networks": rows}, lambda: print(markdown(rows)))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table as the README shows it."""
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


def _row(entry: Entry, runs: Sequence[Path]) -> dict[str, Any]:
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
