"""What `minigrad data` accepts."""

from __future__ import annotations

import argparse

from minigrad.cli.explain import explain
from minigrad.cli.parsing import integer, positive


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `minigrad data`."""
    explain(
        parser,
        "{pack,check} PATH [options]",
        "pack puts folders of images into tar shards, which are trained on without being in memory; check reads every\n"
        "sample of a folder of images, of shards, or of a .npy, safetensors or Parquet file, and tells what is broken.",
        "examples:\n  minigrad data pack photos/ -o shards/ --shard-mb 100\n  minigrad data check shards/",
    )
    add = parser.add_argument
    add("action", choices=("pack", "check"), metavar="{pack,check}", help="what to do")
    add("path", metavar="PATH", help="the folder, or for check a file")
    add("-o", "--out", metavar="DIR", help="pack: where the shards go (default: it must be told)")
    add("--shard-mb", type=positive, default=256.0, metavar="X", help="pack: size of a shard in MB (default: 256)")
    add(
        "--shard-samples", type=integer(1), metavar="N",
        help="pack: samples a shard, in place of its size (default: as many as fit)",
    )  # fmt: skip
    add("--seed", type=integer(0), default=0, metavar="N", help="pack: of the order (default: 0)")
    add("--target", default="cls", metavar="EXTENSION", help="check: of the targets in shards (default: cls)")
