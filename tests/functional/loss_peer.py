"""Losses beside PyTorch's, in values and gradients; and the class numbers that several test files draw."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from tests.functional.peer import assert_equal

REDUCTIONS = ["mean", "sum", "none"]
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
WEIGHT = np.array([0.5, 2.0, 0.0, 1.5])


def against_pytorch(torch, name, arrays, constants=(), rtol=1e-10, **settings):
    """`arrays` are differentiated, `constants` follow them; floating constants and weights are in their dtype."""

    def tensor(value, dtype):
        array = value.numpy() if isinstance(value, Tensor) else np.asarray(value)
        return torch.tensor(array.astype(dtype) if array.dtype.kind == "f" else array)

    def theirs(*xs):
        dtype = xs[0].detach().numpy().dtype
        more = {k: tensor(v, dtype) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
        return getattr(torch.nn.functional, name)(*xs, *[tensor(c, dtype) for c in constants], **more)

    def ours(*xs):
        return getattr(F, name)(*xs, *[in_dtype(c, xs[0].dtype) for c in constants], **settings)

    def in_dtype(value, dtype):
        return value.astype(dtype) if value.dtype.kind == "f" else value

    assert_equal(torch, ours, theirs, arrays, rtol)


def classes(rng, shape, ignored=None):
    axis = min(1, len(shape) - 1)
    target = rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    if ignored is not None:
        target = np.where(rng.random(target.shape) < 0.3, ignored, target)
    return np.asarray(target)
