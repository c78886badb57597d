"""Rows made columns in registers against NumPy's transposition."""

import numpy as np
import pytest

from tests.kernels.compiled import compiled_kernels

kernels = compiled_kernels("transposition_numba")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transpose_of_numbers_of_any_width(dtype):
    rng = np.random.default_rng(0)
    for rows, columns in [(1, 1), (5, 17), (16, 16), (32, 24), (33, 7)]:
        x, out = rng.normal(size=(48, 64)).astype(dtype), np.zeros((64, 80), dtype)
        kernels.transpose(out.reshape(-1), 80, x.reshape(-1), 64, rows, columns)
        np.testing.assert_array_equal(out[:columns, :rows], x[:rows, :columns].T)
