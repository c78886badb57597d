"""`minigrad resume`."""

from __future__ import annotations

import argparse

from minigrad.cli.answer import Answer
from minigrad.cli.train import resume
from minigrad.cli.wish import wishes_of


def run(arguments: argparse.Namespace) -> Answer:
    """Go on with a run.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    return resume(arguments.run, wishes_of(arguments))
