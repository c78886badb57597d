"""`minigrad evaluate`: measure a trained model on test data."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad.cli.data_registry import DATA_REGISTRY, Samples, load_samples
from minigrad.cli.output import Output, table_text
from minigrad.cli.registries import make_loss
from minigrad.cli.run_loading import LoadedRun, load_run
from minigrad.cli.sanity_check import check_fit
from minigrad.config import set_threads
from minigrad.errors import UsageError
from minigrad.training import evaluate
from minigrad.training.metrics import F1, R2, Confusion, Precision, Recall, mae, mse, top_k_accuracy
from minigrad.training.training_state import Loss

SCORES: Final = ("precision", "recall", "f1")
TOP: Final = 5
"""Where there are more classes than this, the share of samples whose class is among so many best is told, too."""

ClassRow = dict[str, str | float]
"""A class under "class", its scores, and the number of its samples under "samples"."""


def run(arguments: argparse.Namespace) -> Output:
    """Measure a trained model on the test part of its data, or of other data.

    Raises:
        UsageError, DataError, StateError, MissingExtraError: what the user can put right.
    """
    loaded = load_run(arguments.run, arguments.weights)
    settings, shape = loaded.settings, loaded.format.shape
    set_threads(arguments.threads or settings.threads)
    chosen = DATA_REGISTRY.resolve(arguments.data or settings.data, settings.data)
    samples = load_samples(chosen, shape if len(shape) == 3 else ())
    data = str(chosen)
    _check_classes(loaded, data, samples)
    loss = make_loss(settings.loss, loaded.model)
    classifies = check_fit(settings.model, loaded.model, shape, data, samples, loss)
    measured, rows = (_classifier_scores if classifies else _regression_scores)(loaded, samples, loss)
    document = {
        "run": loaded.folder.as_posix(),
        "model": settings.model,
        "data": data,
        "epoch": loaded.epoch,
        "samples": len(samples.test),
        **measured,
        **({"classes": rows} if rows else {}),
    }

    def show() -> None:
        print(f"{loaded.folder} after epoch {loaded.epoch}, on {len(samples.test):,} test samples of {data}")
        print("\n".join(f"{label.replace('_', ' '):15} {_number(label, value)}" for label, value in measured.items()))
        if rows:
            cells = [[str(row["class"]), *(f"{row[s]:.2%}" for s in SCORES), f"{row['samples']:,}"] for row in rows]
            print("\n" + table_text(["class", *SCORES, "samples"], cells))

    return Output(document, show)


def _check_classes(loaded: LoadedRun, data: str, samples: Samples) -> None:
    """Class 3 of other data must be what class 3 was in training."""
    was, now = loaded.format.classes, samples.format.classes
    if was and now and was != now:
        raise UsageError(f"{loaded.folder} was trained on the classes {_few(was)}, and {data} has {_few(now)}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")


def _classifier_scores(loaded: LoadedRun, samples: Samples, loss: Loss) -> tuple[dict[str, float], list[ClassRow]]:
    """The measures of a classifier, and a row for each class."""
    each = {"precision": Precision(None), "recall": Recall(None), "f1": F1(None), "confusion": Confusion()}
    found = evaluate(loaded.model, samples.test, loss, metrics=each)
    counts = np.asarray(found.pop("confusion"))
    scores = [np.asarray(found.pop(name)) for name in SCORES]
    classes = loaded.format.classes or tuple(map(str, range(len(counts))))
    rows: list[ClassRow] = [
        {"class": name, **{s: float(v) for s, v in zip(SCORES, values, strict=True)}, "samples": int(total)}
        for name, *values, total in zip(classes, *scores, counts.sum(axis=1), strict=False)
    ]
    if len(counts) > TOP:
        top = {f"top_{TOP}_accuracy": lambda output, target: top_k_accuracy(output, target, TOP)}
        found |= {k: v for k, v in evaluate(loaded.model, samples.test, loss, metrics=top).items() if k in top}
    return found, rows


def _regression_scores(loaded: LoadedRun, samples: Samples, loss: Loss) -> tuple[dict[str, float], list[ClassRow]]:
    """The model's own measures; if it has none, those of numbers, where targets have the shape of outputs."""
    if own := getattr(loaded.model, "metrics", {}):
        return evaluate(loaded.model, samples.test, loss, metrics=own), []
    try:
        return evaluate(loaded.model, samples.test, loss, metrics=[mse, mae, R2()]), []
    except ValueError:  # a loss that takes other targets than outputs
        return evaluate(loaded.model, samples.test, loss), []


def _number(label: str, value: float) -> str:
    return f"{value:.2%}" if label.endswith("accuracy") else f"{value:.4f}"
