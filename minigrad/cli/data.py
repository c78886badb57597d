"""`minigrad data`: pack folders of images into shards, and check that every sample can be read."""

from __future__ import annotations

import argparse

from minigrad.cli.output import Output, table_text
from minigrad.data.check import check_samples
from minigrad.data.pack import pack_images
from minigrad.errors import UsageError


def run(arguments: argparse.Namespace) -> Output:
    """Pack or check.

    Raises:
        UsageError, DataError, MissingExtraError: what the user can put right.
    """
    return _pack(arguments) if arguments.action == "pack" else _check(arguments)


def _pack(arguments: argparse.Namespace) -> Output:
    if arguments.out is None:
        raise UsageError("data pack needs a folder for the shards: -o shards/")
    packed = pack_images(
        arguments.path,
        arguments.out,
        shard_mb=arguments.shard_mb,
        shard_samples=arguments.shard_samples,
        seed=arguments.seed,
    )
    samples = sum(packed.shards.values())
    document = {
        "folder": packed.folder.as_posix(),
        "shards": packed.shards,
        "classes": packed.classes,
        "samples": samples,
        "bytes": packed.size,
    }

    def show() -> None:
        count = f"{len(packed.shards)} shard{'' if len(packed.shards) == 1 else 's'}"
        print(
            f"{packed.folder}: {samples:,} images of {len(packed.classes)} classes in {count}, "
            f"{packed.size / 1e6:,.1f} MB; train on them with --data {packed.folder}"
        )

    return Output(document, show)


def _check(arguments: argparse.Namespace) -> Output:
    found = check_samples(arguments.path, target=arguments.target)
    document = {"path": arguments.path, "samples": found.samples, "classes": found.classes, "broken": found.broken}

    def show() -> None:
        if found.classes:
            print(table_text(["class", "samples"], [[name, f"{n:,}"] for name, n in found.classes.items()]) + "\n")
        for problem in found.broken:
            print(f"broken: {problem}")
        broken = f"{len(found.broken):,} broken" if found.broken else "none broken"
        print(f"{arguments.path}: {found.samples:,} samples can be read, {broken}")

    return Output(document, show, 2 if found.broken else 0)
