"""Reports of faults that can be sent to those who make a framework: a line that shows it, what is right, versions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from minigrad.testing.scoreboard.frameworks.page import Json, right, same_faults, setup, sort_wrong


def reports(framework: str, part: Json, python: str) -> str:
    """A report for each fault of a framework, as Markdown.

    Args:
        framework: its name.
        part: what `read_board` gives for it.
        python: the version of Python.
    """
    lines = [f"# {framework} {part['version']}: reports of wrong gradients", ""]
    for paths, faults in same_faults(sort_wrong(framework, part["functions"]).faults):
        lines += [f"## Wrong gradient of {', '.join(paths)}", ""]
        for fault in faults:
            lines += [*_report(framework, fault), f"Versions: {framework} {part['version']}, Python {python}.", ""]
    return "\n".join(lines)


def _report(framework: str, fault: Json) -> Iterator[str]:
    *statements, expression = fault["reproduction"].split("; ")
    code = "; ".join([*setup(framework, fault), *statements, f"print({expression})"])
    yield from ["```sh", f"python -c {shlex.quote(code)}", "```", ""]
    if not fault["source"].startswith("raises"):
        yield f"It prints `{fault['reproduced']}`."
    yield f"{right(fault)}."
