"""What samples in tar archives are made of: which files, and how their contents become arrays."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from minigrad.data.image import SUFFIXES, PathLike, decode_image
from minigrad.data.npy import parse_npy
from minigrad.errors import DataError
from minigrad.typing import Array, Shape

INPUTS: Final = (*sorted(suffix.removeprefix(".") for suffix in SUFFIXES), "npy")

CLASSES: Final = "classes.json"
"""The file beside shards that holds the names of their classes, a list."""

LARGEST_SAMPLE: Final = 2**30
"""The most bytes that one picture or array of a sample may have."""


def shard_paths(
    path: PathLike | Sequence[PathLike], name: str = "TarShards", endings: Sequence[str] = (".tar",)
) -> list[Path]:
    """The archives that a folder, a path or several paths stand for.

    Args:
        path: a folder, an archive, or several.
        name: who needs them, for messages (default "TarShards").
        endings: of the files in a folder that are archives (default (".tar",)).

    Raises:
        DataError: there are none.
    """
    if not isinstance(path, (str, os.PathLike)):
        paths = [Path(each) for each in path]
        if not paths:
            raise DataError(f"{name}: needs the path of at least one shard, got none")
        return paths
    if not Path(path).is_dir():
        return [Path(path)]
    paths = sorted(
        file for file in Path(path).iterdir() if file.name.endswith(tuple(endings)) and not file.name.startswith(".")
    )
    if not paths:
        raise DataError(
            f"{name}: there are no {' or '.join(endings)} files in {path}. "
            f"`minigrad data pack FOLDER -o {path}` makes them."
        )
    return paths


def decoded_input(content: bytes, suffix: str, shape: Shape) -> Array:
    """A picture or an array.

    Args:
        content: the bytes.
        suffix: the ending of the name, one of `INPUTS`.
        shape: of a picture.

    Raises:
        DataError: it is damaged. The message has no name.
    """
    if suffix == "npy":
        return parse_npy(content, "")
    return decode_image(io.BytesIO(content), "", np.empty(shape, np.float32))


def decoded_target(content: bytes, extension: str, key: str) -> Array:
    """A target that is no class number.

    Args:
        content: the bytes.
        extension: the ending of the name: "json", or one that ends with "npy".
        key: under which the number is in the object of a JSON text; "" if it is no object.

    Raises:
        DataError: it is damaged, or holds something else. The message has no name.
    """
    return parse_npy(content, "") if extension.endswith("npy") else _number_of(content, key)


def _number_of(content: bytes, key: str) -> Array:
    """The numbers in a JSON text, or under a key of the object in it."""
    try:
        value = json.loads(content)
        values = np.asarray(value[key] if key else value)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f" is damaged or holds no {key or 'number'} ({type(error).__name__}: {error})") from error
    if values.dtype.kind not in "biuf":
        raise DataError(f" holds {str(value)[:60]!r}, and should hold a number or lists of numbers")
    return values.astype(np.float32) if values.dtype == np.float64 else values


def stored_classes(path: Path) -> tuple[str, ...]:
    """The names of classes in a file; none if there is no file.

    Raises:
        DataError: it is damaged.
    """
    if not path.exists():
        return ()
    try:
        names = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error})") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} should hold a list of the names of the classes")
    return tuple(names)
