"""Products of matrices by compiled loops: each of them against the plain product, on sizes of any kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import buffers, jit, linear, matrix_product

from .compiled import compiled_kernels
from .layouts import integers

products = compiled_kernels("matrix_products_numba")

DTYPES = np.float32, np.float64
sizes = st.tuples(st.integers(1, 70), st.integers(1, 150), st.integers(1, 150))
dtypes = st.sampled_from(DTYPES)


def factors(rng, way, rows, depth, columns, dtype, draw=integers):
    """x and y as one of the loops takes them, whose product x @ y is of size (rows, columns)."""
    x, y = draw(rng, (rows, depth), dtype=dtype), draw(rng, (depth, columns), dtype=dtype)
    rows = way in ("by_rows", "by_panels of rows")
    return (np.asfortranarray(x) if way == "few_terms" else x), (np.asfortranarray(y) if rows else y)


def normal(rng, shape, dtype):
    return rng.normal(size=shape).astype(dtype)


def product(way, x, y):
    """x @ y by one of the loops, or NotImplemented where it does not take that size."""
    if way == "by_rows":
        return products.by_rows(x, y.T, np.zeros(y.shape[1], x.dtype))
    if way.startswith("by_panels"):
        return products.by_panels(x, y)
    return products.few_terms(x.T, y) if way == "few_terms" else products.few_rows(x, y)


WAYS = ["by_rows", "few_rows", "few_terms", "by_panels", "by_panels of rows"]
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
@settings(max_examples=60)
@given(size=sizes, dtype=dtypes, scale=st.sampled_from(["one", "smallest_subnormal"]))
def test_products_of_whole_numbers_are_exact(way, size, dtype, scale):
    x, y = factors(np.random.default_rng(1), way, *size, dtype)
    x *= 1 if scale == "one" else np.finfo(dtype).smallest_subnormal
    out = product(way, x, y)
    if out is not NotImplemented:
        np.testing.assert_array_equal(out, x @ y, strict=True)


@every_way
@settings(max_examples=30)
@given(size=sizes, dtype=dtypes, value=st.sampled_from([np.nan, np.inf, -np.inf]), left=st.booleans(), at=st.data())
def test_what_is_not_finite_is_where_the_definition_has_it(way, size, dtype, value, left, at):
    x, y = factors(np.random.default_rng(2), way, *size, dtype)
    target = x if left else y
    target[tuple(at.draw(st.integers(0, n - 1)) for n in target.shape)] = value
    out = product(way, x, y)
    if out is not NotImplemented:
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(out, x @ y)


@every_way
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth", [70, 256, 4000])
def test_rounding_errors_are_those_of_sums_in_parts(way, dtype, depth):
    x, y = factors(np.random.default_rng(3), way, 70, depth, 90, dtype, normal)
    exact = x.astype(np.longdouble) @ y.astype(np.longdouble)
    in_parts = way in ("by_rows", "few_rows")
    additions = 32 + depth / 8 if in_parts else depth  # that a product takes part in, at most
    bound = np.finfo(dtype).eps / 2 * (additions + 1) * (np.abs(x) @ np.abs(y))
    assert (np.abs(product(way, x, y) - exact) <= bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear_adds_the_bias(dtype):
    rng = np.random.default_rng(4)
    x, w, b = (integers(rng, shape, dtype) for shape in ((9, 400), (700, 400), (700,)))
    expected = x @ w.T
    np.testing.assert_array_equal(products.linear(x, w, None), expected, strict=True)
    np.testing.assert_array_equal(products.linear(x, w, b), expected + b, strict=True)
    np.testing.assert_array_equal(linear(x, w, b), expected + b, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", "CF")
def test_linear_of_many_rows_begins_with_the_bias(dtype, order):
    rng = np.random.default_rng(9)
    x, w, b = (integers(rng, shape, dtype) for shape in ((1001, 70), (45, 70), (90,)))
    expected, w = x @ w.T, w.copy(order)
    np.testing.assert_array_equal(products.linear(x, w, None), expected, strict=True)
    np.testing.assert_array_equal(products.linear(x, w, b[::2]), expected + b[::2], strict=True)
    np.testing.assert_array_equal(linear(x, w, b[:45]), expected + b[:45], strict=True)


@every_way
@pytest.mark.parametrize("rows", [20, 150])
def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch, way, rows):
    x, y = factors(np.random.default_rng(5), way, rows, 300, 1000, np.float32, normal)
    if way == "few_terms":
        x, y = factors(np.random.default_rng(5), way, 1000, rows, 300, np.float32, normal)
    monkeypatch.setattr("minigrad.kernels.column_products_numba.GRAIN", 1 << 17)
    monkeypatch.setattr("minigrad.kernels.row_products_numba.GRAIN", 1 << 17)
    monkeypatch.setattr("minigrad.kernels.panel_products_numba.GRAIN", 1 << 17)
    results = []
    for threads in (1, 2, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(product(way, x, y))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@every_way
@settings(max_examples=20)
@given(layout=st.sampled_from(["dense", "transposed", "reversed", "every second", "read-only"]), left=st.booleans())
def test_layout_does_not_matter(way, layout, left):
    x, y = factors(np.random.default_rng(6), way, 8, 500, 300, np.float32)
    if way == "few_terms":
        x, y = factors(np.random.default_rng(6), way, 300, 8, 500, np.float32)
    if way.startswith("by_panels"):
        x, y = factors(np.random.default_rng(6), way, 300, 80, 100, np.float32)
    expected, relaid = x @ y, x if left else y
    relaid = {
        "dense": lambda: relaid.copy("K"),
        "transposed": lambda: relaid.T.copy("K").T,
        "reversed": lambda: relaid[::-1].copy("K")[::-1],
        "every second": lambda: np.repeat(relaid, 2, axis=1)[:, ::2],
        "read-only": lambda: np.broadcast_to(relaid, relaid.shape),
    }[layout]()
    np.testing.assert_array_equal(matrix_product(relaid, y) if left else matrix_product(x, relaid), expected)


@every_way
@pytest.mark.parametrize("small", [1, 9])
def test_results_are_written_where_the_caller_wants_them(way, small):
    x, y = factors(np.random.default_rng(8), way, small, 400, 3000, np.float32)
    if way == "few_terms":
        x, y = factors(np.random.default_rng(8), way, 3000, small, 400, np.float32)
    if way.startswith("by_panels"):
        x, y = factors(np.random.default_rng(8), way, 300, 90 * small, 95, np.float32)
    for dtype, step in ((np.float32, 1), (np.float32, 2), (np.float64, 1)):
        out = np.zeros((len(x), y.shape[1] * step), dtype)[:, ::step]
        assert matrix_product(x, y, out) is out
        np.testing.assert_array_equal(out, x @ y)
    for rows in (1, 2, 9):
        out = np.zeros((rows, 3000), np.float32)
        assert matrix_product(np.ones((rows, 2100), np.float32), np.ones((3000, 2100), np.float32).T, out) is out
        assert (out == 2100).all()


def test_large_products_with_few_rows_are_answered_by_the_loops_and_others_by_blas():
    rng = np.random.default_rng(7)
    x, w, g = (normal(rng, shape, np.float32) for shape in ((8, 600), (700, 600), (8, 700)))
    for a, b in ((x, w.T), (g, w), (g.T, x)):
        np.testing.assert_array_equal(matrix_product(a, b), products.matrix_product(a, b))
        with jit.numpy_only():
            np.testing.assert_array_equal(matrix_product(a, b), a @ b)
        for refused in ((a.astype("f8"), b), (a.astype("i4"), b.astype("i4")), (a[None], b), (a.astype("f2"), b)):
            assert products.matrix_product(*refused) is NotImplemented
            np.testing.assert_array_equal(matrix_product(*refused), np.matmul(*refused))
    assert products.linear(x, w, np.ones(700)) is NotImplemented
    wide = normal(rng, (4000, 600), np.float32)
    for rows in (0, 1, 2000):
        many = normal(rng, (rows, 600), np.float32)
        assert (products.linear(many, wide[:100], None) is NotImplemented) == (rows < 2000)
        long = np.ones((rows, 1025), np.float32)
        assert products.linear(long, np.ones((16, 1025), np.float32), None) is NotImplemented
        assert products.linear(many, wide, None) is NotImplemented
        assert products.matrix_product(many, wide.T) is NotImplemented
    assert matrix_product(np.empty((0, 5)), np.empty((5, 3))).shape == (0, 3)


@pytest.mark.parametrize("shape", [(300, 2000, 300), (300, 90, 300)])
def test_results_of_either_way_are_written_to_memory_that_is_kept(shape):
    rows, depth, columns = shape
    x, w, b = np.ones((rows, depth), np.float32), np.ones((columns, depth), np.float32), np.ones(columns, np.float32)
    for out, value in ((matrix_product(x, w.T), depth), (linear(x, w, None), depth), (linear(x, w, b), depth + 1)):
        assert isinstance(out.base, buffers.Block)
        assert (out == value).all()
