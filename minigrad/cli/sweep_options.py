"""The options of `minigrad sweep`."""

from __future__ import annotations

import argparse

from minigrad.cli.parsing import integer


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Add them.

    Args:
        parser: that of the command.
    """
    parser.usage = f"{parser.prog} FILE [options]"
    parser.description = (
        f"{parser.description}\nFILE is TOML: keys of `minigrad train --config` that all runs share, [vary] with\n"
        "lists, or { low = 1e-4, high = 0.1, log = true }, of what differs, and [sweep] with method (grid, random),\n"
        "runs, seed and monitor. The same command goes on where it stopped; a run that fails is kept with its error.\n"
        "mpiexec -n 9 minigrad sweep ... trains 8 runs at a time, on all machines (extra `mpi`)."
    )
    parser.epilog = "example:\n  minigrad sweep rates.toml --processes 4"
    parser.add_argument("file", metavar="FILE", help="TOML file")
    parser.add_argument("--out", metavar="DIR", help="the folder of all runs (default: runs/FILE's name)")
    parser.add_argument("--processes", type=integer(1), default=1, metavar="N", help="runs at a time (default: 1)")
