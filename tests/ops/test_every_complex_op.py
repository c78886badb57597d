"""Every op that takes complex numbers: all laws on its rows with complex inputs; and all others refuse them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import DTypeError, Tensor
from minigrad.testing import laws
from tests.op_cases.every_op import CASES, OWN, Call
from tests.ops.complex_rows import (
    AT_ANY_PHASE,
    KNOWING,
    NOT_COMPLEX,
    complex_choices,
    complex_settings,
    is_linear_over_complex_numbers,
)

ROWS = [(name, k) for name in KNOWING if name not in NOT_COMPLEX for k in range(len(CASES[name]))]
every_row = pytest.mark.parametrize(("name", "k"), ROWS, ids=[f"{name}-{k}" for name, k in ROWS])


@pytest.mark.family
@every_row
def test_row_with_complex_inputs(name, k):
    """All laws, with each choice of complex inputs among the differentiable ones."""
    call = Call(name, k)
    f = AT_ANY_PHASE.get(name, call.op)
    for arrays in complex_choices(call):
        laws.all_of(f, *arrays, **complex_settings(call))


@every_row
def test_rule_of_a_holomorphic_op_is_linear_over_the_complex_numbers(name, k):
    call = Call(name, k)
    (arrays,) = complex_choices(call, together=True)
    holds = is_linear_over_complex_numbers(call.op, arrays, complex_settings(call))
    assert holds is None or holds or call.op.complex == "nonholomorphic"


@pytest.mark.parametrize("name", [name for name in OWN if OWN[name].complex is None])
def test_op_without_the_fact_refuses_complex_numbers(name):
    call = Call(name, 0)
    for i, x in enumerate(call.arrays):
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            arrays = [*call.arrays[:i], x + 1j, *call.arrays[i + 1 :]]
            for given in (arrays, [Tensor(a) if isinstance(a, np.ndarray) else a for a in arrays]):
                with pytest.raises(DTypeError, match="it is for real numbers, and "):
                    call(*given)


def test_complex_power_of_a_negative_number_has_the_slope_of_its_own_branch():
    x, y = mg.Tensor([-2.0, -2.0]), mg.Tensor([1 + 1j, 0.5 - 2j], requires_grad=True)
    out = mg.pow(x, y)
    mg.real(out).sum().backward()
    slope = out.numpy() * np.log(np.array([-2.0 + 0j]))
    np.testing.assert_allclose(y.grad.numpy(), np.conj(slope), rtol=1e-5)


def test_complex_power_on_the_branch_cut_keeps_the_side_that_the_sign_of_zero_tells():
    x, y = mg.Tensor([complex(-2, -0.0), complex(-2, 0.0)]), mg.Tensor([0.3 + 0j, 0.3 + 0j], requires_grad=True)
    out = mg.pow(x, y)
    mg.real(out).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), np.conj(out.numpy() * np.log(x.numpy())), rtol=1e-5)
