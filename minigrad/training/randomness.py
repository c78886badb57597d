"""All generators that a training draws from, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.random import Generator

from minigrad import rng
from minigrad.errors import StateError
from minigrad.nn import Module

DEFAULT = "default"


def generators(model: Module) -> dict[str, Generator]:
    """The default generator, and those that modules have as attributes, by path; one that is shared comes once."""
    found = {DEFAULT: rng.default_rng()}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Generator) and all(value is not known for known in found.values()):
                found[f"model.{path}.{name}" if path else f"model.{name}"] = value
    return found


def random_state(found: Mapping[str, Generator]) -> dict[str, Any]:
    """Where generators stand, as numbers, texts and arrays."""
    return {name: generator.bit_generator.state for name, generator in found.items()}


def set_random_state(found: Mapping[str, Generator], state: Mapping[str, Any]) -> None:
    """Put generators back where they stood: the same objects, which others may share.

    Raises:
        StateError: the state is that of other generators.
    """
    if found.keys() != state.keys():
        raise StateError(
            f"the random generators here are {', '.join(sorted(found))}, and in the state {', '.join(sorted(state))}"
        )
    kinds = {name: type(generator.bit_generator).__name__ for name, generator in found.items()}
    for name, kind in kinds.items():
        saved = state[name].get("bit_generator") if isinstance(state[name], Mapping) else None
        if saved != kind:
            raise StateError(f"the random generator {name} is a {kind} here, and a {saved} in the state")
    for name, generator in found.items():
        generator.bit_generator.state = state[name]
