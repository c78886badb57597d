"""Time steps of recurrent layers: the compiled kernels against their definitions."""

import numpy as np
import pytest

from minigrad.kernels import recurrence
from minigrad.kernels.jit import numpy_only
from tests.kernels.compiled import compiled_kernels

fast = compiled_kernels("recurrence_numba")

WIDTHS = {"lstm_step": (4, 4, 1, 1, 1), "lstm_step_back": (4, 4, 1, 1, 1, 1), "gru_step": (3, 3, 1, 1),
          "gru_step_back": (3, 3, 3, 1, 1, 1)}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", WIDTHS)
def test_compiled_steps_equal_their_definitions(name, dtype):
    rng = np.random.default_rng(0)
    plain = [rng.uniform(-3, 3, size=(7, 33 * width)).astype(dtype) for width in WIDTHS[name]]
    compiled = [x.copy() for x in plain]
    with numpy_only():
        getattr(recurrence, name)(*plain)
    assert getattr(fast, name)(*compiled) is not NotImplemented
    for found, expected in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=64 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)
    assert getattr(fast, name)(*[x[:, ::2] for x in compiled]) is NotImplemented
