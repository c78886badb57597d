"""Convolution against its textbook definition, and its two transposes against convolution."""

from importlib import import_module
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight, jit
from tests.kernels.compiled import compiled_kernels

from .layouts import integers, layouts, relaid

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
few, many = st.integers(0, 3), st.integers(0, 20)


class Case(NamedTuple):
    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    g: np.ndarray
    settings: dict


@st.composite
def cases(draw, strides=pairs, batch=few, dtype=np.float64):
    groups = draw(st.integers(1, 3))
    c, o = (draw(st.integers(1, 3)) for _ in "co")
    kernel, stride, dilation = draw(pairs), draw(strides), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    count = tuple(
        (n + 2 * pad - d * (k - 1) - 1) // s + 1
        for n, k, s, pad, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    assume(min(count) > 0)
    n, rng = draw(batch), np.random.default_rng(draw(st.integers(0, 2**32)))
    return Case(
        integers(rng, (n, c * groups, *size), dtype),
        integers(rng, (o * groups, c, *kernel), dtype),
        integers(rng, o * groups, dtype),
        integers(rng, (n, o * groups, *count), dtype),
        {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
    )


def textbook(x, w, b, *, stride, padding, dilation, groups):
    (s, t), (d, e) = stride, dilation
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    rows = (x.shape[2] - d * (w.shape[2] - 1) - 1) // s + 1
    columns = (x.shape[3] - e * (w.shape[3] - 1) - 1) // t + 1
    out = np.zeros((len(x), len(w), rows, columns)) + b[:, None, None]
    for n, o, i, j, c, p, q in product(*map(range, out.shape + w.shape[1:])):
        first = o // (len(w) // groups) * w.shape[1]
        out[n, o, i, j] += x[n, first + c, s * i + d * p, t * j + e * q] * w[o, c, p, q]
    return out


def transposes(case):
    return (
        conv_input(case.g, case.w, shape=case.x.shape, **case.settings),
        conv_weight(case.x, case.g, shape=case.w.shape, **case.settings),
    )


def variants(case):
    fast = compiled_kernels("convolution_numba")
    yield conv(*case[:3], **case.settings), fast.conv(*case[:3], **case.settings)
    for f, args, shape in (
        ("conv_input", (case.g, case.w), case.x.shape),
        ("conv_weight", (case.x, case.g), case.w.shape),
    ):
        yield globals()[f](*args, shape=shape, **case.settings), getattr(fast, f)(*args, shape=shape, **case.settings)


@settings(max_examples=40)
@given(cases(batch=st.integers(0, 2)))
def test_conv_is_its_textbook_definition(case):
    np.testing.assert_array_equal(conv(*case[:3], **case.settings), textbook(*case[:3], **case.settings))


@given(cases())
def test_conv_input_and_conv_weight_are_the_transposes_of_conv(case):
    out = conv(case.x, case.w, None, **case.settings)
    x, w = transposes(case)
    assert x.shape == case.x.shape
    assert w.shape == case.w.shape
    assert np.vdot(out, case.g) == np.vdot(case.x, x) == np.vdot(case.w, w)


@settings(max_examples=200)
@given(cases(batch=many))
def test_compiled_kernels_equal_their_definitions(case):
    for plain, fast in variants(case):
        if fast is not NotImplemented:
            np.testing.assert_array_equal(fast, plain)


@given(cases(), layouts)
def test_layout_does_not_matter(case, layout):
    relaid_case = Case(*(relaid(x, layout) for x in case[:4]), case.settings)
    np.testing.assert_array_equal(conv(*relaid_case[:3], **case.settings), conv(*case[:3], **case.settings))
    for a, b in zip(transposes(relaid_case), transposes(case), strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=30)
@given(cases(batch=st.integers(1, 3)), layouts)
def test_layout_does_not_matter_to_compiled_kernels(case, layout):
    for plain, fast in variants(Case(*(relaid(x, layout) for x in case[:4]), case.settings)):
        if fast is not NotImplemented:
            np.testing.assert_array_equal(fast, plain)


@given(cases())
def test_inputs_are_unchanged_and_results_are_owned(case):
    before = [x.copy() for x in case[:4]]
    for result in (conv(*case[:3], **case.settings), *transposes(case)):
        assert not any(np.shares_memory(result, x) for x in case[:4])
        result[...] = 7
    for x, kept in zip(case[:4], before, strict=True):
        np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@settings(max_examples=20)
@given(data=st.data())
def test_dtype_is_kept(dtype, data):
    case = data.draw(cases(dtype=dtype))
    assert conv(*case[:3], **case.settings).dtype == dtype
    assert [x.dtype for x in transposes(case)] == [dtype, dtype]


def test_half_precision_is_summed_in_single_precision():
    x, w = np.full((1, 1, 64, 64), 1, np.float16), np.full((1, 1, 64, 64), 1, np.float16)
    out = conv(x, w, None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)
    assert out == 4096  # in half precision, 2048 + 1 is 2048


def lenet_layer(rng):
    x, w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((20, 6, 14, 14), (16, 6, 5, 5), 16))
    g = rng.normal(size=(20, 16, 10, 10)).astype(np.float32)
    return Case(x, w, b, g, {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1})


def test_large_arrays_are_answered_by_compiled_kernels_up_to_rounding():
    pytest.importorskip("numba")
    case = lenet_layer(np.random.default_rng(0))
    fast = conv(*case[:3], **case.settings), *transposes(case)
    with jit.numpy_only():
        plain = conv(*case[:3], **case.settings), *transposes(case)
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


def test_results_repeat_bit_for_bit_for_any_number_of_threads(monkeypatch):
    pytest.importorskip("numba")
    case = lenet_layer(np.random.default_rng(1))
    expected = conv(*case[:3], **case.settings), *transposes(case)
    for threads in (1, 2, 3, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        for a, b in zip((conv(*case[:3], **case.settings), *transposes(case)), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_compiled_outputs_may_come_in_blocks(monkeypatch):
    fast = compiled_kernels("convolution_numba")
    rng = np.random.default_rng(3)
    x, w, g = integers(rng, (5, 6, 23, 19)), integers(rng, (96, 3, 5, 3)), integers(rng, (5, 96, 12, 7))
    where = {"stride": (2, 3), "padding": (2, 1), "dilation": (1, 1), "groups": 2}
    with jit.numpy_only():
        expected = conv(x, w, None, **where), conv_weight(x, g, shape=w.shape, **where)
    for room, blocks in ((1 << 20, 1), (1 << 13, 2), (6000, 4), (1, 48 // fast.TILE_ROWS)):
        monkeypatch.setattr(fast, "CACHE_BYTES", room)
        fast.DirectPlan.of.cache_clear()
        assert fast.DirectPlan.of(x.shape, w.shape, *where.values()).blocks == blocks
        results = fast.conv(x, w, None, **where), fast.conv_weight(x, g, shape=w.shape, **where)
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    fast.DirectPlan.of.cache_clear()


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_pointwise_convolution_is_a_product_at_each_pixel(groups, dtype):
    rng = np.random.default_rng(4)
    x, w, b = (
        integers(rng, (3, 8, 7, 9), dtype),
        integers(rng, (20, 8 // groups, 1, 1), dtype),
        integers(rng, 20, dtype),
    )
    where = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": groups}
    g = integers(rng, (3, 20, 7, 9), dtype)
    full = np.zeros((20, 8))
    for k in range(20):
        group = k // (20 // groups)
        full[k, group * 8 // groups : (group + 1) * 8 // groups] = w[k, :, 0, 0]
    sums = np.einsum("nohw,nchw->oc", g.astype(float), x.astype(float))
    parts = [sums[k, k // (20 // groups) * (8 // groups) :][: 8 // groups] for k in range(20)]
    np.testing.assert_array_equal(
        conv(x, w, b, **where), (np.einsum("oc,nchw->nohw", full, x) + b[:, None, None]).astype(dtype)
    )
    np.testing.assert_array_equal(
        conv_input(g, w, shape=x.shape, **where), np.einsum("oc,nohw->nchw", full, g).astype(dtype)
    )
    np.testing.assert_array_equal(conv_weight(x, g, shape=w.shape, **where)[:, :, 0, 0], np.array(parts).astype(dtype))


def test_columns_are_made_in_blocks_of_images_and_of_rows(monkeypatch):
    rng = np.random.default_rng(2)
    x, w = integers(rng, (5, 2, 9, 9)), integers(rng, (3, 2, 3, 3))
    case = Case(x, w, np.zeros(3), integers(rng, (5, 3, 5, 5)), {"stride": (2, 2), "padding": (1, 1)})
    case.settings.update(dilation=(1, 1), groups=1)
    expected = conv(*case[:3], **case.settings), *transposes(case)
    for budget in (1, 1000, 4000, 20000):
        for name in ("COLUMN_BYTES", "WEIGHT_BYTES"):
            monkeypatch.setattr(import_module("minigrad.kernels.convolution"), name, budget)
        for a, b in zip((conv(*case[:3], **case.settings), *transposes(case)), expected, strict=True):
            np.testing.assert_array_equal(a, b)
