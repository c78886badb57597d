"""What the command line accepts."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minigrad.config import available_threads
from minigrad.errors import UsageError
from minigrad.optim.schedule import SCHEDULES, schedule_settings
from models import MODELS, Entry

LATEST = ""  # the value of --resume without a folder

EXAMPLES = """
examples:
  minigrad train lenet5                        with the model's recipe, into runs/lenet5
  minigrad train lenet5 --optimizer adam --lr 0.002 --out runs/adam
  minigrad train lenet5 --resume               go on with the latest run of lenet5
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave the wording, and the exit, to `main`."""
        raise UsageError(message.removeprefix("argument "))


class _Version(argparse.Action):
    """Prints the version. It is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print("minigrad", version("minigrad"))
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The parser of `minigrad COMMAND ...`."""
    about = "Train small networks, and see what they do."
    parser = _Parser(prog="minigrad", description=about, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_train(commands)
    return parser


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a model; its weights, curves and pictures go to a run folder",
        description="Train a model. Its settings, history, checkpoint and pictures go to a run folder.\n"
        "Ctrl-C stops and saves; --resume goes on exactly where it stopped.",
        epilog="models, and what their recipes are:\n" + "\n".join(map(_about, MODELS.values())) + "\n" + EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    recipe = "(default: as the model's recipe)"
    add("model", metavar="MODEL", help=f"what to train: {', '.join(MODELS)}")
    add("--data", metavar="NAME", help="what to train on: digits, 1,797 handwritten digits (default: digits)")
    add("--epochs", type=_integer(1), metavar="N", help=f"how often to go through the data {recipe}")
    add("--batch-size", type=_integer(1), metavar="N", help=f"samples a step {recipe}")
    add("--lr", type=_positive, metavar="X", help=f"base learning rate {recipe[:-1]}, or usual with the optimizer)")
    add("--optimizer", choices=("sgd", "adam"), help=f"what updates the weights {recipe}")
    add("--schedule", choices=tuple(SCHEDULES), help=f"how the learning rate changes over the steps {recipe}")
    add("--seed", type=_integer(0), metavar="N", help="fixes weights, order and random motions (default: 0)")
    add(
        "--threads", type=_integer(1, available_threads()), metavar="N",
        help=f"threads of BLAS and of the kernels (default: all available, here {available_threads()})",
    )  # fmt: skip
    add("--out", metavar="DIR", help="the run folder (default: runs/MODEL, or runs/MODEL-2 ... if that exists)")
    add(
        "--resume", nargs="?", const=LATEST, metavar="RUN",
        help="go on with the run in this folder (without a folder: the latest run of MODEL in runs/). Its "
        "settings stay; only --epochs may be raised, if the schedule does not depend on it (default: a new run)",
    )  # fmt: skip


def _about(entry: Entry) -> str:
    r = entry.recipe
    schedule = schedule_settings(r.schedule)["name"]
    return (
        f"  {entry.name:16} {entry.summary}\n"
        f"  {'':16} {r.epochs} epochs, batches of {r.batch_size}, {r.optimizer}, lr {r.lr:g}, {schedule} schedule"
    )


def _integer(low: int, high: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            limits = f"of at least {low}" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"must be an integer {limits}, got {text!r}")
        return value

    return parse


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def command_line(words: Sequence[str]) -> str:
    """Words as they can be pasted into a shell."""
    import shlex

    return shlex.join(words)
