"""Gradients of PyTorch code: planted faults are found, small and named, and right rules are not blamed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from minigrad.domain import POSITIVE  # noqa: E402
from minigrad.testing import LawViolation, Verdict, laws  # noqa: E402
from minigrad.testing.torch import check_grads, gradtest  # noqa: E402
from tests.testing.frameworks.planted_faults import FAULTS, arity, decorated, every_fault, find, with_names  # noqa: E402

pytestmark = pytest.mark.peer


class Xp:
    """What rules compute with."""

    sin, cos, where = torch.sin, torch.cos, torch.where

    @staticmethod
    def sum(x, axis, keepdims=False):
        return torch.sum(x, dim=axis, keepdim=keepdims)

    @staticmethod
    def mT(x):
        return x.mT

    @staticmethod
    def cumsum(x):
        return torch.cumsum(x, 0)

    @staticmethod
    def flip(x):
        return torch.flip(x, (0,))

    @staticmethod
    def all_but_first(x):
        return (torch.arange(x.numel()).reshape(x.shape) > 0).to(x.dtype)


def build(forward, backward):
    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *args):
            ctx.save_for_backward(*args)
            return forward(Xp, *args)

        @staticmethod
        def backward(ctx, g):
            return backward(Xp, g, *ctx.saved_tensors)

    return with_names(Planted.apply, arity(forward))


@every_fault
def test_fault_is_found_made_small_and_named(name):
    fault = FAULTS[name]
    violation = find(gradtest, build(fault.forward, fault.wrong), fault)
    assert "framework='torch'" in violation.call


@every_fault
def test_right_rule_is_not_blamed(name):
    fault = FAULTS[name]
    decorated(gradtest, build(fault.forward, fault.right), fault)()


class Softplus(torch.autograd.Function):
    """Right at all orders: the rule is written in differentiable operations."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, g):
        return g * torch.sigmoid(ctx.saved_tensors[0])


class OnceOnly(Softplus):
    @staticmethod
    def backward(ctx, g):
        return g * torch.sigmoid(ctx.saved_tensors[0].detach())


class InPlace(Softplus):
    @staticmethod
    def backward(ctx, g):
        return g.mul_(torch.sigmoid(ctx.saved_tensors[0]))


class Stale(Softplus):
    @staticmethod
    def forward(ctx, x):
        Stale.x = x
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, g):
        return g * torch.sigmoid(Stale.x)


class OneBuffer(Softplus):
    kept = torch.zeros(64, dtype=torch.float64)

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        out = OneBuffer.kept[: x.numel()].view(x.shape)
        out.copy_(torch.log1p(torch.exp(x)))
        return out


class Unused(torch.autograd.Function):
    """No gradient for an argument that matters."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0], None


@pytest.mark.parametrize(
    ("function", "law", "cause"),
    [
        (OnceOnly, "second_order", "second order wrong"),
        (InPlace, "purity", "input mutated"),
        (Stale, "aliasing", "stale saved value"),
        (Unused, "gradient", "zero gradient"),
    ],
)
def test_faults_of_torch_functions(function, law, cause):
    with pytest.raises(LawViolation) as caught:
        gradtest(shapes="D -> D" if function is not Unused else "D, D -> D", examples=20)(function).gradtest()
    assert (caught.value.law, caught.value.cause) == (law, cause)
    assert caught.value.call.startswith(f"laws.{law}({function.__name__}.apply, ")


def test_buffer_that_is_used_again_is_found():
    with pytest.raises(LawViolation, match="a later call changed this result"):
        laws.aliasing(OneBuffer.apply, np.array([0.5, 1.0]), framework="torch")


def test_second_order_by_double_backward(rng):
    x = torch.from_numpy(rng.normal(size=(2, 3)))
    assert check_grads(Softplus.apply, x).order == 2
    report = check_grads(OnceOnly.apply, x)
    assert (report.verdict, report.order) == (Verdict.WRONG, 2)
    assert check_grads(OnceOnly.apply, x, order=1).verdict is Verdict.CORRECT


def test_forward_mode_is_held_to_the_reverse_mode(rng):
    class Dual(Softplus):
        factor = 1.0

        @staticmethod
        def forward(x):
            return torch.log1p(torch.exp(x))

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def jvp(ctx, v):
            return Dual.factor * v * torch.sigmoid(ctx.saved_tensors[0])

    x = rng.normal(size=3)
    assert check_grads(Dual.apply, x, modes=("vjp", "jvp"), order=1).verdict is Verdict.CORRECT
    Dual.factor = 1.001
    assert check_grads(Dual.apply, x, order=1).verdict is Verdict.CORRECT
    report = check_grads(Dual.apply, x, modes=("vjp", "jvp"), order=1)
    assert (report.verdict, report.note[:12]) == (Verdict.WRONG, "forward mode")


def network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 2), torch.nn.BatchNorm2d(3), torch.nn.Dropout(0.5), torch.nn.Softplus()
    )


def test_module_is_tested_by_its_parameters_too_and_everything_is_put_back(rng):
    module = network()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    generator = torch.get_rng_state()
    report = check_grads(module, rng.normal(size=(2, 2, 3, 3)))
    assert report.verdict is Verdict.CORRECT, report
    assert torch.equal(generator, torch.get_rng_state())
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in state.items())


def test_fault_in_a_module_names_the_parameter():
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x):
            return Planted.apply(x, self.weight)

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g * w, (g * x)[0]

    with pytest.raises(LawViolation, match="input weight") as caught:
        gradtest(input=(3, 2), examples=10)(lambda: Scale()).gradtest()
    assert caught.value.cause == "missing un-broadcast"


def test_arrays_that_torch_does_not_take_are_copied():
    for x in (np.ones((1, 1))[::-1], np.arange(3.0)[::-1], np.broadcast_to(np.ones(1), (2, 1)), np.array(2.0)):
        assert check_grads(torch.sin, x).verdict is Verdict.CORRECT


def test_results_that_do_not_depend_and_integers_are_no_failures(rng):
    x = rng.normal(size=(2, 3))
    assert check_grads(lambda x, y: x * 2, x, x[0]).verdict is Verdict.CORRECT
    assert check_grads(lambda x: torch.max(x, dim=-1), x).verdict is Verdict.CORRECT
    assert check_grads(lambda x: torch.zeros_like(x), x).verdict is Verdict.CORRECT
    assert check_grads(torch.nn.functional.embedding, torch.tensor([0, 1, 1]), x).verdict is Verdict.CORRECT


def test_single_precision_is_cast_and_said_to_be():
    assert "argument 0 was cast" in check_grads(torch.exp, torch.ones(3)).note


@gradtest(shapes="... D -> ... D", domain={"x": POSITIVE}, examples=5)
class Share(torch.autograd.Function):
    """Collected by the plugin."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x / x.sum(-1, keepdim=True)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        s = x.sum(-1, keepdim=True)
        return (g - (g * x / s).sum(-1, keepdim=True)) / s
