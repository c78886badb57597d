"""Convolutions for Winograd's way, the plain results, and how far rounding may lead away from them."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight, jit

# What a rounding error of one point may grow to: the largest sum_t |A[t, i]| |G[t, p]| |B[t, j]| is 6 for an axis, of 3
# taps as of 5.
MAGNIFIED = 6**2

sizes = st.integers(1, 40)
dtypes = st.sampled_from([np.float32, np.float64])


class Case(NamedTuple):
    x: np.ndarray
    w: np.ndarray
    b: np.ndarray | None
    g: np.ndarray
    settings: dict


@st.composite
def cases(draw, dtype=dtypes, numbers=None):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, c, o, r = draw(st.integers(0, 5)), draw(sizes), draw(sizes), draw(st.sampled_from([3, 5]))
    height, width = draw(st.integers(r, 22)), draw(st.integers(r, 22) | st.integers(120, 150))
    padding, kind = draw(st.tuples(st.integers(0, r - 1), st.integers(0, r - 1))), draw(dtype)
    make = numbers or (lambda rng, shape, dtype: rng.normal(size=shape).astype(dtype))
    return Case(
        make(rng, (n, c, height, width), kind),
        make(rng, (o, c, r, r), kind),
        make(rng, o, kind) if draw(st.booleans()) else None,
        make(rng, (n, o, height + 2 * padding[0] - r + 1, width + 2 * padding[1] - r + 1), kind),
        {"stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1},
    )


def three(kernels, case):
    return (
        kernels[0](case.x, case.w, case.b, **case.settings),
        kernels[1](case.g, case.w, shape=case.x.shape, **case.settings),
        kernels[2](case.x, case.g, shape=case.w.shape, **case.settings),
    )


def defined(case):
    """The plain results in double precision."""
    x, w, b, g = (None if a is None else a.astype(np.float64) for a in case[:4])
    with jit.numpy_only():
        return three((conv, conv_input, conv_weight), Case(x, w, b, g, case.settings))


def rounding(case):
    """How far results may be from the definition.

    Each point sums up what the definition does, over a tile, with errors of about eps of the sum of magnitudes.
    """
    x, w, b, g = (None if a is None else np.abs(a) for a in case[:4])
    eps = np.finfo(case.x.dtype).eps
    return [MAGNIFIED * eps * sums.max(initial=0) for sums in defined(Case(x, w, b, g, case.settings))]


def assert_close(results, case):
    for result, expected, tolerance in zip(results, defined(case), rounding(case), strict=True):
        assert result.dtype == case.x.dtype
        np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


def layer(n=3, c=48, o=40, size=(29, 21), dtype=np.float32, taps=3):
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=shape).astype(dtype) for shape in ((n, c, *size), (o, c, taps, taps), o))
    g, padding = rng.normal(size=(n, o, *size)).astype(dtype), (taps // 2, taps // 2)
    return Case(x, w, b, g, {"stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1})
