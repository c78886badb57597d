"""What a row of example inputs is."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One call of an op: shapes or values for its inputs, and settings."""

    inputs: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)


def cases(*inputs: tuple[Any, ...], **settings: Any) -> list[Case]:
    return [Case(i, settings) for i in inputs]
