"""Mutants: which ones a rule has, that they are what they say, and that everything is as before when they are gone."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import REGISTRY, Tensor
from minigrad.autograd import backward as backward_pass
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.registry import op
from minigrad.testing.mutation.mutant import Mutant, mutant_applied, mutants_of
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
        with mutant_applied(mutant(f"multiply.x: {change}")):
            found = gradients(mg.multiply, x, y)
        assert (found[0].tolist(), found[1].tolist()) == (expected, x)


def test_recorded_pass_runs_the_mutant_of_the_plain_rule_and_the_first_order_that_of_the_fast_one():
    def both():
        first, recorded = variable([[2.0]]), variable([[2.0]])
        mg.det(first).backward()
        mg.det(recorded).backward(create_graph=True)
        return np.sign([first.grad.item(), recorded.grad.item()]).tolist()

    with mutant_applied(mutant("det.x: sign flipped")):
        assert both() == [1, -1]
    with mutant_applied(mutant("det.x (fast): sign flipped")):
        assert both() == [-1, 1]
    assert both() == [1, 1]


def test_leaked_dtype_reaches_the_gradient_of_that_input_only():
    with mutant_applied(mutant("multiply.x: dtype leaked")):
        x, y = variable([1.0], np.float32), variable([1.0], np.float32)
        seen = mg.vjp(mg.multiply, x, y)[1](np.ones(1, np.float32))
    assert [g.dtype for g in seen] == [np.float64, np.float32]


def test_skipped_un_broadcast_leaves_the_wrong_shape():
    with mutant_applied(mutant("multiply.x: un-broadcast skipped")):
        seen = mg.vjp(mg.multiply, variable(np.ones(3)), variable(np.ones((2, 3))))[1](np.ones((2, 3)))
    assert [g.shape for g in seen] == [(2, 3), (2, 3)]


def test_after_a_mutant_everything_is_as_before():
    before = (dict(mg.multiply.rules), dict(mg.tanh.fast_rules), backward_pass.unbroadcast)
    for found in [*mutants_of(mg.multiply), *mutants_of(mg.tanh)]:
        with pytest.raises(ZeroDivisionError), mutant_applied(found):
            raise ZeroDivisionError
    assert (dict(mg.multiply.rules), dict(mg.tanh.fast_rules), backward_pass.unbroadcast) == before
    assert gradients(mg.multiply, [2.0], [5.0])[0].tolist() == [5]


def test_rule_for_several_inputs_is_mutated_as_a_whole_and_product_by_product():
    @mg.op(name="test_joint", reference=lambda x, y: x * y)
    def f(x, y):
        return x * y

    f.fast_vjp("x", "y")(lambda g, x, y, *, wanted: (g * y, g * x if "y" in wanted else None))
    found = {found.name: found for found in mutants_of(f)}
    for name, expected in (
        ("test_joint.x (fast): sign flipped", [-5, 2]),
        ("test_joint.y (fast): sign flipped", [5, -2]),
        ("test_joint.x, y (fast): factor dropped: g * y -> g", [1, 2]),
    ):
        with mutant_applied(found[name]):
            assert [g.item() for g in gradients(f, [2.0], [5.0])] == expected, name
    assert [g.item() for g in gradients(f, [2.0], [5.0])] == [5, 2]


def test_rule_that_is_zero_has_no_scaled_mutants():
    assert {found.change for found in mutants_of(mg.floor)} == {"call dropped: zeros_like(g) -> g", "dtype leaked"}


def test_names_are_unique_and_the_same_each_time():
    names = [found.name for own in list(REGISTRY.values()) for found in mutants_of(own)]
    assert len(set(names)) == len(names) > 500
    assert [name for name in names if name.startswith("pow.")] == [found.name for found in mutants_of(mg.pow)]


def test_mutants_tell_where_the_rule_is():
    cube = elementwise("cube_here", lambda x: x**3, x=lambda g, x: g * 3 * x * x)
    assert {found.location.rpartition("/")[2].partition(":")[0] for found in mutants_of(cube)} == {"test_mutant.py"}
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
        with mutant_applied(found):
            (g,) = mg.vjp(cube_there, x)[1](u)
            assert g.dtype != np.float32 or not np.array_equal(g.numpy(), right), found.name
