"""The random generators that a training run draws from, and their states."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.random import Generator

from minigrad import rng
from minigrad.errors import StateError
from minigrad.nn import Module
from minigrad.typing import StateDict

DEFAULT = "default"


def find_generators(model: Module) -> dict[str, Generator]:
    """The default generator, and those that modules have as attributes, by path; one that is shared comes once."""
    generators = {DEFAULT: rng.default_rng()}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Generator) and all(value is not known for known in generators.values()):
                generators[f"model.{path}.{name}" if path else f"model.{name}"] = value
    return generators


def random_state(generators: Mapping[str, Generator]) -> StateDict:
    """The states of generators, by their names: numbers, texts and arrays."""
    return {name: generator.bit_generator.state for name, generator in generators.items()}


def set_random_state(generators: Mapping[str, Generator], state: StateDict) -> None:
    """Restore the states of generators: the objects stay the same, for others may share them.

    Args:
        generators: as `find_generators` found them.
        state: as `random_state` returned it.

    Raises:
        StateError: the state is that of other generators; nothing has been changed.
    """
    if generators.keys() != state.keys():
        raise StateError(
            f"the random generators here are {', '.join(sorted(generators))}, and in the state "
            f"{', '.join(sorted(state))}"
        )
    kinds = {name: type(generator.bit_generator).__name__ for name, generator in generators.items()}
    for name, kind in kinds.items():
        saved = state[name].get("bit_generator") if isinstance(state[name], Mapping) else None
        if saved != kind:
            raise StateError(f"the random generator {name} is a {kind} here, and a {saved} in the state")
    for name, generator in generators.items():
        generator.bit_generator.state = state[name]
