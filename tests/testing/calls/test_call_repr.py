"""A call as one line of Python: it makes the same call again."""

import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg
from minigrad.domain import POSITIVE, SYMMETRIC
from minigrad.testing import strategies
from minigrad.testing.calls.call_repr import format_value
from minigrad.testing.calls.function_call import FunctionCall

X = np.array([[2.0, 0.5, -1.0], [0.25, -3.0, 1.5]])
Y = np.array([0.5, 1.5, 4.0])

ARRAYS = [
    np.array(0.5),
    X,
    X.astype(np.float32),
    np.asfortranarray(X),
    X[::-1],
    X[:, ::2],
    X[:1, ::2],
    np.broadcast_to(Y, (2, 3)),
    np.zeros((0, 2), np.float32),
    np.array([np.nan, np.inf, -np.inf]),
    np.array([1, 2]),
    np.array([True, False]),
    np.array([3], np.int32),
]


@pytest.mark.parametrize("x", ARRAYS, ids=lambda x: f"{x.dtype}{x.shape}{x.strides}")
def test_call_is_written_as_one_line_that_makes_it_again(x):
    settings = {"axis": (slice(1, None), Ellipsis, None, [1, -1]), "dtype": np.dtype(np.float32)}
    line = FunctionCall.of(mg.sin, x, **settings).as_python("gradient")
    seen = []

    class Laws:
        gradient = staticmethod(lambda f, x, **settings: seen.append((f, x, settings)))

    eval(line, {"np": np, "laws": Laws, "sin": mg.sin})
    ((f, again, given),) = seen
    np.testing.assert_array_equal(again, x)
    assert (f, again.dtype, again.shape) == (mg.sin, x.dtype, x.shape)
    assert np.sign(again.strides).tolist() == np.sign(x.strides).tolist()
    assert (again.flags.c_contiguous, again.flags.f_contiguous) == (x.flags.c_contiguous, x.flags.f_contiguous)
    assert given == settings


def test_lambdas_are_written_by_their_source():
    call = FunctionCall.of(lambda x: np.sum(x**2), np.array(0.5), grad=lambda x: 2 * x)
    assert call.as_python("gradient") == "laws.gradient(lambda x: np.sum(x ** 2), np.array(0.5), grad=lambda x: 2 * x)"


def test_a_lambda_without_source_is_written_by_its_parameter():
    rule = eval("lambda g, x: g * np.cos(x)", {"np": np})
    call = FunctionCall.of(np.sin, np.array(0.5), vjp=rule)
    assert call.as_python("gradient") == "laws.gradient(sin, np.array(0.5), vjp=vjp)"


def test_many_equal_numbers_are_written_once():
    assert format_value(np.full((8, 3, 1, 1), 0.5)) == "np.full((8, 3, 1, 1), 0.5)"
    assert format_value(np.full(9, np.inf, np.float32)) == "np.full((9,), np.inf, np.float32)"
    assert format_value(np.full(9, 1)) == "np.full((9,), 1)"


@settings(max_examples=40)
@given(
    strategies.arrays((3, 8, 4), tails=False)
    | strategies.arrays((65,), domain=POSITIVE)
    | strategies.arrays((1, 9, 9), domain=SYMMETRIC)
    | strategies.arrays((9, 9), dtype=np.complex128)
)
def test_a_large_array_that_was_drawn_is_written_by_its_seed(x):
    text = format_value(x)
    assert len(text) < 160
    again = eval(text, {"np": np, "strategies": strategies, "POSITIVE": POSITIVE, "SYMMETRIC": SYMMETRIC})
    np.testing.assert_array_equal(again, x)
    assert (again.dtype, again.strides) == (x.dtype, x.strides)
