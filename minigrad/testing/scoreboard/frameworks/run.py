"""All functions of the frameworks, examined, and kept as JSON."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from minigrad.testing.scoreboard.frameworks.language import LANGUAGES, Language, functions_of
from minigrad.testing.scoreboard.frameworks.page import html_page, markdown_page
from minigrad.testing.scoreboard.frameworks.worker import examine_all


def examine_frameworks(
    frameworks: Sequence[str], name: str | None, budget: float, processes: int, out: Path
) -> dict[str, Any]:
    """Examine the functions of frameworks, and write what came of them to scoreboard.json.

    Args:
        frameworks: names of LANGUAGES; one that is not installed is left out, and that is said.
        name: functions in whose paths this stands; all unless given.
        budget: seconds for each function.
        processes: how many at a time.
        out: the directory to write to; results of other frameworks that are there stay.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / "scoreboard.json"
    board: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {"frameworks": {}}
    board |= {"date": date.today().isoformat(), "python": platform.python_version()}
    for framework in frameworks:
        language: Language = LANGUAGES[framework]
        try:
            language.namespace()
        except ModuleNotFoundError as error:
            print(f"{framework} is left out: {error}", file=sys.stderr)
            continue
        functions = [path for path in functions_of(language) if not name or name in path]
        start = time.perf_counter()
        found = examine_all(framework, functions, budget, processes, _Progress(framework, len(functions)).tell)
        board["frameworks"][framework] = {
            "version": language.version,
            "seconds": time.perf_counter() - start,
            "functions": found,
        }
        file.write_text(json.dumps(board, indent=1), "utf-8")
    return board


class _Progress:
    """One line that tells how far it is."""

    def __init__(self, framework: str, count: int) -> None:
        self.framework, self.count, self.done = framework, count, 0

    def tell(self, result: dict[str, Any]) -> None:
        self.done += 1
        print(f"{self.framework} {self.done}/{self.count} {result['function']}: {result['status']}", flush=True)


def write_pages(out: Path) -> None:
    """Write scoreboard.md and scoreboard.html from scoreboard.json.

    Args:
        out: the directory of all three.
    """
    board = json.loads((out / "scoreboard.json").read_text("utf-8"))
    text = markdown_page(board)
    (out / "scoreboard.md").write_text(text, "utf-8")
    (out / "scoreboard.html").write_text(html_page(board), "utf-8")
