"""Elementwise functions: NumPy's values, and what they promise at infinities and singular points."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import REGISTRY, Tensor
from tests.helper import variable

NAMES = {
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh, "atan": np.arctan,
    "atanh": np.arctanh, "exp2": np.exp2, "log2": np.log2, "log10": np.log10, "positive": np.positive,
    "trunc": np.trunc, "signbit": np.signbit,
}  # fmt: skip
BINARY = {
    "atan2": np.arctan2, "copysign": np.copysign, "hypot": np.hypot, "logaddexp": np.logaddexp,
    "nextafter": np.nextafter, "logical_xor": np.logical_xor,
}  # fmt: skip
LN2 = math.log(2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_function_of_one_argument_equals_numpys(name, dtype):
    x = np.array([0.25, 0.5, 1.0] if name not in ("acosh",) else [1.0, 2.0, 3.5], dtype)
    with np.errstate(divide="ignore"):
        found, expected = getattr(mg, name)(Tensor(x)), NAMES[name](x)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_function_of_two_arguments_equals_numpys(name, dtype):
    x, y = np.array([[-2.0], [0.0]], dtype), np.array([0.0, -0.0, 3.0], dtype)
    found, expected = getattr(mg, name)(Tensor(x), Tensor(y)), BINARY[name](x, y)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("name", [*NAMES, "sin", "exp", "sqrt", "abs"])
def test_integers_are_constants_and_give_numpys_values(name):
    x = np.array([1, 1])
    f = NAMES.get(name) or getattr(np, name)
    with np.errstate(divide="ignore"):
        out = getattr(mg, name)(Tensor(x))
        np.testing.assert_array_equal(out.numpy(), f(x))
    assert not out.requires_grad


def gradients(f, *values):
    xs = [variable(v) for v in values]
    out = f(*xs)
    out.backward(np.ones(out.shape))
    return [x.grad.tolist() for x in xs]


@pytest.mark.parametrize("x", [[0.0], [-0.0]])
@pytest.mark.parametrize("f", [mg.hypot, mg.atan2])
def test_gradient_at_the_origin_is_zero(f, x):
    assert gradients(f, x, [0.0]) == [[0], [0]]


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_hypot_and_atan2_neither_overflow_nor_vanish(scale):
    np.testing.assert_allclose(gradients(mg.hypot, [3 * scale], [4 * scale]), [[0.6], [0.8]])
    np.testing.assert_allclose(gradients(mg.atan2, [3 * scale], [4 * scale]), [[0.16 / scale], [-0.12 / scale]])


def test_atan2_on_the_axes():
    assert gradients(mg.atan2, [0.0, 2.0, 0.0], [2.0, 0.0, -2.0]) == [[0.5, 0, -0.5], [0, -0.5, 0]]


def test_logaddexp_of_infinities():
    inf = math.inf
    x, y = [inf, -inf, inf, 1.0, -inf], [inf, -inf, -inf, -inf, 1.0]
    assert mg.logaddexp(Tensor(x), Tensor(y)).tolist() == [inf, -inf, inf, 1, 1]
    assert gradients(mg.logaddexp, x, y) == [[0.5, 0.5, 1, 1, 0], [0.5, 0.5, 0, 0, 1]]


def test_logaddexp_of_huge_numbers():
    assert gradients(mg.logaddexp, [1e300, 800.0, -800.0], [0.0, 800.0, -800.0]) == [[1, 0.5, 0.5], [0, 0.5, 0.5]]


ONE_ARGUMENT = sorted(
    name
    for name, op in REGISTRY.items()
    if op.elementwise and list(op.rules) == ["x"] == list(op.inputs)
    if not op.module.startswith("minigrad.special")  # whose values are SciPy's: its j0 is NaN at infinity
)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
@pytest.mark.parametrize("end", [np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_function_of_one_argument_has_its_limits_at_infinity(name, end):
    settings = {"threshold": 0.5, "value": 2.0} if name == "threshold" else {}

    def value_and_slope(x):
        x = variable([x])
        out = REGISTRY[name](x, **settings)
        out.backward()
        return np.array([out.item(), x.grad.item()])

    near, far = [value_and_slope(math.copysign(size, end)) for size in (1e60, 1e120)]
    converges = np.abs(near - far) < 1e-12
    np.testing.assert_allclose(value_and_slope(end)[converges], far[converges], atol=1e-12)


def test_weight_of_zero_makes_nothing_of_an_infinity_but_keeps_nan():
    w, x = variable([0.0, 0.0, 2.0, 0.0]), variable([np.inf, -np.inf, -np.inf, np.nan])
    out = mg.weighted(w, x)
    np.testing.assert_array_equal(out.numpy(), [0, 0, -np.inf, np.nan])
    out.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [0, 0, -np.inf, np.nan])
    np.testing.assert_array_equal(x.grad.numpy(), [0, 0, 2, 0])


def test_power_zero_is_flat_also_at_zero():
    assert gradients(mg.pow, [0.0, 0.0, 3.0], [0.0, 2.0, 0.0]) == [[0, 0, 0], [0, 0, math.log(3)]]


def test_copysign_passes_the_sign_on_and_is_flat_at_zero():
    assert gradients(mg.copysign, [2.0, -2.0, 2.0, 0.0], [1.0, 1.0, -0.0, 1.0]) == [[1, -1, -1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [(mg.asinh, 1e200, 1e-200), (mg.acosh, 1e200, 1e-200), (mg.log2, 1e-300, 1e300 / LN2), (mg.exp2, -2000.0, 0.0)],
)
def test_slope_far_out_is_the_right_one(f, x, expected):
    np.testing.assert_allclose(gradients(f, [x]), [[expected]])


@pytest.mark.parametrize(
    ("f", "edge"),
    [(mg.asin, 1.0), (mg.acos, -1.0), (mg.atanh, 1.0), (mg.acosh, 1.0), (mg.log2, 0.0), (mg.log10, 0.0)],
)
def test_branch_not_taken_at_the_edge_of_the_domain_sends_no_nan(f, edge):
    x = variable([edge])
    with np.errstate(all="ignore"):
        mg.where(np.array([False]), f(x), 0.0).sum().backward()
    assert x.grad.tolist() == [0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.5, 1]),
        (None, 1, [-2, 0.5, 1]),
        (0, None, [0, 0.5, 3]),
        (None, None, [-2, 0.5, 3]),
        (2, 1, [1, 1, 1]),
    ],
)
def test_clip_has_numpys_values(low, high, expected):
    assert mg.clip(Tensor([-2.0, 0.5, 3.0]), low, high).tolist() == expected


def test_clip_gives_the_bounds_what_they_hold():
    x, low, high = variable([-2.0, 0.5, 3.0, 1.0, 0.0]), variable(0.0), variable(1.0)
    mg.clip(x, low, high).sum().backward()
    assert (x.grad.tolist(), low.grad.item(), high.grad.item()) == ([0, 1, 0, 1, 1], 1, 1)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["atan2", "hypot", "logaddexp", "copysign"])
def test_gradient_equals_pytorchs(name, torch, rng):
    x, y = rng.normal(size=(3, 1)), rng.normal(size=4)
    mine, theirs = [variable(x), variable(y)], [torch.tensor(v, requires_grad=True) for v in (x, y)]
    getattr(mg, name)(*mine).sum().backward()
    getattr(torch, name)(*theirs).sum().backward()
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "quotient"),
    [(np.inf, 2.0, np.inf), (np.inf, -2.0, -np.inf), (-np.inf, 2.0, -np.inf), (-np.inf, -2.0, np.inf),
     (2.0, np.inf, 0.0), (-2.0, np.inf, -0.0), (2.0, -np.inf, -0.0), (np.inf, np.inf, np.nan), (-3.0, 2.0, -2.0)],
)  # fmt: skip
def test_floor_divide_at_infinities_is_the_standards(x, y, quotient):
    for out in (mg.Tensor(x) // mg.Tensor(y), mg.Tensor(x) // y, x // mg.Tensor(y)):
        np.testing.assert_array_equal(out.numpy(), quotient)
        assert np.signbit(out.numpy()) == np.signbit(quotient) or np.isnan(quotient)


def test_round_keeps_integers():
    x = mg.Tensor(np.array([1, 200], np.uint8))
    assert mg.round(x).dtype == np.rint(mg.Tensor([1.5])).astype(np.uint8).dtype == np.uint8
    assert mg.round(x).tolist() == [1, 200]
