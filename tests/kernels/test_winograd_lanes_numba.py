"""Winograd's convolution with channels in lanes, held to what `test_winograd_numba` holds the other one to."""

import os
import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight

from .layouts import integers, layouts, relaid
from .winograd_cases import Case, assert_close, cases, defined, layer, three

pytest.importorskip("numba")
lanes = import_module("minigrad.kernels.winograd_lanes_numba")
simd = import_module("minigrad.kernels.winograd_lanes_simd")
winograd = import_module("minigrad.kernels.winograd_numba")

FAST = lanes.conv, lanes.conv_input, lanes.conv_weight
multiples = st.sampled_from([16, 32, 48])  # of the lanes of both precisions


@contextmanager
def everywhere(**limits):
    """This way for the smallest convolutions too."""
    lanes.LanesPlan.of.cache_clear()
    with mock.patch.multiple(winograd, MIN_TILES=0, MAX_WASTE=100), mock.patch.dict(vars(lanes), limits):
        yield
    lanes.LanesPlan.of.cache_clear()


@settings(max_examples=60)
@given(cases(channels=multiples))
def test_it_equals_the_definition_up_to_rounding(case):
    with everywhere():
        assert_close(three(FAST, case), case)


@settings(max_examples=30)
@given(cases(channels=multiples, dtype=st.just(np.float64), numbers=integers))
def test_small_integers_are_found_again_by_rounding(case):
    with everywhere():
        for result, expected in zip(three(FAST, case), defined(case), strict=True):
            np.testing.assert_array_equal(np.rint(result), expected)


@settings(max_examples=20)
@given(cases(channels=multiples), layouts)
def test_layout_does_not_matter(case, layout):
    relaid_case = Case(*(a if a is None else relaid(a, layout) for a in case[:4]), case.settings)
    with everywhere():
        for a, b in zip(three(FAST, relaid_case), three(FAST, case), strict=True):
            np.testing.assert_array_equal(a, b)


@settings(max_examples=20)
@given(cases(channels=multiples))
def test_inputs_are_unchanged_and_results_are_owned_by_the_caller(case):
    before = [a if a is None else a.copy() for a in case[:4]]
    with everywhere():
        for result in three(FAST, case):
            assert not any(np.shares_memory(result, a) for a in case[:4] if a is not None)
            result[...] = 7
    for a, kept in zip(case[:4], before, strict=True):
        np.testing.assert_array_equal(a, kept)


@settings(max_examples=20)
@given(cases(channels=multiples), st.integers(1, 1 << 20), st.integers(1, 1 << 16), st.integers(1, 500), st.data())
def test_blocks_strips_and_parts_may_have_any_size(case, block, strip, tiles, data):
    tile, sums = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 1 << 20))
    units, outputs = data.draw(st.integers(1, 50)), data.draw(st.sampled_from([1, 16, 32]))
    with everywhere(BLOCK_BYTES=block, STRIP_BYTES=strip, SUM_TILES=tiles, MIN_BLOCK_TILES=tile, SUM_BYTES=sums,
                    UNITS_PER_THREAD=units, PART_OUTPUTS=outputs):  # fmt: skip
        assert_close(three(FAST, case), case)


@settings(max_examples=20)
@given(cases(channels=multiples, dtype=st.just(np.float32)), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_not_lost(case, value, data):
    if case.x.size == 0:
        return
    at = tuple(data.draw(st.integers(0, n - 1)) for n in case.x.shape)
    case.x[at] = value
    with everywhere(), np.errstate(invalid="ignore"):
        for result, expected in zip(three(FAST, case), defined(case), strict=True):
            assert not np.isfinite(result[~np.isfinite(expected)]).any()


def test_an_infinite_kernel_gives_no_warning_that_the_definition_does_not_give():
    case = layer(c=16, o=16)
    case.w[3, 5, 0, 1] = np.inf
    with np.errstate(all="raise"):
        out = lanes.conv(case.x, case.w, None, **case.settings)
    assert not np.isfinite(out[:, 3]).any()
    assert np.isfinite(out[:, :3]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_block_is_transposed(dtype):
    size = 64 // np.dtype(dtype).itemsize
    jit = import_module("numba").njit

    @jit
    def there(x, y, places):
        simd.pack_block(x, 3, 40, y, places, 1, 5)

    @jit
    def back(x, y, places):
        simd.unpack_block(x, 3, 40, y, places, 1, 5)

    x = np.random.default_rng(0).normal(size=3 + 40 * size + size).astype(dtype)
    places = np.random.default_rng(1).permutation(size + 1) * size
    y, again = np.zeros(5 + (size + 1) * size, dtype), np.zeros_like(x)
    there(x, y, places)
    for a in range(size):
        np.testing.assert_array_equal(y[5 + places[1 + a] :][:size], x[3 + a :: 40][:size])
    back(again, y, places)
    for c in range(size):
        np.testing.assert_array_equal(again[3 + 40 * c :][:size], x[3 + 40 * c :][:size])


@pytest.mark.parametrize(("features", "expected"), [("+avx,+avx2,+fma", "False"), ("+avx2,+avx512f", "True")])
def test_register_tiles_are_those_of_the_processor_that_numba_compiles_for(features, expected):
    program = "from minigrad.kernels.register_tiles_numba import HAS_AVX512; print(HAS_AVX512)"
    told = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | told, capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    case, results = layer(c=48, o=32), []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(three(FAST, case))
    for others in results[1:]:
        for a, b in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(a, b)


def test_layers_with_multiples_of_16_channels_are_answered_by_it():
    case = layer(c=16, o=48)
    for a, b in zip(three((conv, conv_input, conv_weight), case), three(FAST, case), strict=True):
        np.testing.assert_array_equal(a, b)


def refused(case):
    return all(result is NotImplemented for result in three(FAST, case))


def test_it_leaves_alone_what_it_cannot_do_or_not_faster():
    case = layer(c=32, o=16)
    for setting in ({"stride": (2, 2)}, {"dilation": (2, 1)}, {"groups": 2}, {"padding": (3, 1)}):
        assert refused(case._replace(settings=case.settings | setting))
    assert refused(case._replace(w=np.ones((16, 32, 1, 3), np.float32)))
    assert refused(layer(c=32, o=16, dtype=np.float16))
    assert lanes.conv(case.x, case.w.astype(np.float64), case.b, **case.settings) is NotImplemented
    assert refused(layer(c=24, o=16))
    assert refused(layer(c=16, o=24))
    assert not refused(layer(c=24, o=16, dtype=np.float64))
    assert refused(layer(c=1024, o=512))
    assert refused(layer(c=32, o=16, n=1, size=(8, 8)))
    assert refused(layer(c=32, o=16, n=64, size=(5, 5)))
