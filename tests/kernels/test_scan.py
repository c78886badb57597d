"""The linear recurrence in blocks: what its definition gives, step by step."""

import numpy as np
import pytest

from minigrad.kernels.scan import linear_scan, step_by_step


@pytest.mark.parametrize(
    "shape", [(0,), (1,), (255,), (256,), (257,), (1000,), (20_000,), (400, 3), (300, 2, 5), (300, 257)]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_blocks_give_what_steps_give(rng, shape, dtype):
    a, b = rng.uniform(-1.02, 1.02, shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    a[rng.random(shape) < 0.02] = 0
    found, expected = linear_scan(a, b), step_by_step(a, b)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, atol=20 * np.finfo(dtype).eps * np.abs(expected).max(initial=1))


@pytest.mark.parametrize("first", [1.0, 1e-300, 0.0, np.inf, np.nan])
@pytest.mark.parametrize("factors", [(2.0,), (0.5,), (1e200, 1e-200), (1e-200, 1e200), (1e200, 0.0), (-3.0, 0.25)])
def test_products_that_leave_the_range_of_numbers_do_no_harm(first, factors):
    a, b = np.resize(factors, 3000), np.zeros(3000)
    b[0], b[1500] = first, 1.0
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(linear_scan(a, b), step_by_step(a, b), rtol=1e-12, atol=1e-200)


def test_integers_stay_integers():
    a, b = np.ones(300, np.int64), np.ones(300, np.int64)
    np.testing.assert_array_equal(linear_scan(a, b), np.arange(1, 301))
