"""The page of the scoreboard: what was found, as Markdown and HTML, each fault in a form that can be sent upstream."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import fullmatch
from typing import Any, Final

from minigrad.errors import MissingExtraError
from minigrad.testing.scoreboard.frameworks.examine import CORRECT, INCONCLUSIVE, NO_GRADIENT, NOT_CALLED, WRONG
from minigrad.testing.scoreboard.frameworks.language import LANGUAGES

Json = Mapping[str, Any]

INTRODUCTION: Final = """\
# Gradients of five frameworks

Every function of PyTorch, JAX, HIPS autograd, MyGrad and tinygrad that can be called with arrays was called at the
same points: drawn ones, zeros, equal elements, integers, large and tiny numbers. `check_grads` of minigrad compared
each derivative with numerical ones. A derivative is listed as wrong where plain differences, or mpmath with 50 digits,
contradict it as well. What a framework says to be its convention is listed apart.

Made on {date} with Python {python} by `python -m minigrad.testing.scoreboard`.
"""

HEADER: Final = (
    "framework", "version", "functions", "correct", "wrong", "by convention", "not confirmed", "inconclusive",
    "not implemented", "seconds",
)  # fmt: skip

TOOLS_INTRODUCTION: Final = """\
## Tools that check gradients

The same functions of plain NumPy with gradients that are known to be right or wrong, judged by each tool at its default
settings (`python -m minigrad.testing.scoreboard --tools`). A false alarm is a right one that is called wrong.
"""

TOOLS_HEADER: Final = ("tool", "right", "false alarms", "undecided", "wrong", "caught", "called correct", "seconds")

TEMPLATE: Final = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Gradients of five frameworks</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
table {{ border-collapse: collapse }} td, th {{ padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: left }}
pre {{ background: #f5f5f5; padding: .7rem; overflow-x: auto; font-size: 13px }}
</style></head><body>
{body}
</body></html>
"""


@dataclass(frozen=True)
class Convention:
    """What a framework says to do on purpose.

    Attributes:
        function: a pattern of paths.
        at: a pattern of the kind of point.
        gives: a pattern of what is found there.
        no_slope_of_others: whether it is only where another output has no slope along the element.
        kink: whether it is only where the slopes to both sides differ.
        reason: what it says.
        link: where it says so.
    """

    function: str
    reason: str
    link: str = ""
    at: str = ".*"
    gives: str = ".*"
    no_slope_of_others: bool = False
    kink: bool = False

    def covers(self, function: str, fault: Json) -> bool:
        """Whether a fault is this convention."""
        matches = (
            fullmatch(self.function, function),
            fullmatch(self.at, fault["point"]),
            fullmatch(self.gives, _number(fault["found"])),
            not self.no_slope_of_others or fault["no_slope_of_others"],
            not self.kink or fault["between"],
        )
        return all(matches)


ZERO_TIMES_INFINITY: Final = Convention(
    ".*",
    "NaN, for 0 times infinity or NaN: another output has no slope here, and its cotangent is 0",
    gives="nan",
    no_slope_of_others=True,
)
"""What all of them do, and ours does not."""


def conventions(framework: str) -> list[Convention]:
    """The known conventions of a framework."""
    text = (Path(__file__).parent / "conventions.toml").read_text("utf-8")
    return [Convention(**entry) for entry in tomllib.loads(text).get(framework, [])]


@dataclass(frozen=True)
class Sorted:
    """The functions of a framework with wrong derivatives: faults, conventions, and what was not confirmed."""

    faults: list[tuple[str, list[Json]]]
    by_convention: list[tuple[str, Convention]]
    unconfirmed: list[str]


def sort_wrong(framework: str, functions: Sequence[Json]) -> Sorted:
    """Put each function that was found wrong where it belongs."""
    known = [*conventions(framework), ZERO_TIMES_INFINITY]
    result = Sorted([], [], [])
    for function in functions:
        if function["status"] != WRONG:
            continue
        path, faults = function["function"], [f for f in function["faults"] if f["confirmed"]]
        left = [f for f in faults if not any(c.covers(path, f) for c in known)]
        if left:
            result.faults.append((path, _different(left)))
        elif faults:
            result.by_convention.append((path, next(c for c in known if c.covers(path, faults[0]))))
        else:
            result.unconfirmed.append(path)
    return result


def same_faults(faults: Sequence[tuple[str, list[Json]]]) -> list[tuple[list[str], list[Json]]]:
    """Names of one function, whose faults are the same but for the name, together."""
    together: dict[tuple[str, ...], tuple[list[str], list[Json]]] = {}
    for path, found in faults:
        shown = (fault["reproduction"].replace(path, "f") + fault["reproduced"] + fault["source"] for fault in found)
        key = (path.rpartition(".")[2], *shown)
        together.setdefault(key, ([], found))[0].append(path)
    return list(together.values())


def _different(faults: Sequence[Json]) -> list[Json]:
    """One fault of each call."""
    return list({fault["code"]: fault for fault in reversed(faults)}.values())[::-1]


def markdown_page(board: Json) -> str:
    """The page as Markdown.

    Args:
        board: what `read_board` gives.
    """
    return "\n".join([INTRODUCTION.format(**board), *_table(board), "", *_tools(board["tools"]), *_sections(board)])


def html_page(board: Json) -> str:
    """The page as one file of HTML.

    Args:
        board: what `read_board` gives.

    Raises:
        MissingExtraError: it needs markdown-it, of the extra `docs`, which is not installed.
    """
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError as error:
        raise MissingExtraError("markdown-it-py", extra="docs", purpose="the scoreboard as HTML") from error
    return TEMPLATE.format(body=MarkdownIt().enable("table").render(markdown_page(board)))


def _table(board: Json) -> Iterator[str]:
    yield f"| {' | '.join(HEADER)} |"
    yield f"|{'---|' * len(HEADER)}"
    for framework, part in board["frameworks"].items():
        wrong = sort_wrong(framework, part["functions"])
        count = {status: len(_names(part, status)) for status in (CORRECT, INCONCLUSIVE, NO_GRADIENT, NOT_CALLED)}
        called = len(part["functions"]) - count[NOT_CALLED]
        cells = [
            framework, part["version"], called, count[CORRECT], len(wrong.faults), len(wrong.by_convention),
            len(wrong.unconfirmed), count[INCONCLUSIVE], count[NO_GRADIENT], round(part["seconds"]),
        ]  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"


def _tools(table: Sequence[Json]) -> Iterator[str]:
    if table:
        yield TOOLS_INTRODUCTION
        yield f"| {' | '.join(TOOLS_HEADER)} |"
        yield f"|{'---|' * len(TOOLS_HEADER)}"
    for r in table:
        cells = [r["kind"], r["right"], r["false_alarms"], r["undecided"], r["wrong"], r["caught"], r["missed"]]
        yield f"| {' | '.join(map(str, [*cells, round(r['seconds'])]))} |"
    if table:
        yield ""


def _sections(board: Json) -> Iterator[str]:
    for framework, part in board["frameworks"].items():
        wrong = sort_wrong(framework, part["functions"])
        yield f"## {framework} {part['version']}\n"
        for paths, faults in same_faults(wrong.faults):
            yield f"### {', '.join(f'`{path}`' for path in paths)}\n"
            for fault in faults:
                yield from _fault(framework, fault)
        if wrong.by_convention:
            yield "### By convention\n"
            for path, convention in wrong.by_convention:
                link = f" ([{framework}]({convention.link}))" if convention.link else ""
                yield f"- `{path}`: {convention.reason}{link}"
            yield ""
        for title, names in (
            ("Called wrong, and not confirmed by plain differences", wrong.unconfirmed),
            ("Inconclusive at every point", _names(part, INCONCLUSIVE)),
            ("Without a derivative", _names(part, NO_GRADIENT)),
        ):
            if names:
                yield f"**{title}:** {', '.join(f'`{name}`' for name in names)}.\n"


def _fault(framework: str, fault: Json) -> Iterator[str]:
    *statements, expression = fault["reproduction"].split("; ")
    yield "```python"
    yield from [*setup(framework, fault), *statements]
    yield f"{expression}  # {fault['reproduced'][:160]}"
    yield "```\n"
    yield f"{right(fault)}.\n"


def setup(framework: str, fault: Json) -> list[str]:
    """The lines that come before a reproduction."""
    language = LANGUAGES[framework]
    modules = sorted({framework, *[m for m in language.modules if f"{m}." in fault["code"] and m != "tinygrad.Tensor"]})
    imports = ["numpy", *modules] if "numpy.array" in fault["reproduction"].replace("jax.numpy", "") else modules
    return [f"import {', '.join(imports)}", *([language.setup] if language.setup else [])]


def right(fault: Json) -> str:
    """What is right, as a sentence without its end."""
    if fault["source"].startswith("raises"):
        text = fault["source"].removeprefix("raises ").rstrip(".")
        return f"The derivative raises {text}" if "Error" in text else text.capitalize()
    if fault["between"]:
        low, high = map(_number, fault["between"])
        return f"`{fault['element']}` should lie between {low} and {high}, the slopes to both sides (differences)"
    by = "mpmath with 50 digits" if fault["source"] == "mpmath" else "differences"
    return f"`{fault['element']}` should be {_number(fault['expected'])} ({by})"


def _number(value: float) -> str:
    return "nan" if value is None or math.isnan(value) else f"{round(value, 12) + 0.0:.8g}"


def _names(part: Json, status: str) -> list[str]:
    return [f["function"] for f in part["functions"] if f["status"] == status]
