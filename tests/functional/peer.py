"""Our functions beside PyTorch's: equal values and gradients, in both usual dtypes."""

import math

import numpy as np

from tests.helper import variable


def assert_equal(torch, ours, theirs, arrays, rtol=1e-10, single=2e-5):
    """Values and gradients of two functions of Tensors agree in float64 and float32 (to `rtol` and `single`)."""
    for dtype, precision in ((np.float64, rtol), (np.float32, single)):
        mine = [variable(a, dtype) for a in arrays]
        other = [torch.tensor(np.asarray(a, dtype), requires_grad=True) for a in arrays]
        out, expected = ours(*mine), theirs(*other)
        assert out.dtype == dtype
        np.testing.assert_allclose(out.numpy(), expected.detach().numpy(), rtol=precision, atol=precision / 10)
        g = np.linspace(-1, 2, out.size).reshape(out.shape).astype(dtype)
        out.backward(g)
        expected.backward(torch.tensor(g))
        for x, y in zip(mine, other, strict=True):
            assert x.grad.dtype == dtype
            np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=precision, atol=precision / 10)


def for_sequences(settings, *without):
    """The same settings for sequences: what is for the width."""
    kept = {name: value for name, value in settings.items() if name not in without}
    return {name: value[1] if isinstance(value, tuple) else value for name, value in kept.items()}


def distinct(rng, *shape):
    """Numbers no two of which are equal."""
    return rng.permutation(math.prod(shape)).reshape(shape) / 7.0
