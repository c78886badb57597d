"""Gradients of PyTorch code: planted faults are found, small and named, and right rules are not blamed."""

import pytest

torch = pytest.importorskip("torch")

from minigrad.testing.torch import gradtest  # noqa: E402
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
