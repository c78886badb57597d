"""The observer: which conditions a call is in, and that it counts when a backward pass goes through it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.testing.coverage.observer import Observer
from tests.helper import variable


def cells(op: str, run) -> set[str]:
    """The cells of an op that running something fills."""
    observer = Observer()
    with observer.observing():
        run()
    return {condition for name, condition in observer.cells if name == op}


def pulled(f, *variables, create_graph=False, **settings):
    return lambda: mg.sum(f(*variables, **settings)).backward(create_graph=create_graph)


x, row = variable([[1.5, 2.5], [3.5, 4.5]]), variable([5.5, 6.5])
MET = {
    "nothing special": ("multiply", pulled(mg.multiply, x, variable(np.full((2, 2), 7.0))), set()),
    "broadcast": ("multiply", pulled(mg.multiply, x, row), {"broadcast"}),
    "weak number": ("multiply", pulled(lambda x: x * 2.0, x), set()),
    "negative axis": ("sum", pulled(mg.sum, x, axis=-1), {"negative axis"}),
    "negative axes": ("sum", pulled(mg.sum, x, axis=(0, -1), keepdims=True), {"negative axis"}),
    "axis": ("sum", lambda: mg.sum(x, axis=0).backward(np.ones(2)), set()),
    "0-d": ("sin", pulled(mg.sin, variable(1.0)), {"0-d"}),
    "empty": ("sin", pulled(mg.sin, variable(np.ones((0, 2)))), {"empty"}),
    "float32": ("sin", pulled(mg.sin, variable([1.0], np.float32)), {"float32"}),
    "non-contiguous": ("sin", pulled(lambda x: mg.sin(x.mT), x), {"non-contiguous"}),
    "repeated": ("multiply", pulled(mg.multiply, x, x), {"repeated"}),
    "second order": ("sin", pulled(mg.sin, x, create_graph=True), {"second order"}),
    "kink of relu": ("relu", pulled(mg.relu, variable([0.0, 1.0])), {"kink"}),
    "no kink of relu": ("relu", pulled(mg.relu, variable([-1.0, 1.0])), set()),
    "tie of two": ("maximum", pulled(mg.maximum, x, variable([[1.5, 0], [0, 0]])), {"kink"}),
    "tie in a line": ("max", pulled(mg.max, variable([[1.0, 1.0], [2.0, 3.0]]), axis=1), {"kink"}),
    "no tie in a line": ("max", pulled(mg.max, variable([[1.0, 2.0], [1.0, 2.0]]), axis=1), set()),
    "tie anywhere": ("max", pulled(mg.max, variable([[1.0, 2.0], [1.0, 2.0]])), {"kink"}),
}


@pytest.mark.parametrize("case", MET)
def test_condition_is_seen(case):
    op, run, expected = MET[case]
    assert cells(op, run) == expected


def test_call_counts_when_it_is_pulled_back_and_not_before():
    assert cells("sin", lambda: mg.sin(variable(1.0))) == set()
    assert cells("sin", lambda: mg.no_grad()(mg.sin)(variable(1.0))) == set()


def test_calls_inside_of_other_functions_count():
    assert "float32" in cells("exp", pulled(lambda x: mg.log(mg.exp(x)), variable([1.0], np.float32)))
    # A fused op whose backward pass is recorded is replayed from smaller ops.
    logits = variable(np.ones((2, 3)))
    run = pulled(lambda x: mg.softmax_cross_entropy(x, np.array([0, 1])), logits, create_graph=True)
    assert "second order" in cells("log_softmax", run)


def test_op_with_several_results_is_seen():
    assert cells("eigh", lambda: mg.sum(mg.eigh(x)[0]).backward(create_graph=True)) == {"second order"}
    assert cells("eigh", lambda: mg.sum(mg.eigh(variable(np.eye(2), np.float32))[1]).backward()) == {"float32"}


def test_observing_leaves_no_trace():
    from minigrad.autograd import backward as backward_pass
    from minigrad.autograd import pullback, transforms

    before = (
        mg.Op.__call__,
        type(mg.sin).__call__,
        type(mg.add).__call__,
        backward_pass.pull_back,
        transforms.pull_back,
        pullback.pull_back,
    )
    with pytest.raises(ZeroDivisionError), Observer().observing():
        raise ZeroDivisionError
    after = (
        mg.Op.__call__,
        type(mg.sin).__call__,
        type(mg.add).__call__,
        backward_pass.pull_back,
        transforms.pull_back,
        pullback.pull_back,
    )
    assert before == after


def test_constants_are_no_variables():
    assert cells("multiply", pulled(mg.multiply, x, Tensor([1.0, 2.0]))) == set()
