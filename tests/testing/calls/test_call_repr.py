"""A call as one line of Python: it makes the same call again."""

import numpy as np
import pytest

import minigrad as mg
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
