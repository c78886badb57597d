"""What the user asks for, from a configuration file and from options, in one form: a `Wish` for each key."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from minigrad.cli.value import hint, integer, positive, settings, spec
from minigrad.config import available_threads
from minigrad.errors import UsageError

NUMBERS: Final[dict[str, Callable[[str], Any]]] = {
    "epochs": integer(1),
    "batch_size": integer(1),
    "lr": positive,
    "accumulate": integer(1),
    "clip_norm": positive,
    "seed": integer(0),
    "threads": integer(1, available_threads()),
}
SPECS: Final = ("data", "loss", "optimizer", "schedule", "augment")
TEXTS: Final = ("model", "weights", "out")
KEYS: Final = (*TEXTS[:1], *SPECS, *NUMBERS, *TEXTS[1:])
"""The keys of a configuration file, and the options that set something: `--batch-size` is `batch_size`."""

Wishes = dict[str, Any]
"""By key. What is chosen by name is a dict with "name", or without it if only settings are given."""

STILL: Final = {"degrees": 0.0, "translate": 0.0, "scale": (1.0, 1.0)}
"""The augmentation that changes nothing."""


def augmentation(text: str) -> dict[str, Any]:
    """Random motions: "none", or settings such as degrees=10,translate=0.1."""
    return dict(STILL) if text == "none" else settings(text)


def known(text: str) -> dict[str, Any]:
    """A name with settings, of what users cannot bring along."""
    if ":" in text and "=" not in text.rpartition(":")[2]:
        raise argparse.ArgumentTypeError(f"must be a name, perhaps with settings (sgd:momentum=0.9), got {text!r}")
    return spec(text)


def wishes_of(arguments: argparse.Namespace) -> list[Wishes]:
    """What the configuration file asks for, and what the options ask for, the stronger last.

    Raises:
        UsageError: the file cannot be read, or something in it is not known or not possible.
    """
    options = {key: value for key in KEYS if (value := getattr(arguments, key, None)) is not None}
    found = [_with_rate(options)]
    if getattr(arguments, "config", None) is not None:
        found.insert(0, _with_rate(read_config(arguments.config)))
    return found


def read_config(path: str) -> Wishes:
    """The wishes in a TOML file. A value is what an option of that name takes, or a table of settings.

    Raises:
        UsageError: it cannot be read, or something in it is not known or not possible.
    """
    try:
        found = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}") from error
    return {key: _parsed(path, key, value) for key, value in found.items()}


def _parsed(path: str, key: str, value: Any) -> Any:
    if key not in KEYS:
        raise UsageError(f"{path} has the key {key}, which is not known{hint(key, KEYS)}")
    if key in SPECS and isinstance(value, dict):
        if not isinstance(value.get("name", ""), str):
            raise UsageError(f"{path}: {key}.name must be a text, got {value['name']!r}")
        return value
    if isinstance(value, (dict, list)) or (key not in NUMBERS and not isinstance(value, str)):
        raise UsageError(f"{path}: {key} cannot be {value!r}")
    try:
        return parser_of(key)(str(value))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{path}: {key} {error}") from error


def parser_of(key: str) -> Callable[[str], Any]:
    """What reads the text of an option."""
    if key in NUMBERS:
        return NUMBERS[key]
    return {"augment": augmentation, "optimizer": known, "schedule": known}.get(key, spec if key in SPECS else str)


def _with_rate(wishes: Wishes) -> Wishes:
    """With `lr` among the optimizer's settings, where it belongs."""
    wishes = dict(wishes)
    if "lr" in wishes:
        wishes["optimizer"] = {**wishes.get("optimizer", {}), "lr": wishes.pop("lr")}
    return wishes
