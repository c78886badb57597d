"""An answer is laid out as text and drawn as a picture."""

import html

import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.diagnosis import Reason, why
from tests.helper import LONG, variable


def test_answer_is_laid_out_and_does_not_change() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: mg.relu(w - 9).sum())
    text = str(reason)
    assert text.startswith("the variable (2,): gradient of norm 0 (zero)\n====")
    assert max(map(len, text.splitlines())) < 170
    rows = text[text.index("From the tensor to the loss:") :].splitlines()
    assert any(row.startswith("  x  relu") for row in rows)
    with pytest.raises(AttributeError):
        reason.cause = "healthy"
    assert isinstance(reason, Reason)


def test_picture_marks_the_path() -> None:
    pytest.importorskip("graphviz")
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (mg.exp(w).detach() * w).sum() * 0 + mg.relu(w - 9).sum())
    picture = reason.picture()
    assert picture.mark == reason.mark
    assert "relu" in picture.dot


def test_long_chains_take_neither_recursion_nor_quadratic_time() -> None:
    w, v = variable([1.0, 2.0]), variable([1.0, 2.0])

    def loss(count: int, cut: bool) -> Tensor:
        h = w
        for k in range(count):
            h = h * 1.0 if k != count // 2 or not cut else h.detach() + 0
        return (h * v).sum()

    assert why(w, loss, LONG // 3, False).cause == "healthy"
    reason = why(w, loss, LONG, True)
    assert reason.cause == "detached"
    assert len(reason.path) > LONG
    assert len(str(reason).splitlines()) < 60


def test_notebook_shows_the_text_and_not_the_repr() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    reason = mg.why(x, lambda: (x * 2 < 3).sum() * x.sum())
    shown = reason._repr_html_()
    assert shown.startswith("<pre")
    assert html.unescape(shown[shown.index(">") + 1 :]).removesuffix("</pre>") == str(reason)
