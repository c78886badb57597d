"""Products of matrices by our own loops, where BLAS is slower.

BLAS packs both factors. That pays where each packed number is used many times: in products with few rows, or with a
short sum, the large factor is used a few times only, and to pack it takes longer than to multiply. Here a large factor
is read where it lies, once and in order, and a result is written once:

    x w'     both have the sums along their rows            row_products_numba
    g w      the sum goes over the rows of w                column_products_numba.few_rows
    g' x     likewise of both, and few rows                 column_products_numba.few_terms

Where there are many rows and the other factor is small, BLAS has no way of its own for that either:

    x y      y fits in a near cache                         panel_products_numba
"""

import numpy as np

from minigrad.typing import Array

from .column_products_numba import few_rows, few_terms
from .jit import VariantResult
from .panel_products_numba import by_panels
from .register_tiles_numba import HAS_AVX512
from .row_products_numba import by_rows

LEAST_PRODUCTS = 1 << 21
"""Multiply-adds below which a call costs more than is won."""

MAX_ROWS = 256
"""Of the small factor: with more, BLAS packs the other one for good reason. Likewise where it is packed here too."""

NEAR_BYTES = 1 << 22
"""Of a factor that is read from a near cache."""

PANEL_BYTES = 1 << 19
"""Of a factor of which each tile of rows reads all: it stays in the second cache, or most of it."""

MAX_TERMS = 1 << 10
"""Of sums that are made one term after the other: with more, BLAS, which makes them in parts, rounds less."""


def matrix_product(x: Array, y: Array, out: Array | None = None) -> VariantResult:
    """See `matrix_products.matrix_product`."""
    if not x.ndim == y.ndim == 2 or not _suits(x, y, x.shape[0] * y.size):
        return NotImplemented
    if out is not None and not (out.flags.carray and out.dtype == x.dtype):
        return NotImplemented
    if x.flags.c_contiguous and _fast_by_panels(len(x), y):
        return by_panels(x, y, None, out)
    if x.flags.c_contiguous and y.T.flags.c_contiguous and _fast_by_rows(len(x), len(y)):
        return by_rows(x, y.T, np.zeros(y.shape[1], x.dtype), out)
    if x.flags.c_contiguous and y.flags.c_contiguous and _fast_with_few_rows(len(x), y):
        return few_rows(x, y, out)
    if x.T.flags.c_contiguous and y.flags.c_contiguous and _fast_with_few_terms(*y.shape):
        return few_terms(x.T, y, out)
    return NotImplemented


def linear(x: Array, w: Array, b: Array | None) -> VariantResult:
    """See `matrix_products.linear`."""
    if not _suits(x, w, len(x) * w.size) or not x.flags.c_contiguous or (b is not None and b.dtype != x.dtype):
        return NotImplemented
    if _fast_by_panels(len(x), w.T):
        return by_panels(x, w.T, b)
    if not w.flags.c_contiguous or not _fast_by_rows(*x.shape):
        return NotImplemented
    return by_rows(x, w, np.zeros(len(w), x.dtype) if b is None else b)


def _suits(x: Array, y: Array, products: int) -> bool:
    return products >= LEAST_PRODUCTS and x.dtype == y.dtype and x.dtype.char in "fd"


def _fast_by_panels(rows: int, y: Array) -> bool:
    """Whether it takes little of the time to copy y, and it is near when it is read."""
    return rows >= MAX_ROWS and y.nbytes <= PANEL_BYTES and len(y) <= MAX_TERMS and y.flags.forc


def _fast_by_rows(rows: int, depth: int) -> bool:
    """Whether rows are not too many, and sums long enough for what their ends cost. Of one row, BLAS packs nothing."""
    return 1 < rows <= (MAX_ROWS if HAS_AVX512 else 64) and depth >= rows + 64


def _fast_with_few_rows(rows: int, w: Array) -> bool:
    if not HAS_AVX512:  # few registers, so that w is read several times
        return 1 < rows <= 8
    return 1 < rows <= 32 or (rows <= MAX_ROWS and w.nbytes > NEAR_BYTES)


def _fast_with_few_terms(terms: int, columns: int) -> bool:
    """Whether rows of the result are long enough for what it costs to pack the factors of a few of them."""
    return 0 < terms <= (MAX_ROWS if HAS_AVX512 else 64) and columns >= 256
