"""What moves arguments into domains: the result lies well inside, whatever came in."""

import numpy as np
import pytest

from minigrad import Tensor, domain
from minigrad.errors import UsageError
from minigrad.testing.program.safe_argument import needed, range_inside

INTERVALS = [
    domain.REAL, domain.POSITIVE, domain.NONZERO, domain.UNIT, domain.ABOVE_ONE, domain.ABOVE_MINUS_ONE,
    domain.Domain(0.2, 0.3), domain.Domain(high=1.0),
]  # fmt: skip
FAR = np.array([-1e3, -7.0, -1.0, -0.0, 0.0, 0.3, 1.0, 2.5, 44.0])
MATRICES = [np.random.default_rng(k).normal(size=(n, n), scale=10) for k, n in enumerate((1, 2, 3, 3))]


@pytest.mark.parametrize("where", INTERVALS, ids=str)
def test_numbers_are_moved_into_their_interval(where):
    into = needed(where, FAR)
    moved = into.function(Tensor(FAR)).data
    inside = range_inside(where)
    assert moved in inside
    assert all(x in where for x in (inside.low, inside.high, *moved))
    assert needed(where, moved) is None


def test_numbers_that_lie_inside_stay():
    assert needed(domain.POSITIVE, np.array([0.5, 2.5])) is None
    assert needed(domain.POSITIVE, np.array([0.5, 2.75])) is not None


@pytest.mark.parametrize("x", MATRICES, ids=lambda x: str(x.shape))
def test_matrices_are_moved_into_their_domain(x):
    def moved(where):
        return needed(where, x).function(Tensor(x)).data

    assert np.linalg.cond(moved(domain.INVERTIBLE)) < 10
    assert np.linalg.eigvalsh(moved(domain.POSITIVE_DEFINITE)).min() >= 0.9
    symmetric = moved(domain.SYMMETRIC)
    np.testing.assert_array_equal(symmetric, symmetric.T)
    assert np.all(np.diff(np.linalg.eigvalsh(symmetric)) > 1)
    full_rank = moved(domain.FULL_RANK)
    assert np.all(np.diff(np.linalg.svd(full_rank).S) < -1)
    assert min(symmetric.min(), full_rank.min()) >= 1  # no element is 0


def test_matrices_keep_single_precision():
    x = Tensor(np.eye(2, dtype=np.float32))
    for where in (domain.INVERTIBLE, domain.POSITIVE_DEFINITE, domain.SYMMETRIC, domain.FULL_RANK):
        assert needed(where, x.data).function(x).dtype == np.float32


def test_the_code_names_the_argument():
    assert needed(domain.POSITIVE, FAR).code("y7") == "1.5 + 1.0 * mg.sin(y7)"
    assert needed(domain.REAL, FAR).code("y7") == "2.0 * mg.sin(y7)"


def test_an_unknown_domain_of_matrices_is_an_error():
    where = domain.MatrixDomain(name="orthogonal", project=lambda x: x)
    with pytest.raises(UsageError, match="'orthogonal'"):
        needed(where, np.eye(2))
