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


MASKED = {
    "a constant in where": lambda x: mg.where(MASK, x, -np.inf),
    "a constant in front": lambda x: mg.where(~MASK, -np.inf, x) - 1,
    "a mask that is added": lambda x: x + np.where(MASK, 0, -np.inf).astype(x.dtype),
    "joined, moved and scaled": lambda x: mg.concat([x, mg.full((2, 1), -np.inf)], axis=1)[:, ::-1] / 2,
    "a maximum with -inf": lambda x: mg.maximum(mg.where(MASK, x, -np.inf), -np.inf),
}
MASK = np.array([[True, True, False], [False, True, True]])


@pytest.mark.parametrize("masked", MASKED.values(), ids=MASKED)
@pytest.mark.parametrize("reduce", ["softmax", "log_softmax", "logsumexp"])
def test_infinity_of_a_mask_is_no_anomaly_as_long_as_gradients_are_finite(masked, reduce) -> None:
    x = mg.Tensor([[0.5, 1.0, -1.0], [2.0, 0.0, 0.25]], requires_grad=True)
    with mg.anomaly():
        out = mg.logsumexp(masked(x), axis=1) if reduce == "logsumexp" else getattr(mg.functional, reduce)(masked(x), 1)
        mg.where(np.isfinite(out.numpy()), out, 0).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_row_that_is_masked_completely_is_found_where_it_becomes_nan() -> None:
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True)
    with pytest.raises(mg.NonFiniteError, match=r"^(subtract|softmax|exp) gave nan"), mg.anomaly():
        masked = x - np.inf
        mg.exp(masked - mg.max(masked, axis=1, keepdims=True))


def test_infinite_data_is_found_at_the_first_product() -> None:
    x = np.array([[1.0, np.inf]], np.float32)
    with pytest.raises(mg.NonFiniteError, match=r"^linear gave (-?inf|nan) at"), mg.anomaly():
        mg.functional.relu(nn.Linear(2, 3)(x * 2)).sum().backward()


def test_overflow_beside_a_mask_is_found() -> None:
    x = mg.Tensor([1.0, 200.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError, match=r"^exp gave inf at \(1,\)"), mg.anomaly():
        mg.exp(x) + np.array([-np.inf, 0], np.float32)


def test_infinite_gradient_is_an_anomaly_although_the_value_was_masked() -> None:
    x = mg.Tensor([0.0, 1.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError, match="the gradient of sqrt for its input 'x' is inf"), mg.anomaly():
        (mg.sqrt(x) + np.array([0, np.inf], np.float32))[0].backward()


def test_op_with_several_results_is_named_with_the_result() -> None:
    x = mg.Tensor(np.zeros((2, 2)), requires_grad=True)
    with pytest.raises(mg.NonFiniteError, match=r"^slogdet's result logabsdet gave -inf"), mg.anomaly():
        mg.slogdet(x)
    with pytest.raises(mg.NonFiniteError, match=r"for its input 'x' is"), mg.anomaly():
        (mg.sqrt(mg.slogdet(mg.Tensor(np.eye(2), requires_grad=True))[1])).backward()
