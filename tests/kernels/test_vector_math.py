"""Exponentials, logarithms and error functions of generated loops: within a few units in the last place everywhere."""

import math

import numpy as np
import pytest

pytest.importorskip("numba")

from minigrad.kernels.fusion.fused import Fused
from minigrad.kernels.fusion.primitives import VECTOR_MATH
from minigrad.kernels.fusion.vector_math_numba import library
from minigrad.kernels.jit import compiled

LIMITS = {
    "exp": 1.5,
    "expm1": 2,
    "log": 1,
    "log1p": 1,
    "tanh": 3,
    "erf": 3,
    "erfc": 6,
    "gaussian": 2,
}  # units in the last place
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 1e-45, -1e-45, 1e-40, -1e-310, 5e-324, 3e38, -3e38]
NUMPY = {name: getattr(np, name, None) for name in LIMITS}


def loop(name, dtype):
    functions = library(dtype)
    if name in ("erf", "erfc"):
        given, gaussian = getattr(functions, f"{name}_given"), functions.gaussian

        @compiled
        def run_given(out, x):
            for i in range(len(x)):
                out[i] = given(x[i], gaussian(x[i]))

        return run_given
    function = getattr(functions, name)

    @compiled
    def run(out, x):
        for i in range(len(x)):
            out[i] = function(x[i])

    return run


def points(name, dtype):
    """Numbers of all sizes and signs, more of them where the function changes, and special ones."""
    rng, most = np.random.default_rng(0), 87 if dtype == np.float32 else 700
    parts = [rng.normal(size=8000) * scale for scale in (1e-3, 0.3, 1, 5, 30, most)]
    parts += [sign * np.exp(rng.uniform(-most, most, 8000)) for sign in (1, -1)]
    parts += [
        rng.uniform(low, high, 8000) for low, high in ((-1, 1), (0.5, 2), (-most - 45, -most + 5), (most, most + 12))
    ]
    with np.errstate(over="ignore"):
        return np.concatenate([*parts, SPECIAL]).astype(dtype)


def exact(name, x):
    """The function in more digits than x has."""
    wide = x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)
    if name == "gaussian":
        wide = np.clip(wide, -40, 40)
        head = wide.astype(np.float32).astype(wide.dtype)  # its square is exact
        return np.exp(-head * head) * np.exp((head - wide) * (head + wide))
    if NUMPY[name] is None:
        return np.array([getattr(math, name)(v) for v in x.astype(np.float64)])
    return NUMPY[name](wide)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_functions_are_right_to_the_last_digits_on_the_whole_line(name, dtype):
    if dtype == np.float64 and name not in ("erf", "erfc") and np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("there is no wider dtype to compare with here")
    x = points(name, dtype)
    out = np.empty_like(x)
    loop(name, dtype)(out, x)
    with np.errstate(all="ignore"):
        true = exact(name, x)
        rounded = true.astype(dtype)
        errors = np.abs(out - true) / np.spacing(np.abs(rounded))
    same = (out == rounded) | (np.isnan(out) & np.isnan(rounded))
    assert np.isfinite(errors[~same]).all(), x[~same][~np.isfinite(errors[~same])]
    assert errors[~same].max(initial=0) <= LIMITS[name], x[~same][errors[~same].argmax()]
    assert (np.signbit(out) == np.signbit(rounded))[~np.isnan(rounded)].all()


def test_every_function_of_the_library_is_measured():
    assert {name.removesuffix("_given") for name in VECTOR_MATH} == set(LIMITS)
    assert vars(library(np.float32)).keys() == VECTOR_MATH.keys()


@pytest.mark.parametrize("name", LIMITS)
def test_loops_are_vectorized(name):
    """In the machine code of a loop are instructions for several numbers at a time, and no call for each."""
    f = Fused(lambda x: applied(name, x), f"vectorized_{name}")
    x = np.linspace(0.1, 1, 4096, dtype=np.float32)
    assert f(x) is not NotImplemented
    (made,) = f._loops.values()
    function = made._function
    function.recompile()  # what is from the disk cannot be looked at
    (code,) = function.inspect_llvm().values()
    assert "x float>" in code


def applied(name, x):
    return x.graph.apply(name, x)
