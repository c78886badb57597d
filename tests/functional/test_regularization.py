"""Dropout: what is dropped, what is kept, and when; penalties, by their formulas and the gradients that they add."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import DTypeError, ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.helper import variable


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_that_share(p):
    x = variable(np.ones(20_000))
    y = F.dropout(x, p)
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    assert (y.numpy() == 0).mean() == pytest.approx(p, abs=0.02)
    np.testing.assert_allclose(y.numpy()[y.numpy() != 0], 1 / (1 - p), rtol=1e-6)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())  # the same mask and scale on the way back


@pytest.mark.parametrize(
    ("f", "shape"),
    [(F.dropout1d, (40, 50, 3)), (F.dropout1d, (2000, 3)), (F.dropout2d, (40, 50, 2, 3)), (F.dropout2d, (2000, 2, 3))],
)
def test_dropout_of_channels_drops_whole_channels(f, shape):
    spatial = {F.dropout1d: 1, F.dropout2d: 2}[f]
    x = variable(np.ones(shape))
    y = f(x, 0.25)
    channels = y.numpy().reshape(2000, -1)
    np.testing.assert_array_equal(channels, np.broadcast_to(channels[:, :1], channels.shape))
    assert (channels[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.05)
    np.testing.assert_allclose(channels[channels != 0], 4 / 3, rtol=1e-6)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())
    assert y.ndim - spatial in (1, 2)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rng, p):
    x = Tensor(rng.normal(size=200_000))
    y = F.alpha_dropout(x, p, training=True).numpy()
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.var() == pytest.approx(1, abs=0.02)
    values, counts = np.unique(y, return_counts=True)
    assert counts.max() / y.size == pytest.approx(p, abs=0.01)  # what SELU gives at -infinity, scaled and shifted
    scale = ((1 - p) * (1 + p * 1.7580993408473766**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(-1.7580993408473766 * scale * (1 - p))


@pytest.mark.parametrize("f", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_dropout_repeats_with_its_generator_and_with_the_seed(f):
    x = Tensor(np.ones((50, 4, 2)))
    first = f(x, training=True, rng=np.random.default_rng(1)).numpy()
    np.testing.assert_array_equal(f(x, training=True, rng=np.random.default_rng(1)).numpy(), first)
    mg.seed(3)
    second = f(x, training=True).numpy()
    mg.seed(3)
    np.testing.assert_array_equal(f(x, training=True).numpy(), second)
    assert not np.array_equal(f(x, training=True).numpy(), second)


@pytest.mark.parametrize("f", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_dropout_changes_nothing_outside_of_training(f):
    x = Tensor(np.ones((3, 2, 2)))
    assert f(x, training=False) is x
    assert f(x, p=0.0, training=True) is x
    assert not f(x, p=1.0, training=True).numpy().any()
    for dtype in (np.float16, np.float32):
        assert f(Tensor(np.ones((3, 2, 2), dtype)), training=True).dtype == dtype
    with pytest.raises(UsageError, match=r"p must lie in \[0, 1\], got 1.5"):
        f(x, 1.5)


def test_dropout_of_channels_needs_channels():
    with pytest.raises(ShapeError, match=r"dropout2d: expected x \(N, C, H, W\) or \(C, H, W\), got shape \(3, 2\)"):
        F.dropout2d(Tensor(np.ones((3, 2))), training=True)
    with pytest.raises(ShapeError, match=r"dropout1d: expected x \(N, C, T\) or \(C, T\)"):
        F.dropout1d(Tensor(np.ones(3)), training=True)


@pytest.mark.parametrize("f", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_generator_does_not_stand_where_pytorch_has_inplace(f):
    with pytest.raises(TypeError, match="takes x, p, training, rng=; got 4 by position"):
        f(Tensor(np.ones((3, 2, 2))), 0.5, True, True)


@pytest.mark.parametrize("f", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_dropout_refuses_integers_which_cannot_be_scaled(f):
    numbers = Tensor(np.ones((3, 2, 2), np.int64))
    assert f(numbers, training=False) is numbers
    with pytest.raises(DTypeError, match=f"{f.__name__}: x .* floating, not int64: use .astype"):
        f(numbers, training=True)


def test_dropout_takes_lists():
    assert F.dropout([[1.0, 2.0]], 0.0).tolist() == [[1.0, 2.0]]


def test_penalties_add_what_lasso_and_ridge_add():
    for penalty, value, slopes in ((F.l1_penalty, 0.6, [0.1, -0.1, 0.0]), (F.l2_penalty, 0.85, [0.1, -0.4, 0.0])):
        w, b = variable([1.0, -4.0, 0.0]), variable([[1.0]])
        total = penalty([w, b], 0.1)
        total.backward()
        np.testing.assert_allclose(total.item(), value + (0.05 if penalty is F.l2_penalty else 0.0))
        np.testing.assert_allclose(w.grad.numpy(), slopes)
        np.testing.assert_allclose(b.grad.numpy(), [[0.1]])


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalty_takes_one_tensor_a_list_or_an_iterator(penalty):
    w = variable([1.0, -2.0], np.float32)
    assert penalty(w).item() == penalty([w]).item() == penalty(iter([w])).item()
    assert penalty(w, np.float64(0.5)).dtype == np.float32


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalty_refuses_a_used_iterator_and_a_negative_rate(penalty):
    used = iter([variable([1.0])])
    penalty(used)
    with pytest.raises(UsageError, match=r"there are no parameters; .* call parameters\(\) again"):
        penalty(used)
    with pytest.raises(UsageError, match="the rate must not be negative, got -1"):
        penalty(variable([1.0]), -1)
