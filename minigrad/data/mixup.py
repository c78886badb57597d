"""Mixup, and what transforms of a whole batch are called with: inputs and targets together."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from minigrad.data.collation import Arrays
from minigrad.errors import DataError
from minigrad.typing import Array


class BatchTransform(Protocol):
    """A function of all arrays of a batch that returns new ones and leaves its input as it was."""

    def __call__(self, arrays: Arrays, rng: Generator, /) -> Arrays:
        """Transform `arrays`, of one common first length N, drawing all randomness from `rng`."""
        ...


@dataclass(frozen=True)
class Mixup:
    """Average each sample with another of its batch, the target likewise.

    `out[n] = s[n] * x[n] + (1 - s[n]) * x[p[n]]` for the inputs and for the targets, with p a random permutation of
    the batch and s[n] from Beta(alpha, alpha). A class number counts as the distribution that is sure of it, and the
    loss must take distributions, as `cross_entropy` does.

    Args:
        alpha: how evenly samples are mixed: near 0 hardly at all, 1 in all proportions alike; above 0 (default 0.2).
        classes: D, the number of classes, if the targets are class numbers (N,): they become (N, D) in the inputs'
            dtype (default None: the targets are numbers to be averaged).

    Raises:
        DataError: `alpha` is not positive, a batch has not exactly two arrays, its inputs are not floating-point, or
            its targets are no classes below D.

    Source: H. Zhang et al., "mixup: Beyond empirical risk minimization", 2018, with a share for each sample instead
    of one for the batch.
    """

    alpha: float = 0.2
    classes: int | None = None

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise DataError(f"Mixup: alpha must be positive, got {self.alpha}. Leave the mixing out for none.")

    def __call__(self, arrays: Arrays, rng: Generator) -> Arrays:
        """Mix `(inputs, targets)` by shares drawn from `rng`."""
        inputs, targets = self._check(arrays)
        other = rng.permutation(len(inputs))
        share = rng.beta(self.alpha, self.alpha, len(inputs)).astype(inputs.dtype)

        def mixed(x: Array) -> Array:
            s = share.reshape(-1, *[1] * (x.ndim - 1))
            result: Array = s * x + (1 - s) * x[other]
            return result.astype(x.dtype, copy=False)

        return mixed(inputs), mixed(targets)

    def _check(self, arrays: Arrays) -> Arrays:
        if not isinstance(arrays, (tuple, list)):
            raise DataError(
                f"Mixup: changes inputs and targets together, and got the inputs alone. Use batch_transform={self!r} "
                "of the DataLoader, in place of transform=."
            )
        if len(arrays) != 2:
            raise DataError(f"Mixup: needs batches of inputs and targets, got {len(arrays)} arrays.")
        inputs, targets = arrays
        if self.classes is not None:
            targets = self._distributions(targets, self.classes, inputs.dtype)
        for name, array in (("inputs", inputs), ("targets", targets)):
            if not np.issubdtype(array.dtype, np.floating):
                fix = "classes=10, say, for class numbers" if name == "targets" else "images.astype(np.float32) / 255"
                raise DataError(f"Mixup: needs floating-point {name} to average, got {array.dtype}. Use {fix}.")
        return inputs, targets

    def _distributions(self, labels: Array, classes: int, dtype: np.dtype[Any]) -> Array:
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or np.any((labels < 0) | (labels >= classes)):
            raise DataError(
                f"Mixup: with classes={classes} the targets must be class numbers (N,) from 0 to "
                f"{classes - 1}, got {labels.dtype} {labels.shape}."
            )
        one_hot: Array = np.eye(classes, dtype=dtype)[labels]
        return one_hot
