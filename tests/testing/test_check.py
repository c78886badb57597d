"""`check_grads` says correct, wrong and inconclusive where each is true, whatever the size."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, functional
from minigrad.autograd.registry import REGISTRY, op
from minigrad.errors import ShapeError, UsageError
from minigrad.testing import Report, Verdict, check_grads

CORRECT, WRONG, INCONCLUSIVE = Verdict.CORRECT, Verdict.WRONG, Verdict.INCONCLUSIVE


@pytest.fixture(autouse=True)
def _own_ops():
    """Ops made in a test are gone after it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def unary(forward, rule):
    """An op of one input with the given rule."""
    made = op(name="test_judged")(lambda x: forward(x))
    made.vjp("x")(rule)
    return made


def without_element(k):
    """sin, with a rule that forgets one element."""

    def rule(g, x):
        kept = np.ones(x.shape)
        kept.reshape(-1)[k] = 0
        return g * mg.cos(x) * kept

    return unary(np.sin, rule)


RIGHT = {
    "sin": (mg.sin, [0.3]),
    "product": (mg.multiply, [np.array([1.0, -2.0]), np.array([[0.5], [3.0]])]),
    "matmul": (mg.matmul, [np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)]),
    "softmax": (lambda x: functional.softmax(x, dim=-1), [np.arange(6.0).reshape(2, 3)]),
    "log beside the edge of its domain": (mg.log, [np.array([1e-6, 1e-3, 1.0, 1e4])]),
    "sqrt beside the edge of its domain": (mg.sqrt, [np.array([1e-9, 1e-4, 2.0])]),
    "large arguments": (lambda x: mg.sin(x * 1e-5), [np.array([1e6, -3e5])]),
    "small values": (lambda x: mg.exp(x) * 1e-30, [np.array([0.5, 1.0])]),
    "large values": (lambda x: mg.exp(x) * 1e30, [np.array([0.5, 1.0])]),
    "constant": (lambda x: x * 0 + 3, [np.array([0.5, 1.0])]),
    "sum of a softmax": (lambda x: mg.sum(functional.softmax(x, dim=-1)), [np.arange(4.0)]),
    "floor": (mg.floor, [np.array([0.5, 1.2])]),
    "several results": (lambda x, y: (mg.sin(x * y), mg.sum(x)), [np.array([0.5, 1.0]), np.array([1.5, -1.0])]),
    "Tensors": (mg.sin, [Tensor(np.array([0.5, 1.0]))]),
}


@pytest.mark.parametrize(("f", "args"), RIGHT.values(), ids=RIGHT)
def test_right_rule_is_correct(f, args):
    report = check_grads(f, *args)
    assert report.verdict is CORRECT, str(report)
    assert report
    assert report.order == 2
    assert report.error < 1e-5


@pytest.mark.parametrize("n", [1, 500, 100_000])
def test_zero_derivative_of_sin_is_wrong_at_every_size(n, rng):
    zero = unary(np.sin, lambda g, x: g * (x * 0))
    x = rng.normal(size=n)
    report = check_grads(zero, x)
    assert (report.verdict, report.found) == (WRONG, 0)
    np.testing.assert_allclose(report.expected, np.cos(x[report.element]), rtol=1e-6)


@pytest.mark.parametrize("n", [1, 40, 500, 100_000])
def test_rule_that_forgets_one_element_is_wrong_there(n, rng):
    x, k = rng.normal(size=n), int(rng.integers(n))
    report = check_grads(without_element(k), x)
    assert (report.verdict, report.argument, report.element, report.found) == (WRONG, "argument 0", (k,), 0.0)
    np.testing.assert_allclose(report.expected, np.cos(x[k]), rtol=1e-6)


@pytest.mark.parametrize("n", [1, 500, 100_000])
@pytest.mark.parametrize("f", [mg.sin, lambda x: mg.sum(mg.sin(x))], ids=["elements", "sum"])
def test_right_rule_is_correct_at_every_size(f, n, rng):
    report = check_grads(f, rng.normal(size=n), order=1)
    assert report.verdict is CORRECT, str(report)
    assert report.error < 1e-6


def test_element_of_the_second_argument_is_named():
    twice = op(name="test_judged")(lambda x, y: x * y)
    twice.vjp("x")(lambda g, y: g * y)
    twice.vjp("y")(lambda g, x: g * x * np.array([[1.0, 1.0], [1.0, 1.001]]))
    report = check_grads(twice, np.ones((2, 2)), np.ones((2, 2)))
    assert (report.verdict, report.argument, report.element) == (WRONG, "argument 1", (1, 1))
    assert report.found_gradient.shape == report.expected_gradient.shape == (4, 2, 2)
    np.testing.assert_allclose(report.expected_gradient.reshape(4, 4), np.eye(4), atol=1e-9)


@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.0, 1.01, 1 + 1e-6])
@pytest.mark.parametrize("n", [1, 500])
def test_wrong_factor_is_wrong_however_small(factor, n, rng):
    f = unary(np.exp, lambda g, out: g * out * factor)
    assert check_grads(f, rng.normal(size=n), order=1).verdict is WRONG


@pytest.mark.parametrize("n", [3, 500])
def test_rule_that_is_wrong_at_second_order_only(n, rng):
    # The slope is right as a number, and a constant to whoever differentiates it.
    f = unary(np.sin, lambda g, x: g * (x.detach().cos() if isinstance(x, Tensor) else np.cos(x)))
    x = rng.normal(size=n)
    assert check_grads(f, x, order=1).verdict is CORRECT
    report = check_grads(f, x)
    assert (report.verdict, report.order) == (WRONG, 2)
    assert "second order" in str(report)


@pytest.mark.parametrize("n", [1, 3, 500])
def test_rule_that_is_not_linear_in_the_cotangent_is_wrong(n, rng):
    f = unary(np.sin, lambda g, x: g * g * g * mg.cos(x))  # for cotangents of 1 it is right
    report = check_grads(f, rng.normal(size=n), order=1)
    assert report.verdict is WRONG
    assert n > 64 or "not linear in the cotangent" in report.note


def test_gradient_that_is_not_a_number_is_wrong():
    f = unary(lambda x: np.where(x > 0, x, 0.0), lambda g, x: g * (x / x))
    report = check_grads(f, np.array([0.5, -2.0]), order=1)
    assert report.verdict is WRONG
    broken = unary(np.sin, lambda g, x: g * mg.cos(x) * np.where(np.arange(100) == 7, np.nan, 1.0))
    report = check_grads(broken, np.linspace(0, 1, 100))
    assert (report.verdict, report.element) == (WRONG, (7,))


def test_lower_precision_inside_is_never_wrong(rng):
    for _ in range(20):
        report = check_grads(lambda x: mg.sin(x.astype(np.float32)), rng.normal(size=3))
        assert report.verdict is not WRONG, str(report)


def test_more_rounding_in_the_function_than_its_derivative_is_large_is_inconclusive():
    def f(x):
        return np.asarray((np.sin(x).astype(np.float64) + 1e12) - 1e12)

    report = check_grads(f, np.array([0.3, 1.1]), vjp=lambda g, x: g * np.cos(x))
    assert report.verdict is INCONCLUSIVE
    assert "numerical derivative" in report.note or "small steps" in report.note


def test_function_that_is_not_deterministic_is_inconclusive(rng):
    report = check_grads(lambda x: x * rng.normal(), np.ones(2))
    assert report.verdict is INCONCLUSIVE
    assert "not deterministic" in report.note


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_value_that_is_not_finite_is_inconclusive(value):
    report = check_grads(lambda x: x * value, np.ones(2))
    assert report.verdict is INCONCLUSIVE
    assert "not finite" in report.note


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_arguments_are_checked_in_float64_and_said_to_be(dtype):
    report = check_grads(mg.sin, np.array([0.5, 1.0], dtype))
    assert report
    assert report.note == "checked in float64: argument 0 was cast"


def test_integers_and_booleans_are_passed_as_they_are():
    report = check_grads(mg.where, np.array([True, False]), np.array([0.5, 1.0]), np.array([1.5, 2.0]))
    assert report
    taken = check_grads(lambda x, i: x[i], np.array([0.5, 1.0]), np.array([1, 1, 0]))
    assert taken


def test_argnums_and_settings():
    half = op(name="test_judged")(lambda x, y, *, scale: x * y * scale)
    half.vjp("x")(lambda g, y, *, scale: g * y * scale)
    half.vjp("y")(lambda g, x, *, scale: g * x)
    assert check_grads(half, 2.0, 3.0, argnums=0, scale=0.5)
    report = check_grads(half, 2.0, 3.0, scale=0.5)
    assert (report.verdict, report.argument, report.element) == (WRONG, "argument 1", ())


def test_empty_arrays_are_correct():
    report = check_grads(mg.sin, np.zeros((0, 3)))
    assert report
    assert "no elements" in report.note


def test_no_warning_escapes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_grads(mg.log, np.array([1e-5, 1.0]))
        check_grads(mg.log, np.array([0.0, 1.0]))
        check_grads(mg.sqrt, np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: check_grads(mg.sin, np.array([1, 2])), UsageError, "no argument is a floating Tensor"),
        (lambda: check_grads(lambda x: 3.0, 1.0), UsageError, "must return a Tensor"),
        (lambda: check_grads(lambda x: mg.argmax(x), np.ones(2)), UsageError, "no floating Tensor"),
        (lambda: check_grads(mg.sin, 1.0, order=3), UsageError, "order must be 1 or 2"),
        (lambda: check_grads(mg.sin, 1.0, argnums=1), UsageError, "argument 1 is not"),
        (lambda: check_grads(np.sin, np.ones(2), grad=np.cos), ShapeError, "returns one number"),
    ],
)
def test_misuse_is_explained(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_exception_of_a_rule_is_let_through():
    def rule(g, x):
        raise ZeroDivisionError("as the rule says")

    with pytest.raises(ZeroDivisionError, match="as the rule says"):
        check_grads(unary(np.sin, rule), 1.0)


def test_hand_written_gradients_of_plain_functions(rng):
    A, b = rng.normal(size=(4, 3)), rng.normal(size=4)

    def loss(x, y):
        return np.sum((A @ x - y) ** 2)

    def gradient(x, y):
        r = A @ x - y
        return 2 * A.T @ r, -2 * r

    x = rng.normal(size=3)
    assert check_grads(loss, x, b, grad=gradient)
    assert check_grads(loss, x, b, argnums=0, grad=lambda x, y: gradient(x, y)[0])
    wrong = check_grads(loss, x, b, grad=lambda x, y: (A.T @ (A @ x - y), -2 * (A @ x - y)))
    assert (wrong.verdict, wrong.argument) == (WRONG, "argument 0")
    np.testing.assert_allclose(wrong.expected, 2 * wrong.found, rtol=1e-6)


def test_hand_written_vjp_of_plain_functions(rng):
    x = rng.normal(size=(3, 4))

    def softmax(x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def back(g, x):
        s = softmax(x)
        return s * (g - np.sum(g * s, axis=-1, keepdims=True))

    assert check_grads(softmax, x, vjp=back)
    assert check_grads(softmax, x, vjp=lambda g, x: g * softmax(x)).verdict is WRONG


def test_gradient_of_another_shape_is_wrong():
    report = check_grads(lambda x: np.sum(x**2), np.ones((2, 3)), grad=lambda x: 2 * x.ravel())
    assert (report.verdict, report.argument) == (WRONG, "argument 0")
    assert report.note == "the gradient has shape (6,), but argument 0 has shape (2, 3)"


def test_wrong_number_of_gradients_is_an_error():
    with pytest.raises(UsageError, match="returned 1 gradients for 2 differentiated arguments"):
        check_grads(lambda x, y: np.sum(x * y), np.ones(2), np.ones(2), grad=lambda x, y: y)


def test_report_explains_itself():
    text = str(Report(WRONG, 1, 1e-12, "argument 0", (1, 2), 3.0, 2.0, note="the derivative of output 4"))
    assert text.splitlines() == [
        "wrong (first order), relative error of the check 1.0e-12",
        "  at argument 0[1, 2]: found 3, expected 2",
        "  the derivative of output 4",
    ]


def test_gradients_that_cancel_to_zero_are_not_blamed():
    equal = np.full((2, 2), 0.5)
    assert check_grads(lambda x, y: mg.sum(x * y, axis=1) / (mg.vector_norm(x, axis=1) * mg.vector_norm(y, axis=1)),
                       equal, equal).verdict is not Verdict.WRONG  # fmt: skip


def test_an_expected_zero_is_shown_as_zero():
    square = np.array([[0.0, 1.0, 4.0], [2.0, -1.0, 0.5], [1.0, 1.0, 3.0]])
    report = check_grads(lambda x: x - x.mean(axis=1, keepdims=True), square, vjp=lambda g, x: g - g.mean(axis=1))
    assert report.expected == 0.0


def test_empty_and_0d_arguments_together():
    def product(g, x, y):
        return g * y, np.asarray((g * x).sum())

    assert check_grads(lambda x, y: x * y, np.zeros((0,)), np.array(0.5), vjp=product)


def test_two_gradients_at_once_are_refused():
    with pytest.raises(UsageError, match="grad= or vjp=, not both"):
        check_grads(np.sum, np.ones(3), grad=lambda x: x, vjp=lambda g, x: x)
