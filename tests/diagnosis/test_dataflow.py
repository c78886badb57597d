"""Values are followed from call to call, also off the record, through copies, hooks and checkpoints."""

import numpy as np

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.autograd.op import Op
from minigrad.diagnosis import why
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


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


def test_part_of_the_graph_may_be_older_than_the_function() -> None:
    w = variable([1.0, -2.0])
    h = mg.exp(w)
    assert why(w, lambda: (h * h).sum()).cause == "healthy"
    assert why(w, lambda: (mg.relu(h - 99)).sum()).op == "relu"


def test_kept_values_are_told_without_a_trace_for_variadic_ops() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0])
    assert why(v, (mg.concat([w, v]) * 2).sum()).cause == "healthy"
    matrix = variable([[2.0, 1.0], [1.0, 3.0]])
    assert why(matrix, (mg.eigh(matrix * 2)[0] * v).sum()).cause == "healthy"
