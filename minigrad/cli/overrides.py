"""Overrides of a model's recipe, read from a configuration file and from options."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from minigrad.cli.parsing import hint, integer, positive
from minigrad.cli.registries import NO_AUGMENTATION, REGISTRIES
from minigrad.cli.spec import Spec, parse_settings
from minigrad.config import available_threads
from minigrad.errors import UsageError

Overrides = dict[str, Any]  # a setting's value has the type of the field of `TrainingSettings` with its name
"""What is asked for, by the keys of a configuration file."""


def augmentation(text: str) -> Spec:
    """Parse random motions: "none", or settings such as degrees=10,translate=0.1.

    Raises:
        argparse.ArgumentTypeError: the settings cannot be read.
    """
    return Spec("", dict(NO_AUGMENTATION) if text == "none" else parse_settings(text))


def truth(text: str) -> bool:
    """Parse "true" or "false".

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"true or false, not {text!r}")
    return text.lower() == "true"


PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "model": str,
    "data": Spec.parse,
    "loss": Spec.parse,
    "optimizer": Spec.parse,
    "schedule": Spec.parse,
    "augment": augmentation,
    "epochs": integer(1),
    "batch_size": integer(1),
    "lr": positive,
    "accumulate": integer(1),
    "clip_norm": positive,
    "compile": truth,
    "workers": integer(0),
    "seed": integer(0),
    "threads": integer(1, available_threads()),
    "weights": str,
    "out": str,
}
"""By the keys of a configuration file, what reads the text of an option: `--batch-size` is `batch_size`."""


def read_overrides(arguments: argparse.Namespace) -> list[Overrides]:
    """What the configuration file asks for, and what the options ask for, the stronger last.

    Args:
        arguments: those of the command.

    Raises:
        UsageError: the file cannot be read, or something in it is not known or not possible.
    """
    options = {key: value for key in PARSERS if (value := getattr(arguments, key, None)) is not None}
    if getattr(arguments, "skip_broken", False):
        options["data"] = Spec("", {"skip_broken": True}).over(options.get("data", Spec()))
    path = getattr(arguments, "config", None)
    return [_with_rate(given) for given in ([] if path is None else [read_config(path)]) + [options]]


def last(overrides: Sequence[Overrides], key: str) -> Any:
    """The strongest value of a key; None if no one asks for it."""
    return next((given[key] for given in reversed(overrides) if key in given), None)


def read_config(path: str) -> Overrides:
    """Read a TOML file. A value is what an option of that name takes, or a table of settings.

    Args:
        path: that of the file.

    Raises:
        UsageError: it cannot be read, or something in it is not known or not possible.
    """
    return {key: _parsed(path, key, value) for key, value in read_toml(path).items()}


def read_toml(path: str) -> dict[str, Any]:
    """The tables and values of a TOML file.

    Args:
        path: that of the file.

    Raises:
        UsageError: it cannot be read, or is no TOML file.
    """
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}") from error


def _parsed(path: str, key: str, value: object) -> object:
    if key not in PARSERS:
        raise UsageError(f"{path} has the key {key}, which is not known{hint(key, PARSERS)}")
    if key in REGISTRIES and isinstance(value, dict):
        if not isinstance(value.get("name", ""), str):
            raise UsageError(f"{path}: {key}.name must be a text, got {value['name']!r}")
        return Spec.from_table(value)
    text_only = PARSERS[key] is str or key in REGISTRIES
    if isinstance(value, (dict, list)) or (text_only and not isinstance(value, str)):
        raise UsageError(f"{path}: {key} cannot be {value!r}")
    try:
        return PARSERS[key](str(value))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{path}: {key} {error}") from error


def _with_rate(given: Overrides) -> Overrides:
    """Move `lr` to the optimizer's settings, where it belongs."""
    if "lr" not in given:
        return given
    others = {key: value for key, value in given.items() if key != "lr"}
    return {**others, "optimizer": Spec("", {"lr": given["lr"]}).over(given.get("optimizer", Spec()))}
