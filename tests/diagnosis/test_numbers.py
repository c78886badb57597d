"""A plain number cuts the gradient off, all of it or a part, and its line is named."""

import math

import minigrad as mg
from minigrad import Tensor
from minigrad.diagnosis import why
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


def test_gradient_that_a_number_cuts_off_in_part() -> None:
    w = variable(4.0)

    def loss() -> Tensor:
        scale = math.sqrt(w)  # <- sqrt
        return w * scale

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.norm) == ("detached", "float()", 2.0)
    assert reason.line == line_of("sqrt")
    assert "gradient of norm 2 (detached in part)" in str(reason)
    assert "Only a gradient of norm 2 comes along other ways" in reason.text


def test_number_of_a_result_is_named_with_the_path_to_it() -> None:
    w = variable([1.0, 2.5])

    def loss() -> Tensor:
        size = mg.exp(w).sum()
        number = size.item()  # <- item
        return (w / number).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("item"))
    assert [step.op for step in reason.path] == ["exp", "sum", "item()"]
    assert reason.picture().graph.nodes


def test_number_that_is_only_shown_is_no_cause() -> None:
    w = variable([1.0, 2.0])
    seen = []

    def loss() -> Tensor:
        out = (w * w).sum() * 0.5
        seen.append(out.item())
        print(float(out))
        return out * 2.0 + 1e-3

    assert why(w, loss).cause == "healthy"


def test_number_before_literals_only_is_no_cause() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        out = (w * w).sum()
        value = out.item()
        assert value > 0
        return 0.5 * out

    assert why(w, loss).cause == "healthy"
