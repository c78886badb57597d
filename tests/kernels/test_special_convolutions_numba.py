"""The ways to convolve that are for some sizes only: who takes a call, and that the others are asked once."""

from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from minigrad.kernels import conv, conv_input, conv_weight, jit
from tests.kernels.compiled import compiled_kernels

special = compiled_kernels("special_convolutions_numba")
WHERE = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


@pytest.mark.parametrize("outs", [6, 16])
def test_large_convolutions_equal_their_definitions(outs):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(8, 6, 20, 20)), rng.normal(size=(outs, 6, 5, 5))
    g = rng.normal(size=(8, outs, 16, 16))

    def three():
        return (
            conv(x, w, None, **WHERE),
            conv_input(g, w, shape=x.shape, **WHERE),
            conv_weight(x, g, shape=w.shape, **WHERE),
        )

    with jit.numpy_only():
        expected = three()
    for _ in range(2):
        for result, defined in zip(three(), expected, strict=True):
            np.testing.assert_allclose(result, defined, rtol=1e-9, atol=1e-9)


def test_who_was_asked_in_vain_is_not_asked_again():
    asked = []

    def way(name, answer):
        def kernel(x, y, **where):
            asked.append(name)
            return answer

        return SimpleNamespace(conv_input=kernel)

    x = np.zeros((1, 1, 2, 2))
    special._ways.cache_clear()
    with mock.patch.object(special, "WAYS", (way("first", NotImplemented), way("second", x), way("third", None))):
        for _ in range(3):
            assert special.first_of("conv_input", (7, 7), (x, x), WHERE, shape=(7, 7)) is x
    special._ways.cache_clear()
    assert asked == ["first", "second", "second", "second"]
