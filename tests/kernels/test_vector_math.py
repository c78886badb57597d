"""The functions of generated loops: within a few units in the last place on the whole line."""

import math

import numpy as np
import pytest

pytest.importorskip("numba")

from minigrad.kernels.fusion.fused import Fused
from minigrad.kernels.fusion.powers_numba import LARGEST_QUOTIENT
from minigrad.kernels.fusion.primitives import VECTOR_MATH
from minigrad.kernels.fusion.trigonometry_numba import FARTHEST
from minigrad.kernels.fusion.vector_math_numba import library
from minigrad.kernels.jit import compiled

LIMITS = {  # units in the last place
    "exp": 1.5, "exp_nonpositive": 1.5, "expm1": 2, "exp2": 1.1, "log": 1, "log1p": 1, "log2": 1, "log10": 1, "tanh": 3,
    "erf": 3, "erfc": 6, "gaussian": 2, "sin": 1, "cos": 1, "tan": 2.2, "arcsin": 1.6, "arccos": 1.6, "arctan": 2,
    "arctan2": 2, "sinh": 2, "cosh": 2, "arcsinh": 1.1, "arccosh": 1, "arctanh": 1, "hypot": 1.2, "remainder": 0,
    "floor_divide": 0, "wide_power": 0.6,
}  # fmt: skip
TWO = {"arctan2", "hypot", "remainder", "floor_divide", "wide_power"}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 1e-45, -1e-45, 1e-40, -1e-310, 5e-324, 3e38, -3e38]
NUMPY = {name: getattr(np, name.removeprefix("wide_").removesuffix("_nonpositive"), None) for name in LIMITS}


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
    if name in TWO:

        @compiled
        def run_two(out, x, y):
            for i in range(len(x)):
                out[i] = function(x[i], y[i])

        return run_two

    @compiled
    def run(out, x):
        for i in range(len(x)):
            out[i] = function(x[i])

    return run


def arguments(name, dtype):
    """What the function is called with: numbers that it is made for."""
    x = points(dtype)
    if name in ("sin", "cos", "tan"):
        turns = np.arange(-40000, 40000, 7) * (np.pi / 2)
        return [np.concatenate([x[~(np.abs(x) > FARTHEST)], turns.astype(dtype)])]
    if name == "exp_nonpositive":
        return [-np.abs(x)]
    if name not in TWO:
        return [x]
    rng, special = np.random.default_rng(1), np.array(SPECIAL).astype(dtype)
    y = rng.permutation(x)
    y[::3] = x[::3] * rng.normal(size=len(x[::3])).astype(dtype)
    if name == "wide_power":
        y[::2] = np.rint(8 * rng.normal(size=len(y[::2])))
    x, y = (np.concatenate([a, b.ravel()]) for a, b in zip((x, y), np.meshgrid(special, special), strict=True))
    if name in ("remainder", "floor_divide"):
        fits = ~(np.abs(x / y) > LARGEST_QUOTIENT)
        x, y = x[fits], y[fits]
    return [x, y]


def points(dtype):
    """Numbers of all sizes and signs, more of them where functions change, and special ones."""
    rng, most = np.random.default_rng(0), 87 if dtype == np.float32 else 700
    parts = [rng.normal(size=4000) * scale for scale in (1e-3, 0.3, 1, 5, 30, most)]
    parts += [sign * np.exp(rng.uniform(-most, most, 4000)) for sign in (1, -1)]
    parts += [
        rng.uniform(low, high, 4000) for low, high in ((-1, 1), (0.5, 2), (-most - 45, -most + 5), (most, most + 12))
    ]
    parts += [one + sign * np.exp(rng.uniform(-35, 0, 4000)) for one, sign in ((1, 1), (1, -1), (-1, 1))]
    with np.errstate(over="ignore"):
        return np.concatenate([*parts, SPECIAL]).astype(dtype)


def exact(name, x, *more):
    """The function in more digits than x has; remainders are exact as they are."""
    wide = x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)
    if name in ("remainder", "floor_divide"):
        return NUMPY[name](x, *more).astype(wide.dtype)
    if name == "gaussian":
        wide = np.clip(wide, -40, 40)
        head = wide.astype(np.float32).astype(wide.dtype)  # its square is exact
        return np.exp(-head * head) * np.exp((head - wide) * (head + wide))
    if NUMPY[name] is None:
        return np.array([getattr(math, name)(v) for v in x.astype(np.float64)])
    return NUMPY[name](wide, *[y.astype(wide.dtype) for y in more])


@pytest.mark.family
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_functions_are_right_to_the_last_digits_on_the_whole_line(name, dtype):
    if dtype == np.float64 and name not in ("erf", "erfc") and np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("there is no wider dtype to compare with here")
    if dtype == np.float64 and name == "wide_power":
        pytest.skip("is for float32 only")
    with np.errstate(all="ignore"):
        args = arguments(name, dtype)
    x = np.stack(args, axis=-1)
    out = np.empty_like(args[0])
    loop(name, dtype)(out, *args)
    with np.errstate(all="ignore"):
        true = exact(name, *args)
        rounded = true.astype(dtype)
        errors = np.abs(out - true) / np.spacing(np.abs(rounded))
    same = (out == rounded) | (np.isnan(out) & np.isnan(rounded))
    assert np.isfinite(errors[~same]).all(), x[~same][~np.isfinite(errors[~same])]
    assert errors[~same].max(initial=0) <= LIMITS[name], x[~same][errors[~same].argmax()]
    assert (np.signbit(out) == np.signbit(rounded))[~np.isnan(rounded)].all()


def test_every_function_of_the_library_is_measured():
    assert {name.removesuffix("_given") for name in VECTOR_MATH} == set(LIMITS)
    assert vars(library(np.float32)).keys() == VECTOR_MATH.keys()


@pytest.mark.family
@pytest.mark.parametrize("name", LIMITS)
def test_loops_are_vectorized(name):
    """In the machine code of a loop are instructions for several numbers at a time, and no call for each."""
    f = Fused(lambda x: x.graph.apply(name, *[x] * (1 + (name in TWO))), f"vectorized_{name}")
    x = np.linspace(0.1, 1, 4096, dtype=np.float32)
    assert f(x) is not NotImplemented
    (made,) = f._loops.values()
    function = made._function
    function.recompile()  # what is from the disk cannot be looked at
    (code,) = function.inspect_llvm().values()
    assert "x float>" in code
