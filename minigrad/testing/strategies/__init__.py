"""Hypothesis strategies: arrays and Tensors, their shapes, dtypes, memory layouts and axes, and settings of windows."""

from minigrad.testing.strategies.array_strategies import (
    arrays,
    axes,
    broadcastable_shapes,
    dtypes,
    fitting_shapes,
    integers_in,
    layouts,
    masks,
    shapes,
    tensors,
    windows,
)
from minigrad.testing.strategies.number_strategies import numbers
from minigrad.testing.strategies.seeded_arrays import seeded

__all__ = [
    "arrays", "axes", "broadcastable_shapes", "dtypes", "fitting_shapes", "integers_in", "layouts", "masks",
    "numbers", "seeded", "shapes", "tensors", "windows",
]  # fmt: skip
