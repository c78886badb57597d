"""Convolutions for the way that cuts images into strips, and the plain results."""

from contextlib import contextmanager
from importlib import import_module
from unittest import mock

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight, jit

from .layouts import integers
from .winograd_cases import Case, three

pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
multiples = st.sampled_from([16, 32])  # of the lanes of both precisions
dtypes = st.sampled_from([np.float32, np.float64])


@contextmanager
def everywhere(**limits):
    """This way for the smallest convolutions too."""
    planes = import_module("minigrad.kernels.plane_convolution_numba")
    plans = planes.StripPlan.forward, planes.StripPlan.transposed
    with mock.patch.dict(vars(planes), {"MIN_WINDOWS": 0} | limits):
        for plan in plans:
            plan.cache_clear()
        yield
    for plan in plans:
        plan.cache_clear()


@st.composite
def cases(draw, ins=multiples):
    kernel, stride, dilation = draw(pairs.filter(lambda k: k != (1, 1))), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    size = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    count = tuple(
        (n + 2 * pad - d * (k - 1) - 1) // s + 1
        for n, k, s, pad, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    assume(min(count) > 0)
    n, c, o = draw(st.integers(0, 5)), draw(ins), draw(multiples)
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32))), draw(dtypes)
    return Case(
        integers(rng, (n, c, *size), dtype),
        integers(rng, (o, c, *kernel), dtype),
        integers(rng, o, dtype) if draw(st.booleans()) else None,
        integers(rng, (n, o, *count), dtype),
        {"stride": stride, "padding": padding, "dilation": dilation, "groups": 1},
    )


def defined(case):
    with jit.numpy_only():
        return three((conv, conv_input, conv_weight), case)


def assert_equal(results, expected):
    for a, b in zip(results, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def layer(c=16, o=32, n=3, kernel=(3, 3), size=(33, 30), stride=(2, 2), dtype=np.float32, groups=1):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(n, c, *size)).astype(dtype), rng.normal(size=(o, c // groups, *kernel)).astype(dtype)
    where = {"stride": stride, "padding": (1, 1), "dilation": (1, 1), "groups": groups}
    with jit.numpy_only():
        shape = conv(x, w, None, **where).shape
    return Case(x, w, None, rng.normal(size=shape).astype(dtype), where)
