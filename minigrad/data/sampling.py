"""Where the randomness of a loader comes from."""

import operator

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

from minigrad.errors import DataError


def stream(seed: int, *key: int) -> Generator:
    """The random numbers of one purpose: those of other keys are independent of them."""
    # Not default_rng((seed, *key)): a seed is padded with zeros, so (seed, epoch) and (seed, epoch, 0)
    # would be one stream, and the order of an epoch would be correlated with its first batch.
    return np.random.default_rng(SeedSequence(seed, spawn_key=key))


def probabilities(weights: ArrayLike, samples: int) -> NDArray[np.float64]:
    """Weights that sum to 1.

    Raises:
        DataError: there is not one for each sample, or one is negative or not finite, or all are 0.
    """
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (samples,) or not np.all(np.isfinite(array) & (array >= 0)) or not array.any():
        raise DataError(
            f"DataLoader: weights must be one number of at least 0 for each of the {samples} samples, not all 0, "
            f"got shape {array.shape}. Use 1 / np.bincount(labels)[labels] for classes equally often."
        )
    normalized: NDArray[np.float64] = array / array.sum()
    return normalized


def checked_integer(name: str, value: int, at_least: int, fix: str) -> int:
    """An argument of the loader as an integer.

    Args:
        name: what messages call it.
        value: the argument.
        at_least: the smallest that is allowed.
        fix: what to do about another, for the message.

    Raises:
        DataError: it is no integer, or smaller.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        raise DataError(f"DataLoader: {name} must be an integer of at least {at_least}, got {value!r}. {fix}")
    return number
