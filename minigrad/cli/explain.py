"""The help of a command beyond its options."""

from __future__ import annotations

import argparse


def explain(parser: argparse.ArgumentParser, usage: str, more: str, examples: str) -> None:
    """Give a command's help its usage, a longer description, and examples."""
    parser.usage = f"{parser.prog} {usage}"
    parser.description = f"{parser.description}\n{more}"
    parser.epilog = examples
