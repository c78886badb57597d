"""`minigrad evaluate`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.cli.answer import Answer, table_text
from minigrad.cli.catalog import make_loss
from minigrad.cli.source import Samples, checked_data, load_data
from minigrad.cli.trained import Trained, open_trained
from minigrad.cli.trial import check_shape, check_trial
from minigrad.cli.value import spec_text
from minigrad.config import set_threads
from minigrad.errors import UsageError
from minigrad.training import evaluate
from minigrad.training.metrics import F1, R2, Confusion, Precision, Recall, mae, mse, top_k_accuracy

COLUMNS = ("precision", "recall", "f1", "samples")
TOP = 5
"""Where there are more classes than this, the share of samples whose class is among so many best is told, too."""


def run(arguments: argparse.Namespace) -> Answer:
    """Measure a trained model on the test part of its data, or of other data.

    Raises:
        UsageError, DataError, StateError, MissingExtraError: what the user can put right.
    """
    trained = open_trained(arguments.run, arguments.weights)
    settings = trained.settings
    set_threads(arguments.threads or settings.threads)
    chosen = checked_data(settings.data if arguments.data is None else arguments.data)
    samples = load_data(chosen, trained.form.shape if len(trained.form.shape) == 3 else ())
    name = spec_text(chosen)
    _check_classes(trained, name, samples)
    check_shape(settings.model, trained.form.shape, name, samples)
    loss = make_loss(settings.loss, trained.model)
    classifies = check_trial(settings.model, trained.model, name, samples, loss)
    kind = _of_classes if classifies else _of_values
    measured, rows = kind(trained, samples, loss)
    document = {
        "run": trained.folder.as_posix(),
        "model": settings.model,
        "data": name,
        "epoch": trained.epoch,
        "samples": len(samples.test),
        **measured,
        **({"classes": rows} if rows else {}),
    }

    def show() -> None:
        print(f"{trained.folder} after epoch {trained.epoch}, on {len(samples.test):,} test samples of {name}")
        print("\n".join(f"{label.replace('_', ' '):15} {_number(label, value)}" for label, value in measured.items()))
        if rows:
            cells = [[row["class"], *(f"{row[c]:.2%}" for c in COLUMNS[:-1]), f"{row['samples']:,}"] for row in rows]
            print("\n" + table_text(["class", *COLUMNS], cells))

    return Answer(document, show)


def _check_classes(trained: Trained, name: str, samples: Samples) -> None:
    """Class 3 of other data must be what class 3 was in training."""
    was, now = trained.form.classes, samples.form.classes
    if was and now and was != now:
        raise UsageError(f"{trained.folder} was trained on the classes {_few(was)}, and {name} has {_few(now)}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")


def _of_classes(trained: Trained, samples: Samples, loss: Any) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The measures of a classifier, and a row for each class."""
    each = {"precision": Precision(None), "recall": Recall(None), "f1": F1(None), "confusion": Confusion()}
    found = evaluate(trained.model, samples.test, loss, metrics=each)
    counts = np.asarray(found.pop("confusion"))
    columns = [np.asarray(found.pop(name)) for name in COLUMNS[:-1]]
    classes = trained.form.classes or tuple(map(str, range(len(counts))))
    rows = [
        {"class": name, **{c: float(v) for c, v in zip(COLUMNS, values, strict=False)}, "samples": int(total)}
        for name, *values, total in zip(classes, *columns, counts.sum(axis=1), strict=False)
    ]
    if len(counts) > TOP:
        top = {f"top_{TOP}_accuracy": lambda output, target: top_k_accuracy(output, target, TOP)}
        found |= {k: v for k, v in evaluate(trained.model, samples.test, loss, metrics=top).items() if k in top}
    return found, rows


def _of_values(trained: Trained, samples: Samples, loss: Any) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The model's own measures; if it has none, those of numbers, where targets have the shape of outputs."""
    if own := getattr(trained.model, "metrics", {}):
        return evaluate(trained.model, samples.test, loss, metrics=own), []
    try:
        return evaluate(trained.model, samples.test, loss, metrics=[mse, mae, R2()]), []
    except ValueError:  # a loss that takes other targets than outputs
        return evaluate(trained.model, samples.test, loss), []


def _number(label: str, value: float) -> str:
    return f"{value:.2%}" if label.endswith("accuracy") else f"{value:.4f}"
