"""Parsers of numbers and shapes on the command line, and hints for words that are not known."""

from __future__ import annotations

import argparse
import difflib
import math
from collections.abc import Callable, Iterable

from minigrad.typing import Shape


def integer(low: int, high: int | None = None) -> Callable[[str], int]:
    """Make a parser of integers within limits.

    Args:
        low: the smallest one.
        high: the largest one; None (default) for any.

    Returns:
        A function from a text to an integer. It raises `argparse.ArgumentTypeError` where the text is none, or the
        integer is outside of the limits.
    """

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


def positive(text: str) -> float:
    """Parse a finite number above 0.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def not_negative(text: str) -> float:
    """Parse a finite number of at least 0.

    Raises:
        argparse.ArgumentTypeError: the text is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, got {text!r}")
    return value


def shape(text: str) -> Shape:
    """Parse sizes with an x between them.

    Raises:
        argparse.ArgumentTypeError: the text is no shape, or a size is 0.

    >>> shape("1x32x32")
    (1, 32, 32)
    """
    sizes = text.lower().split("x")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"must be sizes such as 1x32x32, got {text!r}")
    return tuple(map(int, sizes))


def shape_text(sizes: Shape) -> str:
    """Write sizes as `shape` reads them.

    >>> shape_text((1, 32, 32))
    '1x32x32'
    """
    return "x".join(map(str, sizes))


def hint(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The end of an error about a word that is not known: the closest ones, or all.

    Args:
        word: what was given.
        known: what it might have been.
        otherwise: what to say if none is close; None (default) for "; known are" with all of them.

    >>> hint("momentun", ["lr", "momentum"])
    ': did you mean momentum?'
    >>> hint("x", ["lr", "momentum"])
    '; known are lr, momentum'
    """
    known = list(known)
    longer = [name for name in known if word and name.startswith(word)]
    if close := longer[:2] or difflib.get_close_matches(word, known, cutoff=0.6):
        return f": did you mean {' or '.join(close)}?"
    return f"; known are {', '.join(known)}" if otherwise is None else otherwise
