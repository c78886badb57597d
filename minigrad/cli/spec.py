"""`Spec`: something chosen by name, with settings, such as `sgd:momentum=0.9`; and how such a text is read."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from minigrad.typing import Settings


@dataclass(frozen=True)
class Spec:
    """A name with settings: an optimizer, a schedule, a loss, data, or the motions of an augmentation.

    Attributes:
        name: of what is chosen; "" (default) for settings of what is chosen already.
        settings: by name; lists in them are tuples.
    """

    name: str = ""
    settings: Settings = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name, perhaps with settings after a colon.

        Raises:
            argparse.ArgumentTypeError: the settings cannot be read.

        >>> Spec.parse("adam:betas=[0.9, 0.99],amsgrad=true")
        Spec(name='adam', settings={'betas': (0.9, 0.99), 'amsgrad': True})
        >>> Spec.parse("net:MyLoss")
        Spec(name='net:MyLoss', settings={})
        """
        name, colon, settings = text.rpartition(":")
        return cls(name, parse_settings(settings)) if colon and "=" in settings else cls(text)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read a table of a TOML or JSON file: the name under "name", if there is one, beside the settings.

        >>> Spec.from_table({"name": "sgd", "lr": 0.1})
        Spec(name='sgd', settings={'lr': 0.1})
        """
        settings = {key: as_tuples(value) for key, value in table.items() if key != "name"}
        return cls(str(table.get("name", "")), settings)

    def to_table(self) -> Settings:
        """What `from_table` reads."""
        return {**({"name": self.name} if self.name else {}), **self.settings}

    def __str__(self) -> str:
        """What `parse` reads, or `parse_settings` where there is no name.

        >>> str(Spec("sgd", {"lr": 0.1, "nesterov": True}))
        'sgd:lr=0.1,nesterov=true'
        """
        settings = ",".join(f"{key}={value_text(value)}" for key, value in self.settings.items())
        return ":".join(filter(None, [self.name, settings]))

    def over(self, base: Spec) -> Spec:
        """Put this over a base: of the same thing, the settings that are given here replace the base's.

        >>> str(Spec("", {"lr": 0.2}).over(Spec("sgd", {"lr": 0.1, "momentum": 0.9})))
        'sgd:lr=0.2,momentum=0.9'
        >>> str(Spec("adam").over(Spec("sgd", {"lr": 0.1})))
        'adam'
        """
        return Spec(base.name, {**base.settings, **self.settings}) if self.name in ("", base.name) else self


def parse_settings(text: str) -> Settings:
    """Parse settings with commas between them. Values are those of TOML; what is none stands for itself.

    Raises:
        argparse.ArgumentTypeError: a part has no name or no value, or a name stands twice.

    >>> parse_settings("degrees=10,scale=[0.9, 1.1],mode=max")
    {'degrees': 10, 'scale': (0.9, 1.1), 'mode': 'max'}
    """
    found: Settings = {}
    for part in _parts(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not key.isidentifier() or not equals or not value:
            raise argparse.ArgumentTypeError(f"must be settings such as momentum=0.9, got {part.strip()!r}")
        if key in found or key == "name":
            raise argparse.ArgumentTypeError(f"{key} is given twice, in {text!r}")
        found[key] = as_tuples(_parse_value(value))
    return found


def value_text(value: object) -> str:
    """Write one value as `parse_settings` reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)


def as_tuples(value: object) -> object:
    """Turn lists, which TOML and JSON give, into tuples, which functions take; also those within lists.

    >>> as_tuples([1, [2, 3]])
    (1, (2, 3))
    """
    return tuple(map(as_tuples, value)) if isinstance(value, (list, tuple)) else value


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


def _parse_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # TOML knows neither .5 nor 1.
    except ValueError:
        return text
