"""`@gradtest` on ops, functions, Modules and NumPy functions: what it draws, what it attaches, what it reports."""

import numpy as np
import pytest
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.autograd.op import Op
from minigrad.domain import POSITIVE
from minigrad.errors import UsageError
from minigrad.testing import LawViolation, gradtest
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.decorator import GradTest


def test_the_decorated_function_stays_itself():
    def double(x):
        return 2 * x

    assert gradtest(double) is double
    assert gradtest(examples=3)(double) is double
    double.gradtest()


@gradtest(domain=POSITIVE, examples=5)
def geometric_mean(x, y):
    return mg.sqrt(x * y)


@gradtest(shapes="N D, O D, O -> N O", examples=5)
def affine(x, w, b):
    return x @ w.T + b


@gradtest(arguments={"axis": st.sampled_from([None, -1])}, domain={"x": POSITIVE}, examples=5)
def log_sum(x, *, axis):
    return mg.sum(mg.log(x)) if axis is None or not x.ndim else mg.sum(mg.log(x), axis=axis)


@gradtest(input=(2, 3), examples=3, order=1)
def small_net():
    return nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))


@gradtest(examples=5, vjp=lambda g, x: g * np.cos(x))
def numpy_sine(x):
    return np.sin(x)


@pytest.mark.parametrize("subject", [geometric_mean, affine, log_sum, small_net, numpy_sine], ids=lambda f: f.__name__)
def test_right_subjects_pass(subject):
    assert isinstance(subject.gradtest, GradTest)
    subject.gradtest()


def test_a_module_is_tested_by_its_parameters_too():
    class Frozen(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(np.ones(2))

        def forward(self, x):
            return x * mg.stop_gradient(self.scale)

    with pytest.raises(LawViolation) as caught:
        GradTest(lambda: Frozen(), input=(2,), examples=5)()
    assert (caught.value.argument, caught.value.cause) == ("input scale", "zero gradient")


def test_a_module_needs_the_shape_of_its_input():
    with pytest.raises(UsageError, match="input="):
        GradTest(lambda: nn.Linear(2, 2))()
    with pytest.raises(UsageError, match="should make a Module"):
        GradTest(lambda: 3, input=(2,))()


def test_a_module_draws_the_same_random_numbers_in_each_call():
    own = np.random.default_rng(3)
    GradTest(lambda: nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5, rng=own)), input=(2, 3), examples=3)()


def test_inputs_of_a_module_can_be_drawn_by_a_strategy():
    rows = st.sampled_from([np.array([0, 2]), np.array([1, 1])])
    GradTest(lambda: nn.Embedding(3, 2), arguments={"x": rows}, examples=3)()
    with pytest.raises(UsageError, match="its inputs are x"):
        GradTest(lambda: nn.Embedding(3, 2), arguments={"rows": rows}, input=(2,))()


def test_laws_can_be_chosen():
    op = Op(np.sin, "wrong_sin")
    op.vjp("x")(lambda g, x: 2 * g * mg.cos(x))
    GradTest(op, laws=["repeatable", "purity", "linearity"], examples=10)()
    with pytest.raises(LawViolation):
        GradTest(op, laws=["gradient"], examples=10)()
    assert "second_order" not in GradTest(op, order=1).laws


def test_calls_can_be_given():
    calls = st.builds(lambda x: FunctionCall.of(mg.sin, np.array([x])), st.sampled_from([0.5, 1.0]))
    GradTest(mg.sin, calls=calls, examples=3)()


def test_an_error_of_the_function_names_the_call():
    def broken(x):
        raise KeyError("no such key")

    with pytest.raises(KeyError) as caught:
        GradTest(broken, examples=3)()
    assert any("in broken(np." in note for note in caught.value.__notes__)


def test_an_error_of_a_rule_is_a_violation():
    op = Op(np.sin, "broken_sin")
    op.vjp("x")(lambda g, x: {}["nothing"])
    with pytest.raises(LawViolation, match="it raised KeyError"):
        GradTest(op, examples=5)()


def test_a_function_that_takes_none_of_its_arguments_is_an_error_with_a_hint():
    def picky(x):
        raise ValueError("not this one")

    with pytest.raises(UsageError, match=r"not this one[\s\S]*domain="):
        GradTest(picky, examples=5)()
