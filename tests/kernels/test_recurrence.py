"""Time steps of recurrent layers: the compiled kernels against their definitions; one walk back for all rules."""

import gc

import numpy as np
import pytest

from minigrad.kernels import recurrence
from minigrad.kernels.jit import numpy_only
from minigrad.kernels.shared_pass import SharedPass

fast = pytest.importorskip("minigrad.kernels.recurrence_numba")

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


def test_one_pass_serves_all_rules_and_is_forgotten_with_its_first_result():
    calls = []
    shared = SharedPass(lambda x, y, *, factor: (calls.append(factor), (x * factor, x + y))[1])
    x, y = np.ones(2), np.ones(2)
    first = shared("x", x, y, factor=2)[0]
    assert shared("y", x, y, factor=2)[0] is first
    assert calls == [2]
    shared("y", x, y, factor=2)  # asks again: perhaps the arrays have been written to
    assert calls == [2, 2]
    shared("y", x, y, factor=3)
    shared("y", x.copy(), y, factor=3)
    assert calls == [2, 2, 3, 3]
    kept = shared("x", x, y, factor=4)[0]
    shared("y", x, y, factor=4)
    del kept
    gc.collect()
    shared("z", x, y, factor=4)
    assert calls == [2, 2, 3, 3, 4, 4]
