"""The exponential of SIMD vectors against NumPy's in more digits."""

import numpy as np
import pytest

from tests.kernels.compiled import compiled_kernels

kernels = compiled_kernels("exponential_numba")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_nonpositive_is_right_to_the_last_bits(dtype):
    from minigrad.kernels.jit import compiled
    from minigrad.kernels.simd import BYTES, load, store

    exp_nonpositive = kernels.exp_nonpositive

    @compiled
    def exponentials(out, x):
        for i in range(0, len(x), BYTES // x.itemsize):
            store(out, i, exp_nonpositive(load(x, i)))

    rng = np.random.default_rng(0)
    x = -np.concatenate([rng.exponential(scale, 1 << 10) for scale in (1e-30, 1e-3, 1, 30, 100, 1000)]).astype(dtype)
    x[:8] = 0.0, -0.0, -np.inf, np.nan, -1e30, -np.finfo(dtype).tiny, -np.finfo(dtype).max, -88.0
    out = np.empty_like(x)
    exponentials(out, x)
    expected = np.exp(x.astype(np.longdouble))
    unit = np.spacing(np.abs(expected).astype(dtype))
    assert np.isnan(out[3])
    np.testing.assert_array_equal(out[[0, 1, 2, 4]], [1, 1, 0, 0])
    assert np.nanmax(np.abs(out - expected) / unit) < 2
