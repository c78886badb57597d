"""Clipping of gradients: by the definition, at the ends of the number range, and against PyTorch."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrad import NonFiniteError, Tensor, UsageError, nn
from minigrad.functional import l1_penalty, l2_penalty
from minigrad.optim import EMA, SGD, WeightAverage, clip_grad_norm, clip_grad_value
from tests.helper import variable

numbers = st.floats(-1e3, 1e3)
shapes = st.sampled_from([(), (0,), (3,), (2, 3)])
gradient_lists = st.lists(shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=numbers)), max_size=4)
norms = st.sampled_from([0.5, 1.0, 2.0, 3.0, math.inf])


def variables(gradients, dtype=np.float64):
    params = []
    for g in gradients:
        g = np.asarray(g, dtype)
        params.append(variable(np.zeros_like(g), dtype))
        params[-1].grad = Tensor(g)
    return params


def read(params):
    return [p.grad.numpy() for p in params]


def definition(gradients, p):
    x = np.abs(np.concatenate([np.ravel(g) for g in gradients] or [np.zeros(0)]))
    return np.max(x, initial=0) if p == math.inf else np.sum(x**p) ** (1 / p)


@given(gradients=gradient_lists, p=norms, max_norm=st.floats(0, 1e4))
@example(gradients=[np.full(3, 900.0)], p=1.0, max_norm=7.386e-320)  # the factor is a multiple of 5e-324
def test_norm_is_the_definition_and_gradients_are_scaled_together(gradients, p, max_norm):
    params = variables(gradients)
    norm = clip_grad_norm([*params, variable(1.0)], max_norm, p)  # the last one has no gradient
    assert norm == pytest.approx(definition(gradients, p), rel=1e-10)
    factor = min(1.0, max_norm / (norm + 1e-6))
    for found, g in zip(read(params), gradients, strict=True):
        np.testing.assert_allclose(found, factor * g, rtol=1e-10, atol=1e-290)
    # A factor or a product below 2e-308 is rounded to a multiple of q = 5e-324, so numbers are wrong by up to 1000 q.
    # For p = 1/2 that moves the root of the norm of n = 24 numbers by n sqrt(1000 q) < 2e-159, and the norm, which is
    # then below 1e-302, by less than 1e-300.
    assert definition(read(params), p) <= max_norm * (1 + 1e-10) + 1e-300


@given(gradients=gradient_lists.filter(len), value=st.floats(0, 1e3))
def test_value_cuts_every_number_off(gradients, value):
    params = variables(gradients)
    clip_grad_value(params, value)
    for found, g in zip(read(params), gradients, strict=True):
        np.testing.assert_array_equal(found, np.clip(g, -value, value))


@pytest.mark.parametrize(
    ("dtype", "scale"), [(np.float64, 1e300), (np.float64, 1e-300), (np.float32, 1e38), (np.float32, 1e-38)]
)
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_huge_and_tiny_gradients_have_the_norm_of_their_scale(dtype, scale, p):
    base = [np.array([0.3, -0.4]), np.array([[1.2]])]
    params = variables([scale * g for g in base], dtype)
    assert clip_grad_norm(params, 0.5, p) == pytest.approx(scale * definition(base, p), rel=1e-5)
    if scale > 1:
        assert definition(read(params), p) == pytest.approx(0.5, rel=1e-5)


def test_factor_of_a_huge_norm_does_not_vanish_in_half_precision():
    x = variable(np.zeros(2_000_000), np.float16)
    x.grad = Tensor(np.full(2_000_000, 6e4, np.float16))
    clip_grad_norm([x], 1.0)
    np.testing.assert_allclose(x.grad.numpy(), 1 / np.sqrt(2e6), rtol=1e-3)


def test_norm_of_many_single_precision_numbers_is_summed_in_double():
    g = np.full(3_000_000, 0.1, np.float32)
    assert clip_grad_norm(variables([g], np.float32), 1e9) == pytest.approx(float(g[0]) * math.sqrt(g.size), rel=1e-12)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("p", [2.0, 1.0, math.inf])
def test_nonfinite_norm_is_an_error_on_request_and_then_nothing_changes(bad, p):
    params = variables([[1.0, bad], [2.0]])
    with pytest.raises(NonFiniteError, match="cannot be clipped"):
        clip_grad_norm(params, 1.0, p, error_if_nonfinite=True)
    np.testing.assert_array_equal(read(params)[0], [1.0, bad])
    assert not math.isfinite(clip_grad_norm(params, 1.0, p))
    assert math.isnan(read(params)[0][1])
    assert math.isnan(read(params)[1][0]) == math.isnan(bad)


@pytest.mark.parametrize("clip", [lambda p: clip_grad_norm(p, 1.0), lambda p: clip_grad_value(p, 1.0)])
def test_whoever_holds_the_gradients_array_keeps_it(clip):
    p = variable([3.0, 4.0])
    p.grad = Tensor(np.array([3.0, 4.0]))
    view, other = p.grad.numpy(), p.grad.detach()
    loss = (variable([1.0, 1.0]) * p.grad).sum()
    clip([p])
    assert (p.grad.numpy() <= 1).all()
    np.testing.assert_array_equal(view, [3, 4])
    np.testing.assert_array_equal(other.numpy(), [3, 4])
    assert loss.item() == 7


def test_gradient_that_two_variables_share_is_scaled_once():
    p, q = variable([0.0]), variable([0.0])
    p.grad = q.grad = Tensor(np.array([3.0]))
    clip_grad_value([p, q], 2.0)
    assert (p.grad.item(), q.grad.item()) == (2, 2)
    assert clip_grad_norm(p, 1.0) == 2  # one variable alone serves


def test_recorded_gradient_is_clipped_without_its_history():
    p = variable([3.0])
    (p * p * p).sum().backward(create_graph=True)
    clip_grad_norm([p], 1.0)
    assert p.grad.item() == pytest.approx(1.0)
    assert not p.grad.requires_grad


def exhausted():
    parameters = nn.Linear(2, 2).parameters()
    list(parameters)
    return parameters


@pytest.mark.parametrize("none", [exhausted, list, lambda: iter(()), dict])
@pytest.mark.parametrize(
    "take",
    [
        lambda params: clip_grad_norm(params, 1.0),
        lambda params: clip_grad_value(params, 1.0),
        lambda params: SGD(params, lr=0.1),
        lambda params: SGD([{"params": params}], lr=0.1),
        lambda params: SGD([variable(1.0)], lr=0.1).add_param_group({"params": params}),
        EMA,
        WeightAverage,
        l1_penalty,
        l2_penalty,
    ],
)
def test_no_parameters_are_an_error_of_everything_that_takes_some(take, none):
    with pytest.raises(UsageError, match="parameters"):
        take(none())


def test_frozen_parameters_and_no_gradients_are_left_out():
    assert clip_grad_norm([Tensor([1.0]), variable(1.0)], 1.0) == 0
    assert clip_grad_norm((p for p in variables([[3.0, 4.0]])), 1.0) == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: clip_grad_norm({"p": p}, 1.0), "clip_grad_norm: parameters are Tensors, .* not a str"),
        (lambda p: clip_grad_norm([("p", p)], 1.0), "clip_grad_norm: parameters are Tensors, .* not a tuple"),
        (lambda p: clip_grad_value(nn.Linear(1, 1), 1.0), r"clip_grad_value: .*model.parameters\(\), not a Linear"),
        (lambda p: clip_grad_norm([p], "1"), "max_norm must be at least 0, got '1'"),
        (lambda p: clip_grad_norm([p], 1.0, "inf"), "norm_type must be above 0, got 'inf'"),
        (lambda p: clip_grad_value([p], None), "clip_value must be at least 0, got None"),
    ],
)
def test_what_is_no_parameter_or_no_number_is_named(call, message):
    with pytest.raises(UsageError, match=message):
        call(variable(1.0))


@pytest.mark.parametrize("call", [
    lambda: clip_grad_norm([], -1.0), lambda: clip_grad_norm([], math.nan), lambda: clip_grad_norm([], 1.0, 0.0),
    lambda: clip_grad_value([], -1.0), lambda: clip_grad_value([], math.nan),
])  # fmt: skip
def test_settings_out_of_range_are_refused(call):
    with pytest.raises(UsageError, match=r"must be (at least|above) 0"):
        call()


@pytest.mark.peer
@given(gradients=gradient_lists.filter(len), p=norms, limit=st.floats(0, 1e4), value=st.floats(0, 1e3))
def test_clipping_is_pytorchs(gradients, p, limit, value):
    torch = pytest.importorskip("torch")
    own, theirs = variables(gradients), [torch.zeros(g.shape, dtype=torch.float64) for g in gradients]
    for q, g in zip(theirs, gradients, strict=True):
        q.grad = torch.tensor(g)
    if p == math.inf and not all(g.size for g in gradients):
        return  # PyTorch knows no largest number of none
    norm = torch.nn.utils.clip_grad_norm_(theirs, limit, p)
    assert clip_grad_norm(own, limit, p) == pytest.approx(norm.item(), rel=1e-10)
    torch.nn.utils.clip_grad_value_(theirs, value)
    clip_grad_value(own, value)
    for found, q in zip(read(own), theirs, strict=True):
        np.testing.assert_allclose(found, q.grad.numpy(), rtol=1e-9, atol=1e-290)
