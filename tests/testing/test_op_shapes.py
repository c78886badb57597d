"""What is found out of an op by calling its forward function."""

import pytest

from minigrad import REGISTRY
from minigrad.autograd.registry import op
from minigrad.testing.op_shapes import inputs_broadcast


@pytest.fixture(autouse=True)
def _registry():
    """Forget the ops that a test makes."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def test_inputs_broadcast_against_each_other_or_do_not():
    names = {
        name: inputs_broadcast(REGISTRY[name]) for name in ("add", "where", "sin", "matmul", "conv", "concat", "linear")
    }
    assert [name for name, does in names.items() if does] == ["add", "where"]

    @op
    def scaled(x, y, *, by=2.0):
        return x * y * by

    assert inputs_broadcast(scaled)
