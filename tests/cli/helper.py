"""What the tests of the command share."""

import json
import shlex
from functools import cache
from pathlib import Path

from minigrad_models import Recipe

from minigrad.cli import main
from minigrad.data import ArrayDataset, digits
from minigrad.optim.schedule import Cosine
from minigrad.training import load_checkpoint

BATCHES = 4  # an epoch of 64 samples
RECIPE = Recipe(
    epochs=3, batch_size=16, optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
    schedule=Cosine(warmup=0.05), degrees=10, translate=0.05, scale=(0.9, 1.1),
)  # fmt: skip


@cache
def few_digits(size=32):
    """64 digits to train on, and 64 to test on."""
    return tuple(ArrayDataset(*part[:64], classes=part.classes) for part in digits(size))


def command(line, *more):
    """The exit code of a command line, given without its `minigrad`."""
    return main([*shlex.split(line), *map(str, more)])


def answer(capsys, line, *more, code=0):
    """The JSON document that a command prints, after checking that it is all that it prints."""
    capsys.readouterr()
    assert command(f"{line} --json", *more) == code
    return json.loads(capsys.readouterr().out)


def train(*options, model="lenet5"):
    return main(["train", model, "--batch-size", "16", *map(str, options)])


def error_line(capsys):
    """The one line on standard error, after checking that it is the only one."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("minigrad: error: ")
    return lines[0].removeprefix("minigrad: error: ")


def content(folder):
    """All that a run holds, but the time that it took."""
    checkpoint = load_checkpoint(f"{folder}/checkpoint.safetensors")
    facts = json.loads(json.dumps(checkpoint.metadata))
    facts["sums"]["items"] = [item for item in facts["sums"]["items"] if item[0] != "seconds"]
    records = [json.loads(line) for line in Path(folder, "history.jsonl").read_text().splitlines()]
    for record in records:
        record.pop("seconds")
    return {name: array.tobytes() for name, array in checkpoint.arrays.items()}, facts, records
