"""`anomaly()` names the first op that went wrong, and the line that called it."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def here() -> int:
    """The number of the line that calls this."""
    import sys

    return sys._getframe(1).f_lineno


def test_value_names_op_position_count_and_line() -> None:
    x = mg.Tensor([1.0, 0.0, 0.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError) as raised, mg.anomaly():
        line = here() + 1
        mg.exp(mg.log(x) * 0)
    text = str(raised.value)
    assert "log gave -inf at (1,), 2 of 3 elements not finite" in text
    assert text.endswith(f"{__file__}:{line}")


def test_gradient_names_op_input_and_the_forward_line() -> None:
    x = mg.Tensor([1.0, 0.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError) as raised, mg.anomaly():
        line = here() + 1
        y = mg.sqrt(x)
        (y * 2).sum().backward()
    text = str(raised.value)
    assert "the gradient of sqrt for its input 'x' is inf at (1,)" in text
    assert text.endswith(f"{__file__}:{line}")


def test_layer_is_named() -> None:
    class Log(nn.Module):
        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return mg.log(x)

    model = nn.Sequential(nn.ReLU(), Log())
    with pytest.raises(mg.NonFiniteError, match=re.escape("in 1 Log")), mg.anomaly():
        model(mg.Tensor([-1.0], requires_grad=True))


def test_ops_on_constants_are_watched_too() -> None:
    with pytest.raises(mg.NonFiniteError, match="log gave -inf"), mg.anomaly():
        mg.log(mg.zeros(2))
    with pytest.raises(mg.NonFiniteError, match="log gave -inf"), mg.anomaly(), mg.no_grad():
        mg.log(mg.zeros(2, requires_grad=True))


def test_first_op_is_blamed_not_a_later_one() -> None:
    x = mg.Tensor([0.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError, match=r"^divide gave"), mg.anomaly():
        mg.sin(1 / x)


def test_op_recorded_outside_is_named_without_a_line() -> None:
    y = mg.sqrt(mg.Tensor([0.0], requires_grad=True)).sum()
    with pytest.raises(mg.NonFiniteError, match="called outside of anomaly"), mg.anomaly():
        y.backward()


def test_finite_work_is_left_alone_and_integers_are_not_looked_at() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.anomaly():
        (mg.log(x) * (x > 1)).sum().backward()
        mg.argmax(x)
    np.testing.assert_allclose(x.grad.numpy(), [0, 0.5])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_watching_ends_with_the_block_and_after_an_error() -> None:
    x = mg.Tensor([0.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError), mg.anomaly():
        mg.log(x)
    assert np.isinf(mg.log(x).item())
