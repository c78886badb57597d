"""Updates by a gradient that is a product of matrices: those by the whole gradient, in any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import jit, threads, update
from minigrad.kernels.outer_product import OuterProduct
from tests.kernels.test_update import ROWS, arrays, condition

SHAPES = st.tuples(st.integers(1, 70), st.integers(1, 150), st.integers(1, 200))
every_row = pytest.mark.parametrize("row", ROWS)


def updated(row, before, gradient):
    p, _, *state = [None if x is None else x.copy() for x in before]
    with np.errstate(all="ignore"):
        update.together(getattr(update, ROWS[row][0]), [(p, gradient, *state)], ROWS[row][2])
    return [p, *state]


@pytest.mark.family
@every_row
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), shape=SHAPES)
def test_they_are_the_updates_by_the_whole_gradient(row, dtype, seed, shape):
    pytest.importorskip("numba")
    rng, (depth, rows, columns) = np.random.default_rng(seed), shape
    before = arrays(ROWS[row][1], rng, rows * columns, dtype)
    product = OuterProduct(*(rng.integers(-3, 4, (depth, n)).astype(dtype) for n in (rows, columns)))  # exact sums
    found, expected = updated(row, before, product), updated(row, before, product.whole())
    with jit.numpy_only():
        plain = updated(row, before, product)
    bound = 64 * np.finfo(dtype).eps * condition(row, [expected[0], None, *expected[1:]])
    for one, two, other in zip(found, plain, expected, strict=True):
        if other is not None:
            assert (abs(one - other) <= bound * (1 + abs(other))).all()
            assert (abs(two - other) <= bound * (1 + abs(other))).all()


@pytest.mark.parametrize("shape", [(64, 300, 784), (16, 100, 9216), (3, 1000, 49)])
def test_results_do_not_depend_on_the_number_of_threads(shape, monkeypatch):
    pytest.importorskip("numba")
    rng, (depth, rows, columns) = np.random.default_rng(0), shape
    before = arrays("pgg", rng, rows * columns, np.float32)
    product = OuterProduct(*(rng.normal(size=(depth, n)).astype(np.float32) for n in (rows, columns)))
    results = []
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        results.append(updated("momentum", before, product))
    for p, v in results[1:]:
        np.testing.assert_array_equal(p, results[0][0])
        np.testing.assert_array_equal(v, results[0][1])


@pytest.mark.parametrize("shape", [(0, 30, 100), (5, 0, 100), (5, 30, 0)])
def test_empty_factors(shape):
    depth, rows, columns = shape
    p = np.ones(rows * columns, np.float32)
    product = OuterProduct(np.ones((depth, rows), np.float32), np.ones((depth, columns), np.float32))
    update.together(update.sgd, [(p, product)], {"sign": 1.0, "weight_decay": 0.5, "lr": 1.0})
    assert (p == 0.5).all()
