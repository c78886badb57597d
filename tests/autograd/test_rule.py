"""Rules: what they may ask for, what is saved for them, and what is said when they are wrong."""

import numpy as np
import pytest

from minigrad import Op, RuleError, Tensor
from tests.helper import variable


def cube():
    return Op(lambda x: x * x * x, "cube")


# ---- what they ask for ---------------------------------------------------------------------------------------

WRONG_RULES = {
    "unknown name": (lambda g, z: g, "z"),
    "unknown setting": (lambda g, *, size: g, "size"),
    "setting asked for by position": (lambda g, factor: g, "factor"),
    "input asked for by keyword": (lambda g, *, x: g, "x"),
    "first parameter is not g": (lambda x, g: g, "begins with x"),
    "position in an op that is not variadic": (lambda g, i: g, "i"),
    "shape of something unknown": (lambda g, z_shape: g, "z_shape"),
    "star": (lambda g, *args: g, "args"),
    "cotangent of another name": (lambda h: h, "begins with h"),
    "no parameters": (lambda: 0, "g"),
}


@pytest.mark.parametrize(("rule", "fault"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_rule_that_asks_for_the_unknown_fails_when_it_is_registered(rule, fault):
    f = Op(lambda x, y, *, factor=1: x * y, "wrong")
    with pytest.raises(RuleError, match=fault) as caught:
        f.vjp("x")(rule)
    assert "op wrong" in str(caught.value)
    assert "x" in str(caught.value)


def test_rule_error_lists_what_can_be_asked_for():
    f = Op(lambda x, *, axis=0: x, "listed", residuals=("inverse",))
    with pytest.raises(RuleError, match="g, out, x, x_shape, inverse; keyword-only: axis"):
        f.vjp("x")(lambda g, invers: g)


# ---- what they give ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, 1.0, "text", (1,), np.ones((3, 3))])
def test_rule_that_gives_no_cotangent_is_named(answer):
    f = cube()
    f.vjp("x")(lambda g: answer)
    with pytest.raises((RuleError, AttributeError)) as caught:
        f(variable([1.0, 2.0])).sum().backward()
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    assert "cube" in text
    assert "'x'" in text


def test_error_inside_a_rule_names_op_and_input():
    f = cube()
    f.vjp("x")(lambda g: g.nonsense)
    for create_graph in (False, True):
        with pytest.raises(AttributeError, match="nonsense") as caught:
            f(variable(1.0)).backward(create_graph=create_graph)
        assert "op cube for its input 'x'" in caught.value.__notes__[0]


# ---- what is saved -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda x: x + x, []),
        (lambda x: x.sum(), ["x_shape"]),
        (lambda x: x.exp(), ["out"]),
        (lambda x: x.sin(), ["x"]),
        (lambda x: x * 2.0, ["y"]),
        (lambda x: 2.0 * x, ["x"]),
        (lambda x: x * x, ["y", "x"]),
        (lambda x: x.reshape(-1), ["x_shape"]),
        (lambda x: x.max(), ["chosen", "x_shape"]),
        (lambda x: x.relu(), ["out"]),
    ],
)
def test_what_no_rule_names_is_not_saved(make, names):
    node = make(variable([[1.0, 2.0]])).node
    assert node.plan.saved_names == names
    assert len(node.saved) == len(names)


def test_only_the_rules_of_differentiable_inputs_count():
    x, c = variable([1.0]), Tensor([2.0])
    assert (x * c).node.plan.saved_names == ["y"]
    assert (c * x).node.plan.saved_names == ["x"]


def test_saved_values_are_the_very_arrays_of_the_forward_pass():
    x = variable(np.ones(1000))
    y = x.exp()
    assert y.node.saved[0] is y._data
