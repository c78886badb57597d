"""`minigrad resume`: continue a training where it stopped."""

from __future__ import annotations

import argparse

from minigrad.cli.output import Output
from minigrad.cli.overrides import read_overrides
from minigrad.cli.train import resume


def run(arguments: argparse.Namespace) -> Output:
    """Continue a run.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    return resume(arguments.run, read_overrides(arguments))
