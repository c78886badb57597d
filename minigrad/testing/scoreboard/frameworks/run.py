"""All functions of the frameworks, examined; what came of them is kept in a file for each framework."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from minigrad.testing.scoreboard.frameworks.language import LANGUAGES, Language, functions_of
from minigrad.testing.scoreboard.frameworks.page import html_page, markdown_page
from minigrad.testing.scoreboard.frameworks.reports import reports
from minigrad.testing.scoreboard.frameworks.worker import examine_all
from minigrad.testing.scoreboard.tools_table import Judged, row


def examine_frameworks(
    frameworks: Sequence[str], name: str | None, budget: float, processes: int, out: Path
) -> list[str]:
    """Examine the functions of frameworks, and write each result to the framework's file as soon as it is there.

    Args:
        frameworks: names of LANGUAGES; one that is not installed is left out, and that is said.
        name: functions in whose paths this stands; all unless given.
        budget: seconds for each function.
        processes: how many at a time.
        out: the directory to write to; files of other frameworks that are there stay.

    Returns:
        The frameworks that were examined.
    """
    out.mkdir(parents=True, exist_ok=True)
    done = []
    for framework in frameworks:
        language: Language = LANGUAGES[framework]
        try:
            language.namespace()
        except ModuleNotFoundError as error:
            print(f"{framework} is left out: {error}", file=sys.stderr)
            continue
        functions = [path for path in functions_of(language) if not name or name in path]
        record = _Record(out / f"{framework}.jsonl", framework, len(functions))
        record.write(
            {"version": language.version, "date": date.today().isoformat(), "python": platform.python_version()}
        )
        examine_all(framework, functions, budget, processes, record.tell)
        done.append(framework)
    return done


class _Record:
    """The file of a framework, and one line that tells how far it is."""

    def __init__(self, path: Path, framework: str, count: int) -> None:
        self.path, self.framework, self.count, self.done = path, framework, count, 0
        path.write_text("", "utf-8")

    def write(self, entry: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def tell(self, result: dict[str, Any]) -> None:
        self.write(result)
        self.done += 1
        print(f"{self.framework} {self.done}/{self.count} {result['function']}: {result['status']}", flush=True)


def write_tools(results: Mapping[str, Sequence[Judged]], out: Path) -> None:
    """Keep the table of the tools for the page.

    Args:
        results: what each tool said.
        out: the directory to write to.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = [asdict(row(tool, judged)) for tool, judged in results.items()]
    (out / "tools.json").write_text(json.dumps(table), "utf-8")


def read_board(out: Path) -> dict[str, Any]:
    """What the files of all frameworks hold.

    Args:
        out: their directory.
    """
    tools = out / "tools.json"
    board: dict[str, Any] = {"frameworks": {}, "tools": json.loads(tools.read_text("utf-8")) if tools.exists() else []}
    for framework in LANGUAGES:
        path = out / f"{framework}.jsonl"
        if path.exists():
            head, *functions = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            board["date"], board["python"] = head["date"], head["python"]
            functions.sort(key=lambda function: str(function["function"]))
            seconds = sum(function["seconds"] for function in functions)
            board["frameworks"][framework] = {"version": head["version"], "seconds": seconds, "functions": functions}
    return board


def write_pages(out: Path) -> None:
    """Write scoreboard.md, scoreboard.html, and reports for each framework, from the files of the frameworks.

    Args:
        out: the directory of all of them.
    """
    board = read_board(out)
    (out / "scoreboard.md").write_text(markdown_page(board), "utf-8")
    (out / "scoreboard.html").write_text(html_page(board), "utf-8")
    for framework, part in board["frameworks"].items():
        (out / f"{framework}_reports.md").write_text(reports(framework, part, board["python"]), "utf-8")
