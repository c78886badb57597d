"""Numerical derivatives: their errors are honest, and small."""

import numpy as np
import pytest

from minigrad.testing.numeric.finite_difference import central_difference, complex_step, dyadic_direction
from minigrad.testing.numeric.step_search import adaptive_difference

EPSILON = np.finfo(float).eps

FUNCTIONS = {
    "sin": (np.sin, np.cos, (-3, 3)),
    "exp": (np.exp, np.exp, (-3, 3)),
    "log": (np.log, lambda x: 1 / x, (0.01, 3)),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), (0.01, 3)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, (-4, 4)),
    "cubic": (lambda x: x**3 - x, lambda x: 3 * x**2 - 1, (-4, 4)),
    "wave": (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x), (-2, 2)),
    "rational": (lambda x: 1 / (1 + 25 * x * x), lambda x: -50 * x / (1 + 25 * x * x) ** 2, (-1, 1)),
    "cancellation": (lambda x: (np.sin(x) + 1e6) - 1e6, np.cos, (-3, 3)),
    "abs": (np.abs, np.sign, (-1, 1)),
}


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_error_is_honest_and_small(name, method, rng):
    f, derivative, (low, high) = FUNCTIONS[name]
    x = rng.uniform(low, high, 400)
    v = dyadic_direction(rng, x)
    expected = derivative(x) * v
    in_doubt = np.zeros(400, bool)
    if method == "central":
        slope = central_difference(f, x, v, f(x), EPSILON)
    else:
        slopes = adaptive_difference(f, x, v, f(x), EPSILON)
        slope, in_doubt = slopes.central, slopes.inconsistent
    apart = np.abs(slope.value - expected)
    honest = in_doubt | (apart <= slope.error + 4 * EPSILON * np.abs(expected))
    assert np.mean(honest) > 0.99
    assert np.mean(in_doubt) < 0.01 or name == "cancellation"
    relative = (slope.error / (np.abs(expected) + 1e-3))[~in_doubt]
    assert np.median(relative) < (1e-4 if name == "cancellation" else 1e-8)


@pytest.mark.parametrize("exponent", range(1, 12))
def test_kink_nearby_is_seen_from_both_sides(exponent):
    d = 10.0**-exponent
    x, v = np.array([d, -d]), np.ones(2)
    slopes = adaptive_difference(np.abs, x, v, np.abs(x), EPSILON)
    for slope in (slopes.central, slopes.left, slopes.right):
        np.testing.assert_allclose(slope.value, [1, -1], atol=1e-5)
        assert np.all(slope.error < 1e-4)


def test_kink_at_the_point_has_two_derivatives():
    x = np.zeros(1)
    slopes = adaptive_difference(lambda x: np.where(x > 0, np.sin(x), 3 * x), x, np.ones(1), x, EPSILON)
    np.testing.assert_allclose([slopes.left.value[0], slopes.right.value[0]], [3, 1], rtol=1e-9)
    assert slopes.central.error[0] > 1  # of the two-sided derivative nothing is known


def test_edge_of_a_domain_leaves_one_side():
    x = np.zeros(1)
    slopes = adaptive_difference(lambda x: x * np.sqrt(x) + x, x, np.ones(1), x, EPSILON)
    assert np.isinf(slopes.left.error[0])
    np.testing.assert_allclose(slopes.right.value, 1, atol=10 * slopes.right.error[0])


def test_jump_has_no_derivative():
    x = np.ones(1)
    slopes = adaptive_difference(np.floor, x, np.ones(1), x, EPSILON)
    assert slopes.central.error[0] > 1
    assert slopes.left.error[0] > 1
    assert abs(slopes.right.value[0]) < slopes.right.error[0] < 1e-6


def test_coarse_rounding_is_inconsistent_or_has_a_large_error(rng):
    def f(x):
        return np.sin(x.astype(np.float32)).astype(float)

    x = rng.uniform(-3, 3, 200)
    slopes = adaptive_difference(f, x, np.ones(200), f(x), EPSILON)
    apart = np.abs(slopes.central.value - np.cos(x))
    assert np.all(slopes.inconsistent | (apart <= 2 * slopes.central.error))


def test_complex_step_has_all_digits_where_the_function_allows(rng):
    x = rng.uniform(0.5, 2, 50)
    v = dyadic_direction(rng, x)
    f = lambda x: np.exp(np.sin(x)) / x  # noqa: E731
    real = central_difference(f, x, v, f(x), EPSILON)
    better = complex_step(f, x, v, f(x), real)
    expected = v * np.exp(np.sin(x)) * (np.cos(x) / x - 1 / x**2)
    np.testing.assert_allclose(better.value, expected, rtol=1e-13, atol=1e-15)
    assert np.all(better.error <= real.error)


def test_complex_step_is_refused_where_the_function_does_something_else(rng):
    x = rng.uniform(0.5, 2, 50)
    v = dyadic_direction(rng, x)
    for f in (np.abs, lambda x: np.real(x) ** 2, lambda x: np.abs(x) * np.real(x)):
        real = central_difference(f, x, v, f(x), EPSILON)
        found = complex_step(f, x, v, f(x), real)
        assert found is None or np.array_equal(found.value, real.value)
    assert complex_step(lambda x: np.array([float(t) for t in x]), x, v, x, real) is None
