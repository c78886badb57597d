"""Every op of the registry: what it must state of itself, and all laws, on drawn calls and on `tests/op_cases`."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.testing import gradtest, laws
from tests.op_cases.every_op import CASES, OWN, Call

ALL = [(name, k) for name in OWN for k in range(len(CASES.get(name, ())))]
every_op = pytest.mark.parametrize("name", OWN)
every_row = pytest.mark.parametrize(("name", "k"), ALL, ids=[f"{name}-{k}" for name, k in ALL])


def test_every_op_has_a_row_here():
    assert sorted(set(OWN) - set(CASES)) == []
    assert sorted(set(CASES) - set(OWN)) == []


@every_op
def test_op_is_documented_with_its_shapes(name):
    op = OWN[name]
    assert op.__doc__
    assert op.shapes is not None or "Shapes:" in op.__doc__


@every_op
def test_each_input_has_a_rule_or_is_declared_non_differentiable(name):
    op = OWN[name]
    for x in op.inputs:
        assert (x in op.rules or x in op.fast_rules) != (x in op.non_differentiable), f"{name}: {x}"


@every_op
def test_fused_op_has_a_reference(name):
    # Fused: it keeps residuals, or has a rule for arrays only. (A plain rule beside a fast one is its reference.)
    op = OWN[name]
    fused = bool(op.residuals) or not op.fast_rules.keys() <= op.rules.keys()
    assert op.reference is not None or not fused


FEWER_CALLS = dict.fromkeys(["lstm", "gru", "rnn", "attention", "ctc_nll"], 4)
"""Ops that are replayed by many smaller ones: each call takes as long as many of others."""


@every_op
def test_laws(name):
    """All laws that apply, on calls that Hypothesis draws."""
    gradtest(OWN[name], examples=FEWER_CALLS.get(name)).gradtest()


@pytest.mark.family
@every_row
def test_row(name, k):
    """All laws that apply, on a call that stands in a row."""
    call = Call(name, k)
    laws.all_of(call.op, *call.arrays, **call.settings)


@every_row
def test_op_without_recorded_inputs_equals_the_op_on_arrays(name, k):
    call = Call(name, k)
    plain = call()
    outs = call(*[Tensor(x) if isinstance(x, np.ndarray) else x for x in call.arrays])
    for out, array in zip(*[x if isinstance(x, tuple) else (x,) for x in (outs, plain)], strict=True):
        assert isinstance(out, Tensor)
        assert not out.requires_grad
        np.testing.assert_array_equal(out.numpy(), array)


LINEAR = [(name, k) for name, k in ALL if OWN[name].linear]


@pytest.mark.parametrize(("name", "k"), LINEAR)
def test_op_is_linear_in_each_input_that_says_so(name, k):
    # With a bias or several inputs the function of one of them is affine: its differences are linear.
    call, rng = Call(name, k), np.random.default_rng(1)
    for i, x in enumerate(call.arrays):
        if call.names[i] not in call.op.linear or not isinstance(x, np.ndarray):
            continue

        def at(x, i=i):
            out = call(*call.arrays[:i], x, *call.arrays[i + 1 :])
            return np.concatenate([part.ravel() for part in out]) if isinstance(out, tuple) else out

        y = rng.normal(size=x.shape)
        origin = at(np.zeros_like(x))
        left = at(2 * x - 3 * y) - origin
        np.testing.assert_allclose(left, 2 * (at(x) - origin) - 3 * (at(y) - origin), rtol=1e-10, atol=1e-11)


CONSTANT = [(name, k) for name, k in ALL if set(OWN[name].inputs) == OWN[name].non_differentiable]


@pytest.mark.parametrize(("name", "k"), CONSTANT)
def test_non_differentiable_op_gives_a_constant(name, k):
    call = Call(name, k)
    out = call(*[Tensor(x, requires_grad=x.dtype.kind == "f") for x in call.arrays])
    assert out.node is None
