"""Gradients that never come: each way to lose one is told from the others, with its line."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.autograd.op import Op
from minigrad.diagnosis import why
from tests.diagnosis.here import line_of
from tests.helper import variable


def test_constant() -> None:
    reason = why(Tensor([1.0]), lambda: variable(2.0))
    assert reason.cause == "constant"
    assert "requires_grad is False" in reason.text
    assert "int64" in why(Tensor(np.arange(3)), lambda: variable(2.0)).text


def test_frozen_parameter() -> None:
    layer = nn.Linear(2, 1)
    layer.freeze()
    assert why(layer.weight, lambda: layer(variable([[1.0, 2.0]]).astype("float32")).sum()).cause == "constant"


@pytest.mark.parametrize("leave", ["detach", "stop_gradient", "data", "numpy", "slice"])
def test_every_way_out_of_the_graph_is_a_detach(leave: str) -> None:
    ways = {
        "detach": lambda t: t.detach(),
        "stop_gradient": mg.autograd.transforms.stop_gradient,
        "data": lambda t: t.data,
        "numpy": lambda t: t.numpy(),
        "slice": lambda t: t.data[1:].reshape(2, 1),
    }
    w = variable([1.0, 2.0, 3.0])

    def loss() -> Tensor:
        h = w * w
        out = ways[leave](h)
        return (out * variable([0.5])).sum()  # <- taken on

    reason = why(w, loss)
    assert reason.cause == "detached"
    assert any(step.op == "multiply" and step.line == line_of("taken on") for step in reason.path)


def test_line_of_detach_is_found_between_making_and_use() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = w * w
        h = h + 1
        other = mg.exp(v)
        h = mg.stop_gradient(h)  # <- stop
        other = other * 2
        return (h * other).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line, reason.op) == ("detached", line_of("stop"), "stop_gradient")


def test_detach_of_something_else_nearby_is_not_blamed() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])
    held = w.detach()  # <- held

    def loss() -> Tensor:
        other = v.detach()
        kept = held * 2
        return (kept * other * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("held"))


def test_detach_above_the_use_of_the_tensor_itself_is_found() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        weight = w.detach()  # <- above
        other = mg.exp(v)
        return (weight * other).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line, reason.op) == ("detached", line_of("above"), "detach")


def test_detach_where_a_function_returns_is_found() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def features() -> Tensor:
        h = mg.exp(w)
        return h.detach()  # <- returned

    def loss() -> Tensor:
        h = features()
        return (h * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("returned"))


def test_copy_through_numpy_is_recognized_by_its_values() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        h = Tensor(h.numpy().copy())  # <- copy
        return (h * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("copy"))
    assert "as a copy without history" in reason.text


def test_python_number_is_recognized_by_its_value() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        norm = mg.exp(w).sum().item()  # <- item
        return (v / norm).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("item"))


def test_tensor_itself_detached() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])
    reason = why(w, lambda: (w.detach() * v).sum())
    assert (reason.cause, reason.path[0].op) == ("detached", "detach")
    assert reason.text.startswith("the variable is used without its history: multiply")


def test_loss_itself_detached() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        out = (w * w).sum()
        return out.detach()  # <- end

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("end"))
    assert why(variable(1.0), lambda: variable(1.0)).cause == "unused"
    lone = variable(3.0)
    assert why(lone, lambda: lone.detach()).cause == "detached"


def test_loss_that_went_through_a_python_number() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: Tensor(mg.exp(w).sum().item()).astype(float) * 1.0)
    assert reason.cause == "not_reached"  # rounded to float32, it is another number
    exact = why(w, lambda: Tensor(np.asarray(mg.exp(w).sum().item())))
    assert exact.cause == "detached"
    assert [step.op for step in exact.path] == ["exp", "sum", "detach"]


def test_no_grad_on_the_way() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        with mg.no_grad():
            h = mg.tanh(h)  # <- off the record
        return (h * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("no_grad", "tanh", line_of("off the record"))
    assert [step.recorded for step in reason.path] == [True, False, True, True]
    assert why(v, loss).cause == "healthy"


def test_everything_in_no_grad() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        with mg.no_grad():
            return mg.exp(w).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op) == ("no_grad", "exp")
    assert "Nothing in the function was recorded" in reason.text


def test_numbers_off_the_record_are_followed() -> None:
    w, v = variable([1.5, 2.25]), variable([3.0, 4.0])

    def loss() -> Tensor:
        with mg.no_grad():
            scale = mg.sqrt(mg.sum(w))
            scale = scale * 3
        return (scale * v).sum()

    reason = why(w, loss)
    assert reason.cause == "no_grad"
    assert [step.op for step in reason.path] == ["sum", "sqrt", "multiply", "multiply", "sum"]


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda h: mg.argmax(h, axis=0), "argmax"),
        (lambda h: h > 2, "greater"),
        (lambda h: h.astype(int), "astype"),
        (mg.ones_like, "ones_like"),
    ],
)
def test_integers_and_booleans(function, op) -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])
    reason = why(w, lambda: (function(mg.exp(w)) * v).sum())
    assert (reason.cause, reason.op) == ("integer", op)


def test_input_that_only_chooses() -> None:
    w, v = variable([1.0, 0.0]), variable([3.0, 4.0])
    reason = why(w, lambda: mg.where(w * 2, v, 0.0).sum())
    assert (reason.cause, reason.op) == ("integer", "where")
    assert "'condition'" in reason.text


def test_loss_of_integers() -> None:
    w = variable([1.0, 2.0])
    assert why(w, lambda: mg.argmax(w * 2)).cause == "integer"


def test_hooks_are_passed() -> None:
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda module, came, went: None)
    x = mg.ones((1, 2), requires_grad=True)
    assert why(layer.weight, lambda: layer(x).sum()).cause == "healthy"
    assert why(x, lambda: layer(x).sum()).cause == "healthy"


def test_index_that_was_computed() -> None:
    w, table = variable([[1.0, 2.0], [4.0, 3.0]]), variable(np.arange(6.0).reshape(3, 2))

    def loss() -> Tensor:
        scores = mg.exp(w)
        chosen = mg.argmax(scores, axis=1)  # <- chosen
        return table[chosen].sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("integer", "argmax", line_of("chosen"))
    assert [step.op for step in reason.path] == ["exp", "argmax", "getitem", "sum"]


def test_integer_labels_are_no_blocker() -> None:
    w, labels = variable(np.eye(3)), Tensor(np.array([0, 1, 2]))
    assert why(w, lambda: mg.functional.cross_entropy(w * 2, labels)).cause == "healthy"


def test_way_with_floating_numbers_is_preferred_to_a_shorter_one_with_booleans() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(mg.tanh(w)).detach()  # <- floats
        return mg.where(w > 1, h * v, v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("floats"))


def test_dead_branch() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        mg.tanh(h)  # <- dropped
        return (v * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("not_reached", "tanh", line_of("dropped"))


def test_trail_that_ends_in_numpy_names_the_last_op() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)  # <- last
        h = Tensor(np.sort(h.numpy())[::-1] / 2)
        return (h * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("not_reached", line_of("last"))
    assert "NumPy" in reason.text


def test_ops_inside_of_a_forward_function_are_not_taken_for_uses() -> None:
    inner = Op(lambda x: mg.ops.where(x > 0, x, 0 * x), "inner_where")
    inner.vjp("x")(lambda g: g)
    w = variable([1.0, -2.0])
    assert why(w, lambda: inner(inner(w * 1) * 1).sum()).cause == "healthy"

    def loss() -> Tensor:
        h = inner(mg.exp(w))
        with mg.no_grad():
            h = inner(h)  # <- inner
        return (h * variable([1.0, 1.0])).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("no_grad", line_of("inner"))


def test_checkpoint_is_passed_and_looked_into() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])
    assert why(w, lambda: mg.checkpoint(lambda x: mg.exp(x) * v, w).sum()).cause == "healthy"

    def function(x: Tensor) -> Tensor:
        h = mg.exp(x)
        return h.detach() * v  # <- inside

    reason = why(w, lambda: mg.checkpoint(function, w).sum())
    assert (reason.cause, reason.line) == ("detached", line_of("inside"))


def test_ops_with_several_results_are_passed() -> None:
    w = variable([[2.0, 1.0], [1.0, 3.0]])
    assert why(w, lambda: mg.eigh(w)[0].max()).cause == "healthy"
    with mg.no_grad():
        pass

    def loss() -> Tensor:
        with mg.no_grad():
            values, _ = mg.eigh(w)
        return (values * variable([1.0, 1.0])).sum()

    assert why(w, loss).cause == "no_grad"


def test_way_that_is_recorded_longest_is_blamed_where_it_ends() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = w.detach() * w
        with mg.no_grad():
            h = mg.tanh(h)  # <- after a product
        return (h * variable([1.0, 1.0])).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("no_grad", line_of("after a product"))


def test_module_that_ran_is_not_said_to_be_idle() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.used

    model = nn.Sequential(nn.Sequential(Inner()))
    x = Tensor(np.ones(2))
    for f in (lambda: model(x).sum(), lambda: model[0](x).sum()):
        reason = why(model[0][0].spare, f)
        assert (reason.cause, reason.name.rpartition(".")[2]) == ("unused", "spare")
        assert "did not run" not in reason.text


def test_used_twice_once_with_history_is_no_loss() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (w.detach() * mg.exp(w)).sum())
    assert reason.cause == "healthy"
