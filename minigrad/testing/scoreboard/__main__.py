"""The command line of the scoreboard."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from minigrad.testing.scoreboard.pairs import PAIRS
from minigrad.testing.scoreboard.tools import TOOLS
from minigrad.testing.scoreboard.tools_table import Judged, format_rows, format_summary, judge_all, rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and print it."""
    options = _parser().parse_args(arguments)
    compare_tools(
        options.only or list(TOOLS), options.kind, options.name, options.limit, list_failures=options.list_failures
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m minigrad.testing.scoreboard", description=__doc__)
    parser.add_argument("--tools", action="store_true", help="compare tools on the common set of pairs")
    parser.add_argument("--only", nargs="+", choices=list(TOOLS), help="these tools; all unless given")
    parser.add_argument("--kind", nargs="+", help="pairs of these kinds")
    parser.add_argument("--name", help="pairs in whose names this stands")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for each pair (20)")
    parser.add_argument("--list-failures", action="store_true", help="each false alarm and each miss with its report")
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
