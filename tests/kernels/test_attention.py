"""Attention in compiled loops against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.kernels import attention as plain
from minigrad.kernels import threads
from minigrad.kernels.jit import numpy_only
from tests.kernels.compiled import compiled_kernels

fast = compiled_kernels("attention_numba")

sizes = st.integers(1, 70)


def arguments(lead=(2, 3), rows=40, columns=50, size=9, values=20, dtype=np.float32):
    """A cotangent, queries, keys and values."""
    rng = np.random.default_rng(0)
    shapes = [(rows, values), (rows, size), (columns, size), (columns, values)]
    return [rng.normal(size=(*lead, *shape)).astype(dtype) for shape in shapes]


def both(g, q, k, v, scale=0.4, causal=False, mask=None):
    """The result and its gradients, twice."""
    settings = {"scale": scale, "causal": causal}
    with numpy_only(), np.errstate(all="ignore"):
        expected = plain.attention(q, k, v, mask, **settings), *plain.attention_gradients(g, q, k, v, mask, **settings)
    found = fast.attention(q, k, v, mask, **settings)
    gradients = fast.attention_gradients(g, q, k, v, mask, **settings)
    if q.shape[-2] < fast.LEAST_QUERIES:
        assert found is NotImplemented
        found = expected[0]
    assert found is not NotImplemented
    assert gradients is not NotImplemented
    return (found, *gradients), expected


@given(sizes, sizes, st.integers(1, 40), st.integers(1, 40), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_compiled_loops_equal_the_definition(rows, columns, size, values, causal, dtype):
    given_arrays = arguments((4,), rows, columns, size, values, dtype)
    found, expected = both(*given_arrays, causal=causal)
    eps = np.finfo(dtype).eps
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=100 * eps, atol=50 * eps * max(1, np.abs(other).max()))


@given(
    sizes, sizes, st.sampled_from([(2, 2, 3), (1, 2, 3), (3,), (2, 1, 1), ()]), st.booleans(), st.booleans(),
    st.sampled_from([np.bool_, np.float32, np.float64]), st.floats(0, 1), st.integers(0, 9),
)  # fmt: skip
def test_masks_of_all_shapes_are_as_in_the_definition(rows, columns, lead, shared, causal, kind, hidden, seed):
    rng = np.random.default_rng(seed)
    given_arrays = arguments((2, 2, 3), rows, columns)
    mask = rng.random((*lead, 1 if shared else rows, columns)) >= hidden  # some queries may see no key
    if kind is not np.bool_:
        mask = np.where(mask, rng.normal(size=mask.shape), -np.inf).astype(kind)
    mask = np.broadcast_to(mask, (*lead, rows, columns))
    found, expected = both(*given_arrays, causal=causal, mask=mask)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * max(1, np.abs(other).max()))


@pytest.mark.parametrize("kind", [np.bool_, np.float32])
def test_a_query_that_may_look_at_nothing_gets_0_and_passes_on_0(kind):
    mask = np.arange(40)[:, None] != np.full(50, 3)
    mask = mask if kind is np.bool_ else np.where(mask, np.float32(0), np.float32(-np.inf))
    found, expected = both(*arguments(), mask=mask)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert not found[0][:, :, 3].any()
    assert not found[1][:, :, 3].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_near_the_least_number_are_as_in_the_definition(dtype):
    mask = np.full((40, 50), np.finfo(dtype).min / 4, dtype)
    mask[:, 45:] = -np.inf
    for one, other in zip(*both(*arguments(dtype=dtype), mask=mask), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_large_negative_numbers_in_a_mask_hide_keys():
    given_arrays, hidden = arguments(), np.random.default_rng(1).random((40, 50)) < 0.5
    for number in (-1e4, -1e9, np.finfo(np.float32).min):
        mask = np.where(hidden, number, 0).astype(np.float32)
        for one, other in zip(both(*given_arrays, mask=mask)[0], both(*given_arrays, mask=~hidden)[0], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("others", [0, -np.inf])
def test_masks_with_numbers_that_are_not_finite_are_left_to_the_definition(value, others):
    g, q, k, v = arguments()
    mask = np.zeros((40, 50), np.float32)
    mask[:, 30:] = others
    mask[33, 49] = value
    assert fast.attention(q, k, v, mask, scale=1.0, causal=False) is NotImplemented
    assert fast.attention_gradients(g, q, k, v, mask, scale=1.0, causal=False) is NotImplemented


def test_leading_dimensions_broadcast_and_results_lie_as_in_the_definition():
    g, q, k, v = arguments()
    for few in ((q, k[:1], v[:, :1]), (q, k[0], v[0]), (q[:, :1], k, v), (q, k[0, 0], v[0, 0])):
        for one, other in zip(*both(g, *few), strict=True):
            assert one.strides == other.strides
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_key_that_is_not_finite_is_left_to_the_definition_even_where_nobody_takes_it():
    g, q, k, v = arguments()
    q[..., 0] = np.abs(q[..., 0])
    k[0, 0, 3, 0] = -np.inf  # its weights are 0, and 0 times it is NaN
    assert fast.attention_gradients(g, q, k, v, None, scale=1.0, causal=False) is NotImplemented


def test_one_matrix_is_as_many():
    g, q, k, v = arguments()
    for one, other in zip(both(g[0, 0], q[0, 0], k[0, 0], v[0, 0])[0], both(g, q, k, v)[0], strict=True):
        np.testing.assert_array_equal(one, other[0, 0])


@pytest.mark.parametrize("causal", [False, True])
def test_the_number_of_threads_changes_no_bit(causal, monkeypatch):
    given_arrays, runs = arguments((3, 5)), []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        runs.append(both(*given_arrays, causal=causal)[0])
    for other in runs[1:]:
        for x, y in zip(runs[0], other, strict=True):
            np.testing.assert_array_equal(x, y)


def test_arrays_with_gaps_are_as_dense_ones():
    g, q, k, v = arguments()
    gaps = [np.repeat(x, 2, axis=-1)[..., ::2].swapaxes(0, 1) for x in (g, q, k, v)]
    for one, other in zip(both(*gaps)[0], both(*[x.swapaxes(0, 1) for x in (g, q, k, v)])[0], strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.permutations(range(3)), sizes, sizes, st.integers(1, 40))
def test_heads_are_taken_where_they_lie_and_results_lie_like_them(order, rows, columns, size):
    def laid_out(x):
        places = [*order, 3]
        return np.ascontiguousarray(x.transpose(places)).transpose(np.argsort(places))

    dense = arguments((2, 3), rows, columns, size, size)
    g, q, k, v = map(laid_out, dense)
    found, expected = both(g, q, k, v)
    for one, other, same in zip(found, expected, both(*dense)[0], strict=True):
        np.testing.assert_array_equal(one, same)
        assert one.strides == other.strides  # a program relies on it
    for one, x in zip(found, (q, q, k, v), strict=True):
        assert one.strides == x.strides


@pytest.mark.parametrize("seen", [1, 31, 32, 33])
def test_places_that_are_not_seen_count_nothing_whatever_the_scores_are_there(seen):
    g, q, k, v = arguments(rows=40, columns=40)
    q[:, :, :seen] *= 1e-3
    k[:, :, seen:] *= 1e5  # a score that only later rows see, far above all others
    for one, other in zip(*both(g, q, k, v, scale=1e-3, causal=True), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * max(1, np.abs(other).max()))


def test_a_negative_scale_and_large_scores_are_as_in_the_definition():
    g, q, k, v = arguments()
    for scale in (-0.5, 0.0, 300.0):
        for one, other in zip(*both(g, q, k, v, scale), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * max(1, np.abs(other).max()))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_left_to_the_definition(place, value):
    given_arrays = arguments()
    given_arrays[place][0, 0, 0, 0] = value
    g, q, k, v = given_arrays
    settings = {"mask": None, "scale": 1.0, "causal": True}
    if place != 0:
        assert fast.attention(q, k, v, **settings) is NotImplemented
    assert fast.attention_gradients(g, q, k, v, **settings) is NotImplemented


def test_scores_that_overflow_are_left_to_the_definition():
    g, q, k, v = arguments()
    assert fast.attention(q * 1e30, k * 1e30, v, None, scale=1.0, causal=False) is NotImplemented
    assert fast.attention_gradients(g, q * 1e30, k * 1e30, v, None, scale=1.0, causal=False) is NotImplemented


def test_other_calls_are_left_to_the_definition():
    _, q, k, v = arguments()
    settings = {"scale": 1.0, "causal": False}
    assert fast.attention(q[:0], k[:0], v[:0], None, **settings) is NotImplemented
    assert fast.attention(q, k.astype(np.float64), v, None, **settings) is NotImplemented
    assert fast.attention(q[..., :0], k[..., :0], v, None, **settings) is NotImplemented
