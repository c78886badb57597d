"""The matrix of conditions has a row for each function that is no op, as far as its calls tell."""

import numpy as np

from minigrad.testing import gradtest, laws
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.coverage.foreign_conditions import applicable_to_call, conditions_of_call
from minigrad.testing.coverage.observer import Observer


def times(x, y):
    return x * y


def times_vjp(g, x, y):
    shapes = np.shape(x), np.shape(y)
    return tuple([_summed(part, shape).astype(part.dtype) for part, shape in zip((g * y, g * x), shapes, strict=True)])


def _summed(g, shape):
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    return np.sum(g, axis=tuple(k for k, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape) * 1.0


def test_conditions_of_a_call():
    call = FunctionCall.of(times, np.ones((2, 3)).T, np.float32(2.0), vjp=times_vjp)
    assert set(conditions_of_call(call, twice=False)) == {"broadcast", "0-d", "float32", "non-contiguous"}
    assert "second order" not in applicable_to_call(call)


def test_calls_of_laws_fill_the_row_of_the_function():
    observer = Observer()
    with observer.observing():
        gradtest(vjp=times_vjp, examples=40)(times).gradtest()
    assert set(observer.foreign) == {"times"}
    assert {condition for name, condition in observer.cells} == set(observer.foreign["times"])
    observer.cells.clear()
    laws.linearity(times, np.ones(2), np.ones(2), vjp=times_vjp)
    assert observer.cells == set()


def test_kinks_that_the_law_of_gradients_met_are_counted():
    observer = Observer()
    with observer.observing():
        laws.gradient(np.abs, np.array([0.5, -1.0]), vjp=lambda g, x: g * np.sign(x))
        assert "kink" not in observer.foreign["absolute"]
        laws.gradient(np.abs, np.array([0.0, -1.0]), vjp=lambda g, x: g * np.sign(x))
    assert "kink" in observer.foreign["absolute"]
    assert ("absolute", "kink") in observer.cells
