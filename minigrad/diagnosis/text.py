"""Numbers, arrays and lines of source as short text."""

from __future__ import annotations

import linecache

import numpy as np

from minigrad.typing import Array, Value


def code_at(file: str, line: int) -> str:
    """The text of a line, or "" where it is not known."""
    return linecache.getline(file, line).strip() if line else ""


def number(value: float | None) -> str:
    """A number in three digits.

    >>> number(0.000123456), number(20.0), number(None)
    ('0.000123', '20', '')
    """
    return "" if value is None else f"{value:.3g}"


def percent(part: float, whole: float) -> str:
    """A share in percent, never rounded to 0 or 100 when it is neither.

    >>> percent(1, 3), percent(999_999, 1_000_000), percent(1, 1_000_000)
    ('33 %', 'more than 99.9 %', 'less than 0.1 %')
    """
    share = 100 * part / whole if whole else 0.0
    if share in (0.0, 100.0) or 1 <= share <= 99:
        return f"{share:.0f} %"
    if 0.1 <= share <= 99.9:
        return f"{share:.1f} %"
    return "less than 0.1 %" if share < 1 else "more than 99.9 %"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "layer"), plural(1200, "step")
    ('1 layer', '1,200 steps')
    """
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def describe_array(value: Value) -> str:
    """The range of an array, with its share of zeros or of elements that are not finite; "" for anything else."""
    if not isinstance(value, (np.ndarray, np.generic)) or not np.size(value):
        return ""
    array = np.asarray(value)
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        nonfinite = array[~np.isfinite(array)]
        return f"{percent(nonfinite.size, array.size)} not finite, such as {nonfinite[0]}"
    if array.size == 1:
        return number(float(array.reshape(())))
    text = f"{number(float(array.min()))} to {number(float(array.max()))}"
    zeros = array.size - int(np.count_nonzero(array))
    return f"{text}, {percent(zeros, array.size)} zeros" if zeros else text


def input_range(x: Array | None) -> str:
    """The range of an op's input in parentheses, to be appended to a sentence."""
    if x is None or not np.size(x):
        return ""
    low, high = float(np.min(x)), float(np.max(x))
    if low == high:
        return f" (its input is {number(low)})" if np.size(x) == 1 else f" (its inputs are all {number(low)})"
    return f" (its inputs lie between {number(low)} and {number(high)})"
