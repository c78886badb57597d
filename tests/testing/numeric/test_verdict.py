"""The verdict over the common set of gradients: hardly a right one is blamed, hardly a wrong one passes.

`python -m minigrad.testing.scoreboard --tools` prints the same set for other tools.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict, check_grads
from minigrad.testing.scoreboard.pairs import RIGHT, WRONG
from minigrad.testing.scoreboard.pairs.wrong_by_scale import JUMP
from minigrad.testing.scoreboard.tools import opinion, ours

MOST_BLAMED = 0.01
LEAST_CAUGHT = 0.95
MOST_UNDECIDED = 0.05


def test_right_gradients_are_hardly_ever_blamed_or_left_undecided():
    verdicts = {pair.name: opinion(ours, pair).verdict for pair in RIGHT}
    blamed = [name for name, verdict in verdicts.items() if verdict is Verdict.WRONG]
    undecided = [name for name, verdict in verdicts.items() if verdict is Verdict.INCONCLUSIVE]
    assert len(blamed) <= MOST_BLAMED * len(RIGHT), blamed
    assert len(undecided) <= MOST_UNDECIDED * len(RIGHT), undecided


def test_wrong_gradients_that_can_be_seen_are_caught():
    visible = [pair for pair in WRONG if pair.visible]
    missed = [pair.name for pair in visible if opinion(ours, pair).verdict is not Verdict.WRONG]
    assert len(missed) <= (1 - LEAST_CAUGHT) * len(visible), missed


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("size", [1e-200, 1e-50, 1e-12, 1e-5, 1.0, 1e5, 1e50, 1e150])
@pytest.mark.parametrize("factor", [-1.0, 1.01, 1 + 1e-5])
def test_wrong_factor_is_found_at_every_size_of_the_argument(size, factor):
    x = size * np.array([1.0, -1.7])

    def cube_root(g, x):
        return g / (3 * np.cbrt(x) ** 2)

    assert check_grads(np.cbrt, x, vjp=cube_root).verdict is Verdict.CORRECT
    assert check_grads(np.cbrt, x, vjp=lambda g, x: factor * cube_root(g, x)).verdict is Verdict.WRONG


@pytest.mark.parametrize("n", [4, 300])
@pytest.mark.parametrize("small", [1e-3, 1e-5, 1e-7])
def test_wrong_entry_beside_large_ones_is_found(n, small, rng):
    weights = np.where(np.arange(n) == n // 2, small, 1.0)
    x = rng.normal(size=n)

    def negated(g, x):
        return g * weights * np.cos(x) * np.where(weights < 1, -1, 1)

    report = check_grads(lambda x: np.sum(weights * np.sin(x)), x, vjp=negated)
    assert (report.verdict, report.element) == (Verdict.WRONG, (n // 2,))


@pytest.mark.parametrize("n", [5, 1000])
@pytest.mark.parametrize("factor", [-1.0, 0.0, 1.01])
def test_wrong_output_beside_large_ones_is_found(n, factor, rng):
    weights = np.where(np.arange(n) == 3, 1e-6, 1.0)

    def wrong(g, x):
        return g * weights * np.cos(x) * np.where(weights < 1, factor, 1.0)

    report = check_grads(lambda x: weights * np.sin(x), rng.normal(size=n), vjp=wrong)
    assert (report.verdict, report.element) == (Verdict.WRONG, (3,))


@pytest.mark.parametrize("noise", [1e-12, 1e-8, 1e-6])
def test_noise_is_told_from_a_wrong_gradient(noise, rng):
    def f(x):
        return np.sin(x) + noise * np.sin(1e17 * x)

    x = rng.uniform(0.2, 1.2, 3)
    assert check_grads(f, x, vjp=lambda g, x: g * np.cos(x)).verdict is Verdict.CORRECT
    assert check_grads(f, x, vjp=lambda g, x: 1.1 * g * np.cos(x)).verdict is Verdict.WRONG


@pytest.mark.parametrize("decimals", [5, 7, 9])
def test_function_that_is_a_staircase_is_judged_by_its_trend(decimals, rng):
    def f(x):
        return np.round(np.sin(x), decimals)

    x = rng.uniform(0.2, 1.2, 3)
    assert check_grads(f, x, vjp=lambda g, x: g * np.cos(x)).verdict is Verdict.CORRECT
    assert check_grads(f, x, vjp=lambda g, x: 2 * g * np.cos(x)).verdict is Verdict.WRONG


@pytest.mark.parametrize("x", [[0.3], [800.0], [800.0, 1000.0, 900.0], [1e4], [1e6], [100.3], [1e4 + 0.5]])
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.floor, 0.0),
        (np.trunc, 0.0),
        (lambda x: np.mod(x, -1), 1.0),
        (lambda x: np.fmod(x, 1), 1.0),
        (lambda x: np.heaviside(x - 800, 0.5), 0.0),
    ],
)
def test_functions_with_jumps_are_not_blamed_for_their_slope_between_them(f, slope, x):
    # Steps that are powers of two meet one stair of a large number after the other, as if it were a straight line.
    assert check_grads(f, np.array(x), vjp=lambda g, x: slope * g).verdict is not Verdict.WRONG
    assert check_grads(f, np.array(x), vjp=lambda g, x: (slope + 2) * g).verdict is not Verdict.CORRECT


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e4])
def test_order_statistics_of_numbers_of_any_size(size):
    x = size * np.array([1.0, -2.0, 3.0])

    def unsorted(g, x):
        out = np.empty_like(x)
        out[np.argsort(x)] = g
        return out

    assert check_grads(np.sort, x, vjp=unsorted).verdict is Verdict.CORRECT
    assert check_grads(np.sort, x, vjp=lambda g, x: g).verdict is Verdict.WRONG


def test_gradient_of_0_of_a_function_in_single_precision_is_not_called_correct():
    def f(x):
        return np.sin(x.astype(np.float32)).astype(float)

    report = check_grads(f, np.array([0.3, 1.0]), vjp=lambda g, x: 0 * g)
    assert report.verdict is not Verdict.CORRECT


def test_agreement_to_single_precision_is_correct_and_told():
    report = check_grads(np.sin, np.array([0.3, 0.9]), vjp=lambda g, x: g * np.cos(x) * (1 + 1e-7))
    assert report.verdict is Verdict.CORRECT
    assert "agrees to 1e-07, like single precision" in report.note


@pytest.mark.parametrize("n", [1, 3, 200])
@pytest.mark.parametrize("mistake", [np.abs, np.sign, lambda g: g * np.abs(g), lambda g: np.maximum(g, 0)])
def test_rule_that_is_wrong_for_other_signs_or_sizes_of_the_cotangent_is_found(n, mistake, rng):
    report = check_grads(np.sin, rng.normal(size=n), vjp=lambda g, x: mistake(g) * np.cos(x))
    assert report.verdict is Verdict.WRONG


@pytest.mark.parametrize("pair", [pair for pair in WRONG if pair.kind == JUMP], ids=str)
def test_rule_that_jumps_within_the_last_digit_is_wrong_where_the_function_is_smooth(pair):
    assert opinion(ours, pair).verdict is Verdict.WRONG


def test_function_that_raises_outside_of_its_domain_is_judged_inside():
    def root(x):
        if np.any(x < 0):
            raise ValueError("negative")
        return np.sqrt(x)

    x = np.array([1e-3, 2.0, 1e-9])
    assert check_grads(root, x, vjp=lambda g, x: g / (2 * np.sqrt(x))).verdict is Verdict.CORRECT
    assert check_grads(root, x, vjp=lambda g, x: g / np.sqrt(x)).verdict is Verdict.WRONG


@pytest.mark.parametrize("power", [1.5, 2.5, 3.0])
def test_edge_of_a_domain_is_held_to_the_limit(power):
    x = np.array([0.0, 1.0])
    slope = lambda x: power * x ** (power - 1)  # noqa: E731
    assert check_grads(lambda x: x**power, x, vjp=lambda g, x: g * slope(x)).verdict is Verdict.CORRECT
    shifted = lambda g, x: g * (slope(x) + np.where(x == 0, 0.5, 0))  # noqa: E731
    assert check_grads(lambda x: x**power, x, vjp=shifted).verdict is Verdict.WRONG


@pytest.mark.parametrize("f", [np.cbrt, lambda x: np.sqrt(np.abs(x))])
def test_infinite_slope_is_not_blamed(f):
    assert check_grads(f, np.zeros(1), vjp=lambda g, x: g * np.inf).verdict is Verdict.INCONCLUSIVE
    assert check_grads(np.sin, np.zeros(1), vjp=lambda g, x: g * np.inf).verdict is Verdict.WRONG


def test_first_of_many_layers_is_judged_though_its_gradient_is_small(rng):
    weights = [np.array(w) for w in rng.normal(size=10)]

    def net(*weights):
        h = 1.0
        for w in weights:
            h = sigmoid(w * h)
        return h

    def backward(g, *weights, factor=1.0):
        values = [1.0]
        for w in weights:
            values.append(sigmoid(w * values[-1]))
        grads = []
        for w, before, h in zip(weights[::-1], values[-2::-1], values[::-1], strict=False):
            g = g * h * (1 - h)
            grads.insert(0, g * before)
            g = g * w
        grads[0] = grads[0] * factor
        return tuple(grads)

    assert check_grads(net, *weights, vjp=backward).verdict is Verdict.CORRECT
    twice = check_grads(net, *weights, vjp=lambda g, *w: backward(g, *w, factor=2.0))
    assert (twice.verdict, twice.argument) == (Verdict.WRONG, "argument 0")


@pytest.mark.parametrize(
    ("f", "x", "row"),
    [
        (lambda x: np.sum(np.abs(x)), np.zeros(500), np.zeros(500)),
        (lambda x: np.sum(np.abs(x)), np.zeros(50), np.full(50, 0.9)),
        (np.max, np.ones(300), np.full(300, 1 / 300)),
        (np.max, np.ones(300), np.eye(300)[0]),
        (np.var, np.full(5, 0.3), np.zeros(5)),
        (lambda x: np.linalg.norm(x), np.zeros(40), np.full(40, 0.1)),
    ],
)
def test_many_kinks_are_decided_by_a_few_hundred_calls(f, x, row):
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return f(x)

    assert check_grads(counted, x, vjp=lambda g, x: g * row).verdict is Verdict.CORRECT
    assert calls < 1500


def test_budget_of_calls_ends_the_check():
    report = check_grads(np.sin, np.ones(3), vjp=lambda g, x: g * np.cos(x), budget=5)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the budget of 5 calls was used up" in report.note
    assert check_grads(np.sin, np.ones(3), vjp=lambda g, x: g * np.cos(x), budget=500).verdict is Verdict.CORRECT


def test_budget_of_seconds_ends_the_check():
    report = check_grads(np.sin, np.ones(3), vjp=lambda g, x: g * np.cos(x), budget=0.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the budget of 0.0 seconds was used up" in report.note
    assert check_grads(mg.sin, np.ones(3), budget=60.0).verdict is Verdict.CORRECT
