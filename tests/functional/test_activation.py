"""Activations: against PyTorch in values and gradients, at their kinks, and far out."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import ShapeError, UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable

CALLS = [
    ("relu", {}), ("relu6", {}), ("selu", {}), ("silu", {}), ("mish", {}), ("softsign", {}), ("sigmoid", {}),
    ("logsigmoid", {}), ("tanh", {}), ("hardsigmoid", {}), ("hardswish", {}), ("tanhshrink", {}),
    ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.3}), ("leaky_relu", {"negative_slope": -2}),
    ("elu", {}), ("elu", {"alpha": 0.3}), ("celu", {}), ("celu", {"alpha": 0.3}), ("celu", {"alpha": 4}),
    ("gelu", {}), ("gelu", {"approximate": "tanh"}),
    ("softplus", {}), ("softplus", {"beta": 3.0}), ("softplus", {"beta": 0.5, "threshold": 2.0}),
    ("hardtanh", {}), ("hardtanh", {"min_val": -3, "max_val": 0.5}),
    ("threshold", {"threshold": 0.5, "value": 7}), ("threshold", {"threshold": -1, "value": -9}),
    ("hardshrink", {}), ("hardshrink", {"lambd": 3.0}), ("softshrink", {}), ("softshrink", {"lambd": 3.0}),
]  # fmt: skip
every_call = pytest.mark.parametrize(("name", "settings"), CALLS, ids=lambda value: str(value))

KINKS = np.array([-6.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0])
FAR = np.array([-1e4, -1000.0, -100.0, -30.0, -20.0, 20.0, 30.0, 100.0, 1000.0, 1e4])


@pytest.mark.peer
@every_call
def test_activation_equals_pytorch(torch, rng, name, settings):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    # PyTorch takes 1/6 and 1/alpha in single precision there.
    rtol = 1e-6 if name in ("hardsigmoid", "celu") else 1e-10
    for x in (rng.normal(size=(3, 4)) * 3, KINKS, FAR):
        assert_equal(torch, lambda x: ours(x, **settings), lambda x: theirs(x, **settings), [x], rtol)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@every_call
def test_activation_and_gradient_are_finite_far_out(name, settings, dtype):
    x = variable([-1e4, -1000.0, -90.0, 0.0, 90.0, 1000.0, 1e4], dtype)
    y = getattr(F, name)(x, **settings)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


@every_call
def test_activation_keeps_nan(name, settings):
    assert np.isnan(getattr(F, name)(Tensor(np.array([np.nan])), **settings).item())


@pytest.mark.parametrize("setting", [0.25, np.float64(0.25)])
def test_settings_do_not_change_the_dtype(setting):
    x = Tensor(np.ones(3, np.float32))
    results = [
        F.leaky_relu(x, setting), F.elu(x, setting), F.celu(x, setting), F.softplus(x, setting, setting),
        F.hardtanh(x, -setting, setting), F.threshold(x, setting, setting), F.softshrink(x, setting),
        F.hardshrink(x, setting),
    ]  # fmt: skip
    assert [y.dtype for y in results] == [np.float32] * 8


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 2)])
@pytest.mark.parametrize("each", [True, False])
def test_prelu_equals_pytorch(torch, rng, shape, each):
    arrays = rng.normal(size=shape), rng.normal(size=3 if each else 1)
    assert_equal(torch, F.prelu, torch.nn.functional.prelu, arrays)


@pytest.mark.parametrize("weight", [np.ones(4), np.ones((3, 1))])
def test_prelu_refuses_slopes_that_fit_no_channel(weight):
    with pytest.raises(ShapeError, match=r"prelu: weight has shape .* one for each channel \(3\)"):
        F.prelu(mg.ones((2, 3, 4)), weight)


@pytest.mark.peer
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_glu_equals_pytorch(torch, rng, dim):
    assert_equal(torch, lambda x: F.glu(x, dim), lambda x: torch.nn.functional.glu(x, dim), [rng.normal(size=(2, 4))])


def test_glu_needs_two_halves():
    with pytest.raises(ShapeError, match="3 elements along dim=-1"):
        F.glu(mg.ones((2, 3)))


# ---- properties ----------------------------------------------------------------------------------------------------


def test_crelu_keeps_both_signs_side_by_side(rng):
    x = variable(rng.normal(size=(2, 3, 4)))
    y = F.crelu(x)
    np.testing.assert_array_equal((y[:, :3] - y[:, 3:]).numpy(), x.numpy())
    np.testing.assert_array_equal(y.numpy() >= 0, True)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.sign(x.numpy()))
    assert F.crelu(x, dim=-1).shape == (2, 3, 8)


def test_gelu_is_x_times_the_normal_distribution():
    x = np.linspace(-9, 9, 101)
    expected = [v * math.erfc(-v / math.sqrt(2)) / 2 for v in x]
    np.testing.assert_allclose(F.gelu(Tensor(x)), expected, rtol=1e-13)  # relative, also in the tail
    assert np.abs(F.gelu(Tensor(x)).numpy() - F.gelu(Tensor(x), "tanh").numpy()).max() < 5e-4


def test_third_derivative_of_gelu_at_zero():
    third = mg.grad(mg.grad(mg.grad(lambda x: F.gelu(x))))
    assert third(Tensor(np.array(0.0))).item() == pytest.approx(0, abs=1e-15)
    fourth = mg.grad(third)  # of x Φ(x): 4 Φ''' at 0
    assert fourth(Tensor(np.array(0.0))).item() == pytest.approx(-4 / math.sqrt(2 * math.pi))


def test_softplus_without_a_threshold_is_smooth():
    x = Tensor(np.array([19.9, 20.1, 700.0]))
    np.testing.assert_allclose(F.softplus(x, threshold=math.inf), np.logaddexp(0, x.numpy()), rtol=1e-15)


@pytest.mark.peer
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softsign", "tanhshrink"])
def test_integers_become_numbers_of_the_default_dtype_as_in_pytorch(torch, name, dtype):
    x = np.array([0, 1, 3], dtype)
    expected = getattr(torch.nn.functional, name)(torch.tensor(x)).numpy()
    for given in (x, Tensor(x)):
        found = getattr(F, name)(given)
        assert found.dtype == expected.dtype == mg.default_dtype()
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_sigmoid_of_truth_values_has_the_default_dtype():
    assert F.sigmoid(Tensor(np.array([True, False]))).dtype == mg.default_dtype()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.celu(x, 0.0), "celu: alpha divides x and cannot be 0"),
        (lambda x: F.softplus(x, 0.0), "softplus: beta divides"),
        (lambda x: F.gelu(x, "erf"), 'gelu: approximate is "none" or "tanh", not \'erf\''),
        (lambda x: F.hardtanh(x, 1, -1), "hardtanh: min_val=1 is greater than max_val=-1"),
        (lambda x: F.softshrink(x, -1), "softshrink: lambd must not be negative, got -1"),
    ],
)
def test_wrong_setting_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call(mg.ones((2, 3)))


SMOOTH_FOR_THE_USUAL_SETTINGS = [("elu", 0.0)]
WITH_KINKS = [name for name, op in mg.REGISTRY.items() if op.module == "minigrad.ops.activation" and op.kinks]


@pytest.mark.parametrize("name", WITH_KINKS)
def test_gradient_at_a_kink_lies_between_the_slopes_beside_it(name):
    op, h = mg.REGISTRY[name], 1e-7
    weight = [np.array(0.25)] * (len(op.inputs) - 1)
    for kink in op.kinks:
        below, at, above = (op(Tensor(np.array(x)), *weight).item() for x in (kink - h, kink, kink + h))
        left, right = (at - below) / h, (above - at) / h
        x = variable(kink)
        op(x, *weight).backward()
        assert min(left, right) - 1e-6 <= x.grad.item() <= max(left, right) + 1e-6
        if (name, kink) not in SMOOTH_FOR_THE_USUAL_SETTINGS:
            assert abs(left - right) > 1e-3  # it is a kink
