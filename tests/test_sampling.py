"""Random draws: their ranges, their frequencies, the shapes they take, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError
from tests.helper import variable


def rng():
    return np.random.default_rng(5)


def assert_frequencies(drawn, expected):
    """Counts within five standard deviations of the binomial distribution."""
    n, p = drawn.size, np.asarray(expected, float) / np.sum(expected)
    counts = np.bincount(drawn.ravel(), minlength=len(p))
    assert len(counts) == len(p)
    assert (abs(counts - n * p) <= 5 * np.sqrt(n * p * (1 - p))).all()


def test_draws_like_another_array_take_its_shape_and_dtype():
    x = Tensor(np.zeros((2, 3), np.float64))
    for draw in (mg.rand_like, mg.randn_like):
        assert (draw(x).shape, draw(x).dtype) == ((2, 3), np.float64)
        assert draw(np.zeros(4, int)).dtype == np.float32
        assert draw(x, np.float32).dtype == np.float32
        assert draw(x, rng=rng()).tolist() == draw(x, rng=rng()).tolist()
    assert ((mg.rand_like(x).numpy() >= 0) & (mg.rand_like(x).numpy() < 1)).all()


def test_integers_are_equally_likely():
    assert_frequencies(mg.randint(5, (4000,), rng=rng()).numpy(), np.ones(5))
    drawn = mg.randint(-2, 3, (40, 50), rng=rng())
    assert (drawn.shape, drawn.dtype, drawn.numpy().min(), drawn.numpy().max()) == ((40, 50), np.int64, -2, 2)
    assert mg.randint(3, 2).shape == (2,)
    with pytest.raises(UsageError, match="no integer from 3 up to, and without, 3"):
        mg.randint(3, 3, (2,))
    with pytest.raises(UsageError, match="integers and sizes"):
        mg.randint(0.5, 3, (2,))


def test_permutations_are_equally_likely():
    source = rng()
    found = np.array([mg.randperm(3, rng=source).tolist() for _ in range(1200)])
    assert (np.sort(found, -1) == [0, 1, 2]).all()
    assert_frequencies(found[:, 0] * 2 + (found[:, 1] > found[:, 2]), np.ones(6))
    assert mg.randperm(0).shape == (0,)
    with pytest.raises(UsageError, match="at least 0"):
        mg.randperm(-1)


def test_normal_draws_have_their_moments_and_are_differentiable_in_them():
    mean, std = variable([[1.0], [-2.0]]), variable([0.5, 3.0])
    drawn = mg.normal(mean, std, rng=rng())
    drawn.sum().backward()
    noise = (drawn.numpy() - mean.numpy()) / std.numpy()
    np.testing.assert_allclose(std.grad.numpy(), noise.sum(0))
    np.testing.assert_allclose(mean.grad.numpy(), [[2.0], [2.0]])
    many = mg.normal(3.0, 0.5, (10_000,), rng=rng()).numpy()
    assert abs(many.mean() - 3) < 0.03
    assert abs(many.std() - 0.5) < 0.03
    with pytest.raises(UsageError, match=r"std must be at least 0, and one is -1\.0"):
        mg.normal(0.0, [1.0, -1.0])
    with pytest.raises(ShapeError, match="which is not"):
        mg.normal([0.0, 1.0], 1.0, (3, 1))


def test_coins_fall_as_often_as_they_should():
    p = np.repeat([0.0, 0.2, 1.0], 2000)
    drawn = mg.bernoulli(p, rng=rng()).numpy().reshape(3, -1)
    assert (drawn[0] == 0).all()
    assert (drawn[2] == 1).all()
    assert_frequencies(drawn[1].astype(int), [0.8, 0.2])
    assert not mg.bernoulli(variable([0.5])).requires_grad
    for wrong in (1.5, -0.1, np.nan):
        with pytest.raises(UsageError, match=r"must be in \[0, 1\]"):
            mg.bernoulli([0.5, wrong])


@pytest.mark.parametrize("weights", [[1.0, 2.0, 0.0, 5.0], [1e-300, 2e-300, 0.0, 5e-300], [1e308, 2e308, 0.0, 5e308]])
def test_categories_are_as_likely_as_their_weights(weights):
    with np.errstate(over="raise"):
        weights = np.minimum(weights, np.finfo(float).max)
        drawn = mg.multinomial(np.tile(weights, (3, 1)), 2000, replacement=True, rng=rng())
    assert drawn.shape == (3, 2000)
    assert_frequencies(drawn.numpy(), weights / np.max(weights))


def test_categories_without_replacement_are_drawn_one_after_another():
    weights = np.array([1.0, 2.0, 0.0, 5.0])
    drawn = mg.multinomial(np.tile(weights, (3000, 1)), 2, rng=rng()).numpy()
    assert (drawn[:, 0] != drawn[:, 1]).all()
    assert_frequencies(drawn[:, 0], weights)
    assert_frequencies(drawn[drawn[:, 0] == 3, 1], [1.0, 2.0])


def test_weights_that_cannot_be_drawn_from_are_told():
    for weights, message in [
        ([1.0, -1.0], "finite and at least 0, and one is -1"),
        ([1.0, np.nan], "finite and at least 0, and one is nan"),
        ([0.0, 0.0], "a row has 0 weights above 0, and one is needed"),
    ]:
        with pytest.raises(UsageError, match=message):
            mg.multinomial(weights, 1, replacement=True)
    with pytest.raises(UsageError, match="a row has 1 weights above 0, and 2 are to be drawn without replacement"):
        mg.multinomial([[1.0, 2.0], [0.0, 1.0]], 2)
    with pytest.raises(UsageError, match="at least 1"):
        mg.multinomial([1.0], 0)
    with pytest.raises(ShapeError, match=r"weights are \(C\) or \(N, C\)"):
        mg.multinomial(np.ones((1, 1, 1)), 1)


def test_compiled_functions_draw_anew():
    p = mg.Tensor(np.full(50, 0.5))

    @mg.compile
    def draws():
        return mg.bernoulli(p), mg.randint(1000, (50,)), mg.multinomial(p, 20), mg.randperm(50)

    rounds = [[x.tolist() for x in draws()] for _ in range(4)]
    for k in range(4):
        assert len({tuple(found[k]) for found in rounds}) == 4
