"""The page counts functions, and tells each fault as code with what it gives and what is right."""

import json

import pytest

from minigrad.testing import Verdict
from minigrad.testing.scoreboard.frameworks import page
from minigrad.testing.scoreboard.frameworks.page import Convention, html_page, markdown_page
from minigrad.testing.scoreboard.frameworks.reports import reports
from minigrad.testing.scoreboard.frameworks.run import read_board, write_pages, write_tools
from minigrad.testing.scoreboard.pair import Pair
from minigrad.testing.scoreboard.tools import Opinion
from minigrad.testing.scoreboard.tools_table import Judged


def fault(**more):
    return {
        "code": "torch.f(x)", "point": "all 0", "reproduction": "x = torch.tensor([0.0]); torch.f(x).sum()",
        "element": "x[0]",
        "found": 1.0, "expected": 0.25, "source": "mpmath", "confirmed": True,
        "between": [], "no_slope_of_others": False,
        "reproduced": "[1.0]",
    } | more  # fmt: skip


def function(name, status, *faults):
    return {"function": f"torch.{name}", "status": status, "faults": list(faults), "note": ""}


@pytest.fixture
def board(monkeypatch):
    known = Convention("torch.by_convention", "a reason", "https://example.org", at="all 0")
    monkeypatch.setattr(page, "conventions", lambda framework: [known])
    functions = [
        function("good", "correct"), function("bad", "wrong", fault(), fault()), function("odd", "inconclusive"),
        function("none", "not implemented"), function("text", "not called"),
        function("doubtful", "wrong", fault(confirmed=False)), function("by_convention", "wrong", fault()),
        function("stops", "wrong", fault(found=float("nan"), source="raises RuntimeError: modified")),
    ]  # fmt: skip
    part = {"version": "2.0", "seconds": 61.4, "functions": functions}
    return {"date": "2020-02-03", "python": "3.11", "tools": [], "frameworks": {"torch": part}}


def test_table_counts_functions(board):
    row = next(line for line in markdown_page(board).splitlines() if line.startswith("| torch"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "torch", "2.0", "7", "1", "2", "1", "1", "1", "1", "61",
    ]  # fmt: skip


def test_fault_can_be_sent(board):
    text = markdown_page(board)
    assert text.count("### `torch.bad`") == 1
    assert "import torch\nx = torch.tensor([0.0])\ntorch.f(x).sum()  # [1.0]" in text
    assert "`x[0]` should be 0.25 (mpmath with 50 digits)." in text
    assert "The derivative raises RuntimeError: modified." in text
    assert "- `torch.by_convention`: a reason ([torch](https://example.org))" in text
    assert "**Called wrong, and not confirmed by plain differences:** `torch.doubtful`." in text
    assert "2020-02-03" in text


def test_convention_covers_only_its_points():
    known = Convention("torch\\.f", "a reason", at="all 0", gives="nan")
    assert known.covers("torch.f", fault(found=float("nan")))
    assert not known.covers("torch.f", fault())
    assert not known.covers("torch.f", fault(found=float("nan"), point="drawn"))
    assert not known.covers("torch.g", fault(found=float("nan")))


def test_zero_times_infinity_is_told_apart():
    nan = float("nan")
    functions = [function("f", "wrong", fault(found=nan, no_slope_of_others=True))]
    assert page.sort_wrong("torch", functions).by_convention[0][0] == "torch.f"
    functions = [function("f", "wrong", fault(found=nan))]
    assert page.sort_wrong("torch", functions).by_convention == []


def test_convention_of_kinks_covers_kinks_only():
    known = Convention("torch\\.f", "a reason", gives="nan", kink=True)
    assert known.covers("torch.f", fault(found=float("nan"), between=[-1.0, 1.0]))
    assert not known.covers("torch.f", fault(found=float("nan")))


def test_names_of_one_function_are_told_together():
    same = [(f"torch.{name}", [fault(reproduction=f"torch.{name}(x)")]) for name in ("f", "special.f")]
    other = ("torch.g", [fault(reproduction="torch.g(x)")])
    assert [paths for paths, _ in page.same_faults([*same, other])] == [["torch.f", "torch.special.f"], ["torch.g"]]


def test_slopes_to_both_sides_are_told():
    text = page.right(fault(source="differences", between=[0.0, 1.0]))
    assert text == "`x[0]` should lie between 0 and 1, the slopes to both sides (differences)"


def test_report_is_one_line_that_runs():
    part = {"version": "2.0", "functions": [function("sin", "wrong", fault(reproduction="x = 2; x + 1"))]}
    text = reports("torch", part, "3.11")
    assert "python -c 'import torch; x = 2; print(x + 1)'" in text
    assert "It prints `[1.0]`." in text
    assert "torch 2.0, Python 3.11" in text


def test_conventions_of_the_file_have_reasons():
    for framework in ("torch", "jax", "autograd", "mygrad", "tinygrad"):
        for known in page.conventions(framework):
            assert known.reason


def test_tools_have_a_table(board, tmp_path):
    pair = Pair("a", "right", abs, abs, ())
    write_tools({"ours": [Judged(pair, Opinion(Verdict.WRONG, "", 2.0))]}, tmp_path)
    assert "| ours | 1 | 1 | 0 | 0 | 0 | 0 | 2 |" in markdown_page(board | {"tools": read_board(tmp_path)["tools"]})
    assert "## Tools" not in markdown_page(board)


def test_pages_are_written(board, tmp_path):
    pytest.importorskip("markdown_it")
    part = board["frameworks"]["torch"]
    head = {"version": part["version"], "date": board["date"], "python": board["python"]}
    lines = [head, *[{**function, "seconds": 1.5} for function in part["functions"]]]
    (tmp_path / "torch.jsonl").write_text("\n".join(map(json.dumps, lines)))
    write_pages(tmp_path)
    assert "# Gradients of five frameworks" in (tmp_path / "scoreboard.md").read_text()
    html = (tmp_path / "scoreboard.html").read_text()
    assert "<table>" in html
    assert html == html_page(read_board(tmp_path))
    assert read_board(tmp_path)["frameworks"]["torch"]["seconds"] == 1.5 * len(part["functions"])
