"""Mutants: which ones a rule has, that they are what they say, and that everything is as before when they are gone."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import REGISTRY, Tensor
from minigrad.autograd import backward as backward_pass
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.op import op
from minigrad.testing.mutant import Mutant, applied, broadcasts, mutants_of
from minigrad.testing.mutate_source import shifted_axis, source_mutants
from minigrad.testing.source import find
from tests.helper import variable


@pytest.fixture(autouse=True)
def _registry():
    """Forget the ops that a test makes."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def mutant(name: str) -> Mutant:
    (found,) = [m for m in mutants_of(REGISTRY[name.partition(".")[0]]) if m.name == name]
    return found


def changes(function) -> dict[str, object]:
    return {found.change: found.function for found in source_mutants(function)}


# ---- from the source -----------------------------------------------------------------------------------------

# fmt: off
CHANGES = {
    "term dropped": (lambda g, x: g + x, {"g + x -> g": 2, "g + x -> x": 3}),
    "term dropped from a difference": (lambda g, x: g - x, {"g - x -> g": 2, "g - x -> -x": -3}),
    "factor dropped": (lambda g, x: g * x, {"g * x -> g": 2, "g * x -> x": 3}),
    "divisor dropped": (lambda g, x: g / x, {"factor dropped: g / x -> g": 2, "factor changed: g / x -> g * x": 6}),
    "sign flipped": (lambda g, x: -g, {"sign flipped: -g -> g": 2}),
    "sum flipped": (lambda g, x: g + x, {"sign flipped: g + x -> g - x": -1}),
    "constant": (lambda g, x: 2 * g, {"factor changed: 2 * g -> 3 * g": 6}),
    "swapped": (lambda g, x: g - x, {"operands swapped: g - x -> x - g": 1}),
    "power swapped": (lambda g, x: g**x, {"operands swapped: g ** x -> x ** g": 9}),
    "where swapped": (lambda g, x: mg.where(x > 0, g, x), {"where(x > 0, g, x) -> mg.where(x > 0, x, g)": 3}),
    "comparison": (lambda g, x: mg.where(x > 0, g, x), {"comparison flipped: x > 0 -> x < 0": 3}),
}
# fmt: on


@pytest.mark.parametrize("case", CHANGES)
def test_source_mutant_computes_what_its_name_says(case):
    function, expected = CHANGES[case]
    found = changes(function)
    for end, value in expected.items():
        (name,) = [change for change in found if change.endswith(end)]
        assert found[name](np.array(2), np.array(3)) == value


def test_call_of_an_op_is_dropped_and_transposes_are():
    sin = mg.sin
    assert [c for c in changes(lambda g, x: g * sin(x)) if c.startswith("call")] == ["call dropped: sin(x) -> x"]
    assert "transpose dropped: x.mT -> x" in changes(lambda g, x: g @ x.mT)


def test_keepdims_is_flipped_whether_it_is_a_constant_or_a_setting():
    def rule(g, *, keepdims):
        return mg.sum(mg.sum(g, axis=-1, keepdims=True), axis=-1, keepdims=keepdims)

    ends = {change.partition(": ")[2] for change in changes(rule) if change.startswith("keepdims flipped")}
    assert ends == {"True -> False", "keepdims -> not keepdims"}
    flipped = [f for change, f in changes(rule).items() if change.startswith("keepdims flipped")]
    assert {f(np.ones((2, 3)), keepdims=True).shape for f in flipped} == {(1,), (2,)}


def test_axis_is_shifted_where_it_is_used_and_not_where_it_is_counted():
    def rule(g, *, axis):
        total = mg.sum(g, axis=axis) if axis is not None else g
        return total / len(axis)

    assert [c for c in changes(rule) if c.startswith("axis")] == ["axis shifted: axis -> shifted(axis)"]


@pytest.mark.parametrize(
    ("axis", "other"), [(0, -1), (2, 1), ((1, 2), (0, 1)), ((0, 2, 1), (2, 1, 0)), ((0,), (-1,)), (None, None)]
)
def test_shifted_axis_is_another_one(axis, other):
    assert shifted_axis(axis) == other


def test_lambdas_beside_each_other_are_told_apart():
    rules = [lambda g, y: g * y, lambda g, x: g + x, lambda g, x: (lambda z: z - g)(x)]  # fmt: skip
    assert [sorted(changes(rule))[0].split(": ")[1].split(" ->")[0] for rule in rules] == ["g * y", "g + x", "z - g"]
    one, two = (lambda g, x: g * x), (lambda g, x: g / x)  # fmt: skip
    assert find(one) is not find(two)


def test_function_without_source_has_no_source_mutants():
    assert source_mutants(np.add) == []
    assert source_mutants(eval("lambda g, x: g * x")) == []


def test_mutant_keeps_closure_and_defaults():
    three = 3

    def rule(g, x=5, *, z=7):
        return g * three + x - z

    found = changes(rule)
    (flipped,) = [f for c, f in found.items() if c.startswith("sign flipped: g * three + x - z")]
    assert flipped(1) == 3 + 5 + 7


def _twice(x):
    return 2 * x


def test_private_helper_of_a_rule_is_mutated_for_that_rule_only():
    found = changes(lambda g, x: g * _twice(x))
    (name,) = [change for change in found if change == "in _twice: factor changed: 2 * x -> 3 * x"]
    assert found[name](1, 1) == 3
    assert _twice(1) == 2


def test_swapping_equal_operands_is_no_mutant():
    assert not [change for change in changes(lambda g, x: g * (x - x)) if "swapped" in change]


# ---- by wrapping ---------------------------------------------------------------------------------------------


def gradients(f, *values, dtype=np.float64):
    variables = [variable(value, dtype) for value in values]
    f(*variables).sum().backward()
    return [x.grad for x in variables]


def test_wrapped_mutants_change_the_gradient_as_they_say():
    x, y = [2.0, 3.0], [5.0, 7.0]
    for change, expected in {
        "sign flipped": [-5, -7],
        "factor 2": [10, 14],
        "zero at one element": [0, 7],
    }.items():
        with applied(mutant(f"multiply.x (fast): {change}")):
            found = gradients(mg.multiply, x, y)
        assert (found[0].tolist(), found[1].tolist()) == (expected, x)


def test_recorded_pass_runs_the_mutant_of_the_plain_rule_and_the_first_order_that_of_the_fast_one():
    def both():
        first, recorded = variable([0.5]), variable([0.5])
        mg.tanh(first).sum().backward()
        mg.tanh(recorded).sum().backward(create_graph=True)
        return np.sign([first.grad.item(), recorded.grad.item()]).tolist()

    with applied(mutant("tanh.x: sign flipped")):
        assert both() == [1, -1]
    with applied(mutant("tanh.x (fast): sign flipped")):
        assert both() == [-1, 1]
    assert both() == [1, 1]


def test_leaked_dtype_reaches_the_gradient_of_that_input_only():
    with applied(mutant("multiply.x: dtype leaked")):
        x, y = variable([1.0], np.float32), variable([1.0], np.float32)
        seen = mg.vjp(mg.multiply, x, y)[1](np.ones(1, np.float32))
    assert [g.dtype for g in seen] == [np.float64, np.float32]


def test_skipped_un_broadcast_leaves_the_wrong_shape():
    with applied(mutant("multiply.x: un-broadcast skipped")):
        seen = mg.vjp(mg.multiply, variable(np.ones(3)), variable(np.ones((2, 3))))[1](np.ones((2, 3)))
    assert [g.shape for g in seen] == [(2, 3), (2, 3)]


def test_after_a_mutant_everything_is_as_before():
    before = (dict(mg.multiply.rules), dict(mg.tanh.fast_rules), backward_pass._unbroadcast)
    for found in [*mutants_of(mg.multiply), *mutants_of(mg.tanh)]:
        with pytest.raises(ZeroDivisionError), applied(found):
            raise ZeroDivisionError
    assert (dict(mg.multiply.rules), dict(mg.tanh.fast_rules), backward_pass._unbroadcast) == before
    assert gradients(mg.multiply, [2.0], [5.0])[0].tolist() == [5]


def test_rule_that_is_zero_has_no_scaled_mutants():
    assert {found.change for found in mutants_of(mg.floor)} == {"call dropped: zeros_like(g) -> g", "dtype leaked"}


def test_un_broadcast_is_skipped_only_where_inputs_broadcast():
    names = {name: broadcasts(REGISTRY[name]) for name in ("add", "where", "sin", "matmul", "conv", "concat", "linear")}
    assert [name for name, does in names.items() if does] == ["add", "where"]

    @op
    def scaled(x, y, *, by=2.0):
        return x * y * by

    assert broadcasts(scaled)


def test_names_are_unique_and_the_same_each_time():
    names = [found.name for own in list(REGISTRY.values()) for found in mutants_of(own)]
    assert len(set(names)) == len(names) > 500
    assert [name for name in names if name.startswith("pow.")] == [found.name for found in mutants_of(mg.pow)]


def test_mutants_tell_where_the_rule_is():
    cube = elementwise("cube_here", lambda x: x**3, x=lambda g, x: g * 3 * x * x)
    assert {found.place.rpartition("/")[2].partition(":")[0] for found in mutants_of(cube)} == {"test_mutant.py"}
    assert len(mutants_of(cube)) > 8


def test_mutants_of_all_rules_differ_from_the_rule():
    # Not one of them may be the rule itself: it could never be killed.
    @op
    def cube_there(x):
        return x**3

    @cube_there.vjp("x")
    def _(g, x):
        return g * (3 * x * x)

    x = Tensor(np.array([1.5, -2.0], np.float32))
    u = np.array([2, -3], np.float32)
    right = u * (3 * x.numpy() * x.numpy())
    for found in mutants_of(cube_there):
        with applied(found):
            (g,) = mg.vjp(cube_there, x)[1](u)
            assert g.dtype != np.float32 or not np.array_equal(g.numpy(), right), found.name
