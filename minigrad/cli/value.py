"""What the words of a command line mean: numbers, and names with settings such as `sgd:momentum=0.9,nesterov=true`."""

from __future__ import annotations

import argparse
import difflib
import math
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minigrad.errors import UsageError

Spec = dict[str, Any]
"""Something chosen by its name, under "name", with its settings; without a name, settings of what is chosen already."""


def integer(low: int, high: int | None = None) -> Callable[[str], int]:
    """A parser of integers within limits."""

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
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def shape(text: str) -> tuple[int, ...]:
    """Sizes with an x between them.

    >>> shape("1x32x32")
    (1, 32, 32)
    """
    sizes = text.lower().split("x")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"must be sizes such as 1x32x32, got {text!r}")
    return tuple(map(int, sizes))


def spec(text: str) -> Spec:
    """A name, perhaps with settings after a colon. Values are those of TOML; what is none stands for itself.

    >>> spec("adam:betas=[0.9, 0.99],amsgrad=true")
    {'name': 'adam', 'betas': [0.9, 0.99], 'amsgrad': True}
    >>> spec("plateau:mode=max")
    {'name': 'plateau', 'mode': 'max'}
    """
    head, colon, tail = text.rpartition(":")
    if not colon or "=" not in tail:
        return {"name": text}
    return {"name": head, **settings(tail)}


def settings(text: str) -> dict[str, Any]:
    """Settings with commas between them.

    >>> settings("degrees=10,scale=[0.9, 1.1]")
    {'degrees': 10, 'scale': [0.9, 1.1]}
    """
    found: dict[str, Any] = {}
    for part in _parts(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not key.isidentifier() or not equals or not value:
            raise argparse.ArgumentTypeError(f"must be settings such as momentum=0.9, got {part.strip()!r}")
        if key in found or key == "name":
            raise argparse.ArgumentTypeError(f"{key} is given twice, in {text!r}")
        found[key] = _value(value)
    return found


def spec_text(chosen: Mapping[str, Any], keys: Iterable[str] | None = None) -> str:
    """What `spec` would read as this, with these of its settings, or with all.

    >>> spec_text({"name": "sgd", "lr": 0.1, "nesterov": True}, ["nesterov"])
    'sgd:nesterov=true'
    """
    kept = [key for key in (chosen if keys is None else keys) if key in chosen and key != "name"]
    return ":".join(filter(None, [chosen.get("name", ""), ",".join(f"{key}={_text(chosen[key])}" for key in kept)]))


def hint(word: str, known: Iterable[str], there_are: str = "known are") -> str:
    """The end of an error about a word that is not known.

    >>> hint("momentun", ["lr", "momentum"])
    ': did you mean momentum?'
    >>> hint("x", ["lr", "momentum"])
    '; known are lr, momentum'
    """
    known = list(known)
    close = difflib.get_close_matches(word, known, cutoff=0.6)
    return f": did you mean {' or '.join(close)}?" if close else f"; {there_are} {', '.join(known)}"


def checked(owner: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Settings after a look at their names and their types, which are those of the defaults.

    Raises:
        UsageError: there is no such setting, or it cannot have such a value.
    """
    for name, value in given.items():
        if name not in defaults:
            raise UsageError(f"{owner} has no setting {name}{hint(name, defaults)}")
        if not _fits(value, defaults[name]):
            raise UsageError(f"{owner}: {name} cannot be {_text(value)}; by default it is {_text(defaults[name])}")
    return {
        name: tuple(value) if isinstance(value, list) and isinstance(defaults[name], tuple) else value
        for name, value in given.items()
    }


def command_line(words: Sequence[str]) -> str:
    """Words as they can be pasted into a shell."""
    return shlex.join(words)


def _fits(value: Any, default: Any) -> bool:
    if default is None:
        return True  # that is all that is known about it
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float)) and math.isfinite(value)
    if isinstance(default, tuple):
        kinds = (int, float, dict) if not default or isinstance(default[0], dict) else (int, float)
        return isinstance(value, (list, tuple)) and all(isinstance(v, kinds) and not isinstance(v, bool) for v in value)
    return isinstance(value, type(default))


def _parts(text: str) -> list[str]:
    """Split at the commas that are not within brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # TOML knows neither .5 nor 1.
    except ValueError:
        return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    return str(value)
