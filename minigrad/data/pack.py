"""Packing: folders of images become tar shards, byte for byte the same on every machine."""

from __future__ import annotations

import io
import json
import math
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from minigrad.data.folder import ImageFolder
from minigrad.data.image import PathLike
from minigrad.data.split import check_seed
from minigrad.data.tar_samples import CLASSES
from minigrad.errors import DataError

LONGEST_WORD: Final = 40  # letters of a class or file in the name of a member, of which the format takes 100


@dataclass(frozen=True)
class PackedShards:
    """What was packed.

    Attributes:
        folder: where the shards are.
        shards: the number of samples in each, by the name of its file.
        classes: the names of the classes.
        size: of all shards, in bytes.
    """

    folder: Path
    shards: dict[str, int]
    classes: tuple[str, ...]
    size: int


def pack_images(
    folder: PathLike, out: PathLike, *, shard_mb: float = 256.0, shard_samples: int | None = None, seed: int = 0
) -> PackedShards:
    """Put the images in the folders of a folder into tar archives, which `TarShards` reads.

    The files are copied as they are, in a random order, so that each shard has samples of all classes. The same files
    give the same archives, bit for bit: they hold neither times nor owners. All of them appear at once when they are
    complete, or none does.

    Args:
        folder: as `image_folder` takes it: a folder a class, or `train` and `test` with these in them, which then
            become shards of their own.
        out: a folder that does not exist or is empty.
        shard_mb: the size of a shard, in MB; the last one is smaller (default 256.0).
        shard_samples: the number of samples in a shard, in place of its size (default None: as many as fit).
        seed: chooses the order, an integer of at least 0 (default 0).

    Returns:
        What was written.

    Raises:
        DataError: there are no images; `out` is not empty or cannot be written to; an image vanishes meanwhile; or a
            size is not positive.
    """
    check_seed("pack_images", seed)
    if not 0 < shard_mb < math.inf or (shard_samples is not None and shard_samples < 1):
        raise DataError(
            f"pack_images: the size of a shard must be positive, got {shard_mb} MB, {shard_samples} samples"
        )
    target = Path(out)
    parts = _parts(Path(folder))
    classes = next(iter(parts.values())).classes
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} exists and is not empty: name another folder")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        shards: dict[str, int] = {}
        for prefix, images in parts.items():
            shards |= _write_shards(temporary, prefix, images, shard_mb * 1e6, shard_samples, seed)
        (temporary / CLASSES).write_text(json.dumps(classes, ensure_ascii=False) + "\n", "utf-8")
        size = sum((temporary / name).stat().st_size for name in shards)
        if target.exists():
            target.rmdir()
        os.replace(temporary, target)
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return PackedShards(target, shards, classes, size)


def _parts(folder: Path) -> dict[str, ImageFolder]:
    """The images by the beginnings of the names of their shards."""
    if folder.is_dir() and sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) == ["test", "train"]:
        train = ImageFolder(folder / "train")
        return {"train": train, "test": ImageFolder(folder / "test", classes=train.classes)}
    return {"shard": ImageFolder(folder)}


def _write_shards(
    folder: Path, prefix: str, images: ImageFolder, limit: float, most: int | None, seed: int
) -> dict[str, int]:
    """Write the shards of a part, and tell how many samples each has."""
    order = np.random.default_rng(seed).permutation(len(images))
    sizes = [_size_of(images.files[number]) for number in order]
    written = {}
    for shard, (begin, end) in enumerate(_bounds(sizes, limit, most)):
        name = f"{prefix}-{shard:05}.tar"
        with open(folder / name, "xb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
                for place in range(begin, end):
                    _add_sample(archive, images, int(order[place]), place)
            file.flush()
            os.fsync(file.fileno())
        written[name] = end - begin
    return written


def _bounds(sizes: Sequence[int], limit: float, most: int | None) -> Iterator[tuple[int, int]]:
    """Where each shard begins and ends: it is full when one more sample would be too many."""
    begin, size = 0, 0
    for place, more in enumerate(sizes):
        full = size + more > limit if most is None else place - begin >= most
        if full and place > begin:
            yield begin, place
            begin, size = place, 0
        size += more
    yield begin, len(sizes)


def _size_of(path: Path) -> int:
    """The bytes of a sample in an archive: two headers, the image in whole blocks, and its class in one."""
    return 3 * tarfile.BLOCKSIZE + -(-path.stat().st_size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _add_sample(archive: tarfile.TarFile, images: ImageFolder, number: int, place: int) -> None:
    path, label = images.files[number], int(images.labels[number])
    base = f"{_word(images.classes[label])}/{place:08}-{_word(path.stem)}"
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path} has vanished while it was to be packed") from error
    for name, data in ((base + path.suffix.lower(), content), (f"{base}.cls", str(label).encode())):
        member = tarfile.TarInfo(name)  # with no time and no owner
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))


def _word(text: str) -> str:
    """A text as a part of a member's name: without dots, which end the name that image and label share."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text)[:LONGEST_WORD] or "_"
