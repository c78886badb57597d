"""`minigrad resume`."""

from __future__ import annotations

import argparse

from minigrad.cli import trainer
from minigrad.cli.output import Output
from minigrad.cli.overrides import read_overrides


def run(arguments: argparse.Namespace) -> Output:
    """Go on with a run.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    return trainer.resume(arguments.run, read_overrides(arguments))
