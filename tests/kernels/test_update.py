"""Optimizer updates: the compiled variants against the definitions, on all lengths and with NaN and infinity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import jit, update

BASE = {"sign": 1.0, "weight_decay": 0.01, "lr": 0.1}
BETAS = {"beta1": 0.9, "beta2": 0.99}
ADAM = {
    "weight_decay": 0.01,
    "shrink": 0.999,
    "g_scale": 0.02,
    "m_scale": 0.1,
    "root_scale": 2.0,
    "eps": 1e-3,
    "sign": 1.0,
    **BETAS,
}
RMS = {**BASE, "alpha": 0.9, "eps": 1e-3, "momentum": 0.8}

# the kernel, its arrays (g any number, + at least 0, - none), and its settings
ROWS = {
    "sgd": ("sgd", "pg", BASE),
    "sgd climbing": ("sgd", "pg", {**BASE, "sign": -1.0}),
    "momentum": ("sgd_momentum", "pgg", {**BASE, "momentum": 0.9, "gain": 0.7, "nesterov": False}),
    "nesterov": ("sgd_momentum", "pgg", {**BASE, "momentum": 0.9, "gain": 1.0, "nesterov": True}),
    "lion": ("lion", "pgg", {"sign": -1.0, "shrink": 0.99, "lr": 0.1, **BETAS}),
    "adagrad": ("adagrad", "pg+", {**BASE, "eps": 1e-3}),
    "adadelta": ("adadelta", "pg++", {**BASE, "eps": 1e-3, "rho": 0.9}),
    "rmsprop": ("rmsprop", "pg+--", RMS),
    "rmsprop centered": ("rmsprop", "pg+g-", RMS),
    "rmsprop momentum": ("rmsprop", "pg+-g", RMS),
    "rmsprop both": ("rmsprop", "pg+gg", {**RMS, "sign": -1.0}),
    "adam": ("adam", "pgg+-", {**ADAM, "g_scale": 0.0}),
    "nadam": ("adam", "pgg+-", ADAM),
    "amsgrad": ("adam", "pgg++", {**ADAM, "sign": -1.0}),
    "lamb": (
        "adam_direction",
        "pgg+g",
        {**BETAS, "sign": -1.0, "weight_decay": 0.1, "m_scale": 2.0, "root_scale": 3.0, "eps": 1e-3},
    ),
    "adamax": ("adamax", "pgg+", {**BASE, "eps": 1e-3, **BETAS}),
    "blend": ("blend", "pg", {"share": 0.3}),
}
SIZES = [jit.MIN_COMPILED_SIZE, update.BLOCK + 1, 3 * update.BLOCK, (1 << 19) + 7]
every_row = pytest.mark.parametrize("row", ROWS)


def arrays(kinds, rng, size, dtype):
    def one(kind):
        x = rng.normal(size=size).astype(dtype)
        return None if kind == "-" else np.abs(x) + dtype(0.1) if kind == "+" else x

    made = [one(kind) for kind in kinds]
    if kinds[3:4] == "g" and kinds[2] == "+":
        made[2] += made[3] ** 2  # a mean of squares is at least the square of the mean
    return made


def both(row, before):
    kernel, _, numbers = ROWS[row]
    fast, plain = ([None if x is None else x.copy() for x in before] for _ in range(2))
    with np.errstate(all="ignore"):
        getattr(update, kernel)(*fast, **numbers)
        with jit.numpy_only():
            getattr(update, kernel)(*plain, **numbers)
    return fast, plain


def condition(row, after):
    """How much rounding errors grow: s - m^2, where it is small beside s, keeps few of the digits of s."""
    if ROWS[row][0] != "rmsprop" or after[3] is None:
        return 1.0
    s, m = after[2].astype(np.float64), after[3].astype(np.float64)
    return (s + m * m) / (s - m * m)


@pytest.mark.family
@every_row
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.sampled_from(SIZES))
def test_compiled_kernels_equal_their_definitions_up_to_rounding(row, dtype, seed, size):
    pytest.importorskip("numba")
    before = arrays(ROWS[row][1], np.random.default_rng(seed), size, dtype)
    fast, plain = both(row, before)
    bound = 64 * np.finfo(dtype).eps * condition(row, plain)
    for x, y, start in zip(fast, plain, before, strict=True):
        if x is not None:
            assert x.dtype == dtype
            terms = 1 + np.abs(start) + np.abs(y.astype(np.float64) - start)  # what was summed to get there
            assert (np.abs(x.astype(np.float64) - y) <= bound * terms).all()
    np.testing.assert_array_equal(fast[1], before[1])  # the gradient is read only
    assert not np.array_equal(fast[0], before[0])


@every_row
def test_what_is_not_a_number_stays_where_it_is(row):
    pytest.importorskip("numba")
    before = arrays(ROWS[row][1], np.random.default_rng(0), jit.MIN_COMPILED_SIZE, np.float64)
    before[1][5] = np.nan
    for after in both(row, before):
        assert np.flatnonzero(np.isnan(after[0])).tolist() == [5]


@every_row
@pytest.mark.parametrize("size", [0, 1, update.BLOCK - 1, update.BLOCK + 1])
def test_blocks_do_not_show(row, size):
    kernel, kinds, numbers = ROWS[row]
    whole = arrays(kinds, np.random.default_rng(1), size, np.float64)
    halves = [None if x is None else x.copy() for x in whole]
    with jit.numpy_only():
        getattr(update, kernel)(*whole, **numbers)
        for part in (slice(0, size // 3), slice(size // 3, size)):
            getattr(update, kernel)(*[None if x is None else x[part] for x in halves], **numbers)
    for x, y in zip(whole, halves, strict=True):
        np.testing.assert_array_equal(x, y)


@every_row
def test_half_precision_is_kept(row):
    before = arrays(ROWS[row][1], np.random.default_rng(2), jit.MIN_COMPILED_SIZE, np.float16)
    fast, plain = both(row, before)
    np.testing.assert_array_equal(fast[0], plain[0])
    assert fast[0].dtype == np.float16


def test_spread_that_rounding_makes_negative_counts_as_none():
    pytest.importorskip("numba")
    n = jit.MIN_COMPILED_SIZE
    before = [np.zeros(n), np.full(n, 0.1), np.full(n, 0.01 - 1e-12), np.full(n, 0.1), None]
    kernel, numbers = update.rmsprop, {**RMS, "weight_decay": 0.0}
    for plain in (False, True):
        after = [None if x is None else x.copy() for x in before]
        if plain:
            with jit.numpy_only():
                kernel(*after, **numbers)
        else:
            kernel(*after, **numbers)
        np.testing.assert_allclose(after[0], -0.1 * 0.1 / 1e-3)
