"""Winograd's convolution against the plain definition, within the rounding that its transforms magnify."""

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
from minigrad.kernels import winograd_matrices as matrices

from .compiled import compiled_kernels
from .layouts import integers, layouts, relaid
from .winograd_cases import MAGNIFIED, Case, assert_close, cases, defined, layer, three

simd = compiled_kernels("winograd_simd")
winograd = compiled_kernels("winograd_numba")

FAST = winograd.conv, winograd.conv_input, winograd.conv_weight


@contextmanager
def everywhere(**limits):
    """This way for the smallest convolutions too."""
    winograd.WinogradPlan.of.cache_clear()
    with mock.patch.multiple(winograd, **({"MIN_CHANNELS": 1, "MIN_KERNELS": 1, "KERNEL_TILES": -1e9} | limits)):
        yield
    winograd.WinogradPlan.of.cache_clear()


@settings(max_examples=60)
@given(cases())
def test_it_equals_the_definition_up_to_rounding(case):
    with everywhere():
        assert_close(three(FAST, case), case)


@settings(max_examples=30)
@given(cases(dtype=st.just(np.float64), numbers=integers))
def test_small_integers_are_found_again_by_rounding(case):
    with everywhere():
        for result, expected in zip(three(FAST, case), defined(case), strict=True):
            np.testing.assert_array_equal(np.rint(result), expected)


@settings(max_examples=30)
@given(cases(dtype=st.just(np.float64)))
def test_its_transposes_are_the_transposes_of_its_convolution(case):
    case = case._replace(b=None)
    with everywhere():
        out, x, w = three(FAST, case)
    size = sum(np.vdot(np.abs(a), np.abs(b)) for a, b in ((out, case.g), (x, case.x), (w, case.w)))
    assert np.vdot(out, case.g) == pytest.approx(np.vdot(x, case.x), abs=1e-13 * size)
    assert np.vdot(out, case.g) == pytest.approx(np.vdot(w, case.w), abs=1e-13 * size)


@settings(max_examples=20)
@given(cases(), layouts)
def test_layout_does_not_matter(case, layout):
    relaid_case = Case(*(a if a is None else relaid(a, layout) for a in case[:4]), case.settings)
    with everywhere():
        for a, b in zip(three(FAST, relaid_case), three(FAST, case), strict=True):
            np.testing.assert_array_equal(a, b)


@settings(max_examples=20)
@given(cases())
def test_inputs_are_unchanged_and_results_are_owned_by_the_caller(case):
    before = [a if a is None else a.copy() for a in case[:4]]
    with everywhere():
        for result in three(FAST, case):
            assert not any(np.shares_memory(result, a) for a in case[:4] if a is not None)
            result[...] = 7
    for a, kept in zip(case[:4], before, strict=True):
        np.testing.assert_array_equal(a, kept)


@settings(max_examples=20)
@given(cases(), st.integers(1, 1 << 20), st.integers(1, 1 << 16), st.integers(1, 500), st.data())
def test_blocks_strips_and_parts_may_have_any_size(case, block, strip, tiles, data):
    tile, sums = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 1 << 20))
    units, outputs = data.draw(st.integers(1, 50)), data.draw(st.sampled_from([1, 16, 32]))
    with everywhere(BLOCK_BYTES=block, STRIP_BYTES=strip, SUM_TILES=tiles, MIN_BLOCK_TILES=tile, SUM_BYTES=sums,
                    UNITS_PER_THREAD=units, PART_OUTPUTS=outputs):  # fmt: skip
        assert_close(three(FAST, case), case)


@settings(max_examples=20)
@given(cases(dtype=st.just(np.float32)), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_not_lost(case, value, data):
    if case.x.size == 0:
        return
    at = tuple(data.draw(st.integers(0, n - 1)) for n in case.x.shape)
    case.x[at] = value
    with everywhere(), np.errstate(invalid="ignore"):
        for result, expected in zip(three(FAST, case), defined(case), strict=True):
            assert not np.isfinite(result[~np.isfinite(expected)]).any()


@pytest.mark.parametrize("taps", [3, 5])
def test_an_infinite_kernel_gives_no_warning_that_the_definition_does_not_give(taps):
    case = layer(c=16, o=21, taps=taps)
    case.w[3, 5, 0, 1] = np.inf
    with np.errstate(all="raise"):
        out = winograd.conv(case.x, case.w, None, **case.settings)
    assert not np.isfinite(out[:, 3]).any()
    assert np.isfinite(out[:, :3]).all()
    assert np.isfinite(out[:, 4:]).all()


@pytest.mark.parametrize("taps", [3, 5])
def test_denormal_numbers_are_kept(taps):
    case = layer(c=24, o=8, taps=taps)
    tiny = np.float32(1e-41)
    tenth = case._replace(x=np.full_like(case.x, tiny), w=np.ones_like(case.w))
    out = winograd.conv(tenth.x, tenth.w, None, **case.settings)
    np.testing.assert_allclose(out[:, :, 4:-4, 4:-4], tiny * np.float32(24 * taps**2), rtol=0.05)


@pytest.mark.parametrize("channels", [1, 5, 7, 8, 16, 99])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_block_is_transposed_and_its_last_channel_repeated(dtype, channels):
    size = 64 // np.dtype(dtype).itemsize
    real = min(channels, size)
    jit = import_module("numba").njit

    @jit
    def there(x, y, places, count):
        simd.pack_block(x, 3, 40, count, y, places, 1, 5)

    @jit
    def back(x, y, places, count):
        simd.unpack_block(x, 3, 40, count, y, places, 1, 5)

    x = np.random.default_rng(0).normal(size=3 + 40 * size + size).astype(dtype)
    places = np.random.default_rng(1).permutation(size + 1) * size
    y, again = np.zeros(5 + (size + 1) * size, dtype), np.zeros_like(x)
    there(x, y, places, channels)
    for a in range(size):
        column = x[3 + a :: 40][:real]
        np.testing.assert_array_equal(y[5 + places[1 + a] :][:size], np.pad(column, (0, size - real), mode="edge"))
    back(again, y, places, channels)
    for c in range(size):
        np.testing.assert_array_equal(again[3 + 40 * c :][:size], x[3 + 40 * c :][:size] if c < real else 0)


@pytest.mark.parametrize(("features", "expected"), [("+avx,+avx2,+fma", "False"), ("+avx2,+avx512f", "True")])
def test_register_tiles_are_those_of_the_processor_that_numba_compiles_for(features, expected):
    program = "from minigrad.kernels.register_tiles_numba import HAS_AVX512; print(HAS_AVX512)"
    told = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | told, capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize("taps", [3, 5])
def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch, taps):
    case, results = layer(c=40, o=150, taps=taps), []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(three(FAST, case))
    for others in results[1:]:
        for a, b in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("c", "o", "taps"), [(16, 48, 3), (24, 40, 3), (16, 48, 5), (8, 16, 5)])
def test_layers_with_enough_channels_are_answered_by_it(c, o, taps):
    case = layer(c=c, o=o, taps=taps)
    for a, b in zip(three((conv, conv_input, conv_weight), case), three(FAST, case), strict=True):
        np.testing.assert_array_equal(a, b)


def refused(case):
    return all(result is NotImplemented for result in three(FAST, case))


def test_it_leaves_alone_what_it_cannot_do_or_not_faster():
    case = layer(c=32, o=16)
    for setting in ({"stride": (2, 2)}, {"dilation": (2, 1)}, {"groups": 2}, {"padding": (3, 1)}):
        assert refused(case._replace(settings=case.settings | setting))
    for kernel in ((1, 3), (4, 4), (3, 5)):
        assert refused(case._replace(w=np.ones((16, 32, *kernel), np.float32)))
    assert refused(layer(c=32, o=16, dtype=np.float16))
    assert winograd.conv(case.x, case.w.astype(np.float64), case.b, **case.settings) is NotImplemented
    assert refused(layer(c=7, o=32))
    assert refused(layer(c=32, o=7))
    assert refused(layer(c=8, o=15))
    assert refused(layer(c=32, o=16, n=1, size=(8, 8)))
    assert not refused(layer(c=32, o=16, n=2, size=(8, 8)))
    assert refused(layer(c=32, o=16, n=64, size=(2, 2)))
    assert not refused(layer(c=32, o=16, n=64, size=(2, 3)))
    assert refused(layer(c=32, o=16, n=64, size=(1, 1), taps=5))
    assert not refused(layer(c=32, o=16, n=64, size=(1, 2), taps=5))


@pytest.mark.parametrize("taps", [3, 5])
def test_sums_over_512_channels_are_right_to_five_digits(taps):
    case = layer(n=2, c=512, o=64, size=(16, 16), taps=taps)
    for result, expected in zip(three(FAST, case), defined(case), strict=True):
        assert np.abs(result - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("taps", [3, 5])
def test_the_bound_on_rounding_is_what_the_matrices_magnify(taps):
    count = matrices.windows(taps)
    a = np.stack(matrices.windows_to_points(np.eye(count)))
    g = np.stack(matrices.taps_to_points(np.eye(taps)))
    b = np.stack(matrices.pixels_to_points(np.eye(6)))
    np.testing.assert_allclose(matrices.points_to_windows(np.eye(6), count), a.T)
    np.testing.assert_allclose(matrices.points_to_taps(np.eye(6), taps), g.T)
    i, p, j = np.ogrid[:count, :taps, :6]
    np.testing.assert_allclose(np.einsum("ti,tp,tj->ipj", a, g, b), i + p == j, atol=1e-15)
    assert np.einsum("ti,tp,tj->ipj", *map(np.abs, (a, g, b))).max() == pytest.approx(MAGNIFIED**0.5)
