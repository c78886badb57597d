"""The command line of the scoreboard.

With `--tools`, tools that check gradients are compared on a common set of right and wrong ones; else the functions of
frameworks are checked, and a page is written: scoreboard.md, scoreboard.html, and a file for each framework with all
there is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad.testing.scoreboard.frameworks.language import FOREIGN, LANGUAGES
from minigrad.testing.scoreboard.frameworks.run import examine_frameworks, write_pages, write_tools
from minigrad.testing.scoreboard.frameworks.worker import serve
from minigrad.testing.scoreboard.pairs import PAIRS
from minigrad.testing.scoreboard.tools import TOOLS
from minigrad.testing.scoreboard.tools_table import Judged, format_rows, format_summary, judge_all, rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and print it."""
    options = _parser().parse_args(arguments)
    if options.serve:
        serve(options.serve, options.seconds)
    elif options.tools:
        limit, failures = options.limit, options.list_failures
        results = compare_tools(options.only or list(TOOLS), options.kind, options.name, limit, list_failures=failures)
        if options.out:
            write_tools(results, options.out)
    else:
        out = options.out or Path("scoreboard")
        if not options.again:
            examine_frameworks(options.frameworks, options.name, options.seconds, options.processes, out)
        write_pages(out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m minigrad.testing.scoreboard", description=__doc__)
    parser.add_argument("--name", help="pairs or functions in whose names this stands")
    parser.add_argument("--out", type=Path, help="the directory of the pages (scoreboard); the tools are only printed")
    frameworks = parser.add_argument_group("frameworks")
    names = list(LANGUAGES)
    frameworks.add_argument(
        "--frameworks", nargs="+", choices=names, default=FOREIGN, help=f"these ({' '.join(FOREIGN)})"
    )
    frameworks.add_argument("--seconds", type=float, default=3.0, help="for each function (3)")
    frameworks.add_argument("--processes", type=int, default=2, help="at a time (2)")
    frameworks.add_argument("--again", action="store_true", help="write the pages of the files that are there")
    frameworks.add_argument("--serve", choices=names, help=argparse.SUPPRESS)
    tools = parser.add_argument_group("tools")
    tools.add_argument("--tools", action="store_true", help="compare tools on the common set of pairs")
    tools.add_argument("--only", nargs="+", choices=list(TOOLS), help="these tools; all unless given")
    tools.add_argument("--kind", nargs="+", help="pairs of these kinds")
    tools.add_argument("--limit", type=float, default=20.0, help="seconds for each pair (20)")
    tools.add_argument("--list-failures", action="store_true", help="each false alarm and each miss with its report")
    return parser


def compare_tools(
    tools: Sequence[str],
    kinds: Sequence[str] | None = None,
    name: str | None = None,
    limit: float = 20.0,
    *,
    list_failures: bool = False,
) -> dict[str, list[Judged]]:
    """Print the table of each tool on the common set.

    Args:
        tools: names of TOOLS.
        kinds: pairs of these kinds; all unless given.
        name: pairs in whose names this stands; all unless given.
        limit: seconds for each pair (default 20).
        list_failures: whether each failure is printed with its report (default False).

    Returns:
        What each tool said.
    """
    pairs = [p for p in PAIRS if (not kinds or p.kind in kinds) and (not name or name in p.name)]
    results = {}
    for tool in tools:
        judged = results[tool] = judge_all(TOOLS[tool](), pairs, limit)
        print(format_rows(tool, rows(judged)), end="\n\n", flush=True)
        if list_failures:
            print(*[j for j in judged if j.failed], sep="\n", end="\n\n", flush=True)
    if len(tools) > 1:
        print(format_summary(results))
    return results


if __name__ == "__main__":
    sys.exit(main())
