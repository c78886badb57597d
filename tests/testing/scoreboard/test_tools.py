"""What a tool says is counted as it should be, and a tool that fails or takes too long has no opinion."""

import signal

import numpy as np
import pytest

from minigrad.errors import UsageError
from minigrad.testing import Verdict
from minigrad.testing.scoreboard import tools
from minigrad.testing.scoreboard.__main__ import main
from minigrad.testing.scoreboard.pair import Pair, change_part, elementwise, find, general, scalar
from minigrad.testing.scoreboard.tools import TOOLS, Opinion, opinion, ours
from minigrad.testing.scoreboard.tools_table import Judged, format_rows, format_summary, judge_all, rows

SINE = elementwise("smooth", "sin", np.sin, np.cos, [0.3, 1.0])
PRODUCT = scalar("smooth", "product", lambda x, y: (x * y).sum(), lambda x, y: (y, x), [1.0, 2.0], [3.0, 5.0])


def test_wrong_pairs_are_made_of_right_ones():
    wrong = SINE.wrong_by("factor", "twice", lambda gradient: 2 * gradient)
    assert (wrong.name, wrong.kind, wrong.right) == ("sin, twice", "factor", False)
    np.testing.assert_array_equal(wrong.vjp(1.0, wrong.args[0]), 2 * np.cos(wrong.args[0]))
    dx, dy = change_part(1, lambda part: -part, PRODUCT)(2.0, *PRODUCT.args)
    np.testing.assert_array_equal(dx, [6.0, 10.0])
    np.testing.assert_array_equal(dy, [-2.0, -4.0])
    assert find([SINE, PRODUCT], "product") is PRODUCT


def test_ours_is_asked():
    assert opinion(ours, SINE).verdict is Verdict.CORRECT
    wrong = opinion(ours, SINE.wrong_by("factor", "twice", lambda gradient: 2 * gradient))
    assert wrong.verdict is Verdict.WRONG
    assert "expected" in wrong.text


def test_tool_that_raises_has_no_opinion():
    broken = general("smooth", "broken", lambda x: 1 / 0, lambda g, x: g, 1.0)
    assert opinion(ours, broken) == Opinion(
        Verdict.INCONCLUSIVE, "raised ZeroDivisionError: division by zero", pytest.approx(0, abs=5)
    )


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer of processor time")
def test_tool_that_takes_too_long_has_no_opinion():
    def forever(pair):
        while True:
            np.sin(pair.args[0])

    assert opinion(forever, SINE, limit=0.05).text == "not done after 0.05 s"


def test_counts_of_the_table():
    def judged(name, verdict, *, right, visible=True):
        pair = Pair(name, "right" if right else "wrong", np.sin, np.cos, (), right=right, visible=visible)
        return Judged(pair, Opinion(verdict, "why", 1.5))

    correct, wrong, inconclusive = Verdict.CORRECT, Verdict.WRONG, Verdict.INCONCLUSIVE
    everything = [
        judged("a", correct, right=True), judged("b", wrong, right=True), judged("c", inconclusive, right=True),
        judged("d", wrong, right=False), judged("e", correct, right=False), judged("f", inconclusive, right=False),
        judged("g", correct, right=False, visible=False),
    ]  # fmt: skip
    first, second, last = rows(everything)
    assert (first.kind, first.right, first.false_alarms, first.undecided) == ("right", 3, 1, 1)
    assert (second.kind, second.wrong, second.caught, second.missed) == ("wrong", 3, 1, 1)
    assert (last.kind, last.right, last.wrong, last.seconds) == ("all", 3, 3, 10.5)
    assert [j.pair.name for j in everything if j.failed] == ["b", "e", "f"]
    assert "right: b (right), said wrong in 1.50 s\n    why" in str(everything[1])
    assert format_rows("ours", rows(everything)).splitlines()[-1].split() == [
        "all",
        "3",
        "1",
        "1",
        "3",
        "1",
        "1",
        "10.50",
    ]
    assert format_summary({"ours": everything}).splitlines()[-1].split()[0] == "ours"


def test_judge_all_asks_about_each():
    assert [j.opinion.verdict for j in judge_all(lambda pair: (Verdict.WRONG, pair.name), [SINE, PRODUCT])] == [
        Verdict.WRONG,
        Verdict.WRONG,
    ]


def test_missing_tool_is_told(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(tools, "import_module", missing)
    with pytest.raises(UsageError, match="pip install torch"):
        TOOLS["gradcheck"]()


def test_command_prints_failures_of_a_kind(capsys):
    assert main(["--tools", "--only", "ours", "--kind", "exact polynomials", "--list-failures"]) == 0
    out = capsys.readouterr().out
    assert "exact polynomials" in out
    assert "tails" not in out


@pytest.mark.peer
@pytest.mark.parametrize("name", ["gradcheck", "gradcheck-fast", "jax"])
def test_other_tools_are_asked(name):
    pytest.importorskip("jax" if name == "jax" else "torch")
    judge = TOOLS[name]()
    for pair in (SINE, PRODUCT):
        assert opinion(judge, pair).verdict is Verdict.CORRECT
        wrong = pair.wrong("factor", "twice", lambda g, *args, pair=pair: _twice(pair.vjp(g, *args)))
        assert opinion(judge, wrong).verdict is Verdict.WRONG


def _twice(found):
    return tuple(2 * part for part in found) if isinstance(found, tuple) else 2 * found
