"""Worked examples from textbooks: sizes, 2x2 pooling, activations, and the axes of the normalizations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from tests.helper import variable

N, C, H, W = 4, 3, 5, 6


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 3), st.integers(1, 4))
def test_output_size_is_the_formula_rounded_down(i, k, p, s):
    if i + 2 * p < k:
        return
    x = Tensor(np.zeros((1, 1, i, i)))
    size = (i + 2 * p - k) // s + 1
    assert F.conv2d(x, np.zeros((1, 1, k, k)), stride=s, padding=p).shape == (1, 1, size, size)
    if 2 * p <= k:
        assert F.max_pool2d(x, k, s, p).shape == (1, 1, size, size)


def test_larger_stride_makes_less_and_padding_more():
    x, w = Tensor(np.zeros((1, 1, 9, 9))), np.zeros((1, 1, 3, 3))
    sizes = [F.conv2d(x, w, stride=s, padding=p).shape[2] for s, p in [(3, 0), (2, 0), (1, 0), (1, 1), (1, 2)]]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 5


def test_largest_value_of_each_2x2_region():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 0, 0] = 99
    assert F.max_pool2d(Tensor(x), 2).tolist() == [[[[99, 7], [13, 15]]]]


@given(st.floats(-30, 30))
def test_activations_are_their_formulas(x):
    t = Tensor(np.array(x))
    assert mg.relu(t).item() == max(0, x)
    assert mg.sigmoid(t).item() == pytest.approx(1 / (1 + np.exp(-x)), rel=1e-12)
    assert mg.tanh(t).item() == pytest.approx((np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("axes", "statistics"),
    [((0, 2, 3), (1, C, 1, 1)), ((1, 2, 3), (N, 1, 1, 1)), ((2, 3), (N, C, 1, 1))],
    ids=["batch: for each C", "layer: for each N", "instance: for each N and C"],
)
def test_normalization_leaves_mean_0_and_variance_1_over_its_axes(rng, axes, statistics):
    x = variable(
        rng.normal(2, 3, (N, C, H, W)) * np.arange(1, N + 1).reshape(N, 1, 1, 1) + np.arange(C).reshape(1, C, 1, 1)
    )
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    assert mean.shape == variance.shape == statistics
    y = (x - mean) / mg.sqrt(variance)
    np.testing.assert_allclose(y.numpy().mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(y.numpy().var(axis=axes), 1, rtol=1e-12)
    others = [i for i in range(4) if i not in axes]
    assert not np.allclose(y.numpy().mean(axis=tuple(others)), 0, atol=1e-3)  # and over no others
    # What normalization takes out, a shift and a scale, gets no gradient.
    (y * rng.normal(size=y.shape)).sum().backward()
    gradient = x.grad.numpy()
    np.testing.assert_allclose(gradient.sum(axis=axes), 0, atol=1e-11)
    np.testing.assert_allclose((gradient * x.numpy()).sum(axis=axes), 0, atol=1e-10)
