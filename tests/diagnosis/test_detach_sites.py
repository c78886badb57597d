"""The line at which a value is detached is found in the source."""

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.diagnosis import why
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


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


def test_a_line_that_seems_to_leave_the_graph_is_shown() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        other = variable([0.5, 1.5])
        h = Tensor(np.sort(h.numpy())[::-1] / 2)  # <- numpy
        return (h * other).sum()

    assert f"seems to leave the graph at test_detach_sites.py:{line_of('numpy')} (h = " in why(w, loss).text

    def unrelated() -> Tensor:
        h = mg.exp(w)
        other = variable([0.5, 1.5])
        print(h, other.numpy())
        return other.sum()

    assert "seems to leave" not in why(w, unrelated).text
