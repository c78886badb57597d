"""Softmax, softmin and log_softmax: against PyTorch, with temperatures, and far out."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable


@pytest.mark.peer
@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_equals_pytorch(torch, rng, name, dim):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    assert_equal(torch, lambda x: ours(x, dim), lambda x: theirs(x, dim), [rng.normal(size=(3, 4, 2)) * 5])


def test_softmax_is_positive_and_sums_to_one_for_huge_numbers():
    y = F.softmax(Tensor(np.array([[1e4, 0.0, -1e4], [5.0, 5.0, 5.0]]))).numpy()
    np.testing.assert_allclose(y, [[1, 0, 0], [1 / 3] * 3])
    assert np.isfinite(F.log_softmax(Tensor(np.array([1e4, 0.0]))).numpy()).all()


@pytest.mark.peer
@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
@pytest.mark.parametrize("dim", [0, -1])
def test_softmax_of_one_number_equals_pytorch(torch, name, dim):
    theirs = getattr(torch.nn.functional, name)
    assert_equal(torch, lambda x: getattr(F, name)(x, dim), lambda x: theirs(x, dim), [np.array(3.0)])


def test_softmax_of_one_number_has_no_second_dimension():
    with pytest.raises(mg.ShapeError, match="axis 1 is out of range for 0 dimensions"):
        F.softmax(Tensor(3.0), 1)


@pytest.mark.parametrize("f", [F.softmax, F.softmin, F.log_softmax])
def test_temperature_evens_out(f):
    x = Tensor(np.array([1.0, 3.0]))
    np.testing.assert_allclose(f(x, temperature=2.0), f(x / 2))
    spread = [abs(y[1] - y[0]).item() for y in (f(x, temperature=t) for t in (10.0, 1.0, 0.1))]
    assert spread == sorted(spread)


def test_softmin_prefers_the_smallest(rng):
    x = Tensor(rng.normal(size=(2, 5)))
    np.testing.assert_array_equal(F.softmin(x).argmax(1), x.argmin(1))


def test_softmax_converts_first():
    assert F.softmax(Tensor(np.ones(3, np.float16)), dtype=np.float64).dtype == np.float64


def test_softmax_at_infinities_is_a_limit_where_there_is_one():
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, 0, 0], [inf, 0, 1], [inf, inf, 0], [-inf, -inf, -inf], [nan, inf, 0]])
    expected = [[0, 0.5, 0.5], [1, 0, 0], [nan, nan, 0], [nan] * 3, [nan] * 3]
    np.testing.assert_array_equal(F.softmax(x), expected)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(F.log_softmax(x), np.log(expected), rtol=1e-15)
    y = variable(x[1:2])
    F.cross_entropy(y, [0]).backward()
    assert y.grad.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("temperature", [0.25, np.float64(0.25)])
def test_temperature_does_not_change_the_dtype(temperature):
    assert F.softmax(Tensor(np.ones(3, np.float32)), temperature=temperature).dtype == np.float32


@pytest.mark.parametrize("f", [F.softmax, F.softmin, F.log_softmax])
@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_temperature_that_is_not_positive_is_refused(f, temperature):
    with pytest.raises(UsageError, match=f"{f.__name__}: the temperature must be positive, got {temperature}"):
        f(mg.ones((2, 3)), temperature=temperature)
