"""Derivatives written by hand: any of gradient, J'g, J v and H v is held to the function, and to the others."""

import numpy as np
import pytest

from minigrad.errors import ShapeError, UsageError
from minigrad.testing import LawViolation, Verdict, check_grads, gradtest

CORRECT, WRONG = Verdict.CORRECT, Verdict.WRONG


def f(x):
    return np.sum(x**3)


RIGHT = {
    "grad": lambda x: 3 * x**2,
    "vjp": lambda g, x: g * 3 * x**2,
    "jvp": lambda v, x: np.sum(3 * x**2 * v),
    "hvp": lambda v, x: 6 * x * v,
}
ANY = [("grad",), ("vjp",), ("jvp",), ("hvp",), ("grad", "hvp"), ("vjp", "jvp"), ("jvp", "hvp"), ("vjp", "jvp", "hvp")]


def scaled(derivative, factor):
    return lambda *args: factor * derivative(*args)


@pytest.mark.parametrize("names", ANY, ids=" ".join)
def test_any_of_them_is_correct_together(names, rng):
    report = check_grads(f, rng.uniform(0.5, 1.5, 4), **{name: RIGHT[name] for name in names})
    assert report.verdict is CORRECT, report
    assert report.order == (2 if "hvp" in names else 1)


@pytest.mark.parametrize(("names", "name"), [(names, name) for names in ANY for name in names])
def test_each_of_them_is_wrong_alone(names, name, rng):
    given = {each: RIGHT[each] for each in names}
    given[name] = scaled(given[name], 1.0001)
    assert check_grads(f, rng.uniform(0.5, 1.5, 4), **given).verdict is WRONG


def test_forward_mode_that_is_not_the_transpose_is_told(rng):
    report = check_grads(f, rng.uniform(0.5, 1.5, 4), grad=RIGHT["grad"], jvp=scaled(RIGHT["jvp"], 2.0))
    assert "forward mode: <J v, u> = " in report.note


def test_several_arguments_and_results(rng):
    def g(x, y):
        return x * y, np.sin(y)

    def jvp(v, x, y):
        return v[0] * y + x * v[1], np.cos(y) * v[1]

    def wrong(v, x, y):
        return v[0] * y + x * v[1], np.cos(x) * v[1]

    x, y = rng.normal(size=(2, 3))
    assert check_grads(g, x, y, jvp=jvp).verdict is CORRECT
    assert check_grads(g, x, y, jvp=wrong).argument == "argument 1"


def test_second_derivatives_are_for_a_function_to_one_number():
    with pytest.raises(ShapeError, match="hvp= is for a function that returns one number, this one returned 3"):
        check_grads(lambda x: x**2, np.ones(3), vjp=lambda g, x: 2 * g * x, hvp=lambda v, x: 2 * v)


def test_gradtest_takes_them_and_leaves_out_the_laws_that_make_no_sense():
    def cubes(x):
        return x**3

    test = gradtest(vjp=RIGHT["vjp"], jvp=lambda v, x: 3 * x**2 * v, examples=10)(cubes).gradtest
    test()
    assert "adjoint" not in test.left_out
    assert {"second_order", "silence"} <= test.left_out.keys()
    assert "without silence" in repr(test)
    with pytest.raises(LawViolation, match="law `adjoint`"):
        gradtest(vjp=RIGHT["vjp"], jvp=lambda v, x: 3 * x * v, examples=10)(cubes).gradtest()
    with pytest.raises(LawViolation, match=r"law `second_order`.*\n.*hvp="):
        gradtest(grad=RIGHT["grad"], hvp=lambda v, x: 3 * x * v, shapes="D -> ", examples=20)(f).gradtest()


def test_modes_are_checked():
    with pytest.raises(UsageError, match="has no forward mode here"):
        check_grads(f, np.ones(2), grads=None, framework=_without_forward_mode(), modes=("vjp", "jvp"))
    with pytest.raises(UsageError, match="modes="):
        check_grads(f, np.ones(2), modes=("reverse",), grad=RIGHT["grad"])


def _without_forward_mode():
    from minigrad.testing.frameworks.numpy_layer import NumpyLayers

    return NumpyLayers()
