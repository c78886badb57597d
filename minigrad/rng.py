"""The default random generator. Whatever is random takes `rng=`; without it, it draws from here."""

from __future__ import annotations

from typing import Any

import numpy as np

_default = np.random.default_rng()


def seed(n: int) -> None:
    """Start the default generator anew: the same seed gives the same weights, dropout masks and draws."""
    global _default
    _default = np.random.default_rng(n)


def default_rng() -> np.random.Generator:
    """The default generator."""
    return _default


def rng_state() -> dict[str, Any]:
    """The default generator's state, as plain numbers and strings."""
    return dict(_default.bit_generator.state)


def set_rng_state(state: dict[str, Any]) -> None:
    """Put the default generator back where `rng_state` found it."""
    generator = np.random.default_rng()
    generator.bit_generator.state = state
    global _default
    _default = generator
