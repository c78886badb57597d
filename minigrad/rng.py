"""The default random generator, which everything random draws from unless it is given one as `rng=`."""

from __future__ import annotations

import numpy as np

from minigrad.typing import StateDict

_default = np.random.default_rng()
_seeded = 0


def seed(n: int) -> None:
    """Seed the default generator: the same seed gives the same weights, dropout masks and draws.

    Args:
        n: an integer of at least 0.

    Raises:
        ValueError: n is negative.

    >>> import minigrad as mg
    >>> mg.seed(0)
    >>> first = mg.rand(3)
    >>> mg.seed(0)
    >>> mg.rand(3).tolist() == first.tolist()
    True
    """
    global _default, _seeded
    _default = np.random.default_rng(n)
    _seeded += 1


def default_rng() -> np.random.Generator:
    """The default generator. `seed` and `set_rng_state` replace it, so ask for it again at each use."""
    return _default


def times_seeded() -> int:
    """How often `seed` was called."""
    return _seeded


def rng_state() -> StateDict:
    """The default generator's state, as numbers, texts and dicts of them."""
    return dict(_default.bit_generator.state)


def set_rng_state(state: StateDict) -> None:
    """Restore the default generator's state.

    Args:
        state: as `rng_state` returned it.

    Raises:
        ValueError: it is no state of NumPy's default generator.
    """
    generator = np.random.default_rng()
    generator.bit_generator.state = state
    global _default
    _default = generator
