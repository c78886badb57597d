"""Named arrays in a file: the safetensors format, which holds numbers and text and can run no code when it is read.

Source: https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.errors import DTypeError, MissingExtraError, StateError
from minigrad.io.atomic import write_atomically
from minigrad.tensor import Array, Tensor

PathLike = str | os.PathLike[str]

DTYPES = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
)


def save(path: PathLike, arrays: Mapping[str, Array | Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write named arrays, of any shape and memory layout, and text about them. The file appears whole or not at all.

    Args:
        path: the file; one that exists is replaced.
        arrays: arrays or Tensors by name; booleans, integers and floats of 16, 32 or 64 bits.
        metadata: texts by name.

    Raises:
        DTypeError: the format has no such dtype.
        StateError: a name or text that the format cannot hold.
        DataError: the file cannot be written: no such folder, no permission, no space.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    package = _package()
    _check_texts(arrays, metadata or {})
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    texts = dict(metadata or {}) or None  # an empty dict would become a header that cannot be read
    write_atomically(path, package.save(plain, texts))


def load(path: PathLike) -> tuple[dict[str, Array], dict[str, str]]:
    """Read what `save` wrote, or any other safetensors file: the arrays and the texts.

    Raises:
        StateError: there is no such file, or it is damaged or of another format.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    _package()
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise StateError(f"there is no file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(f"{path} is damaged or no safetensors file ({error})") from error


def _plain(name: str, array: Array | Tensor) -> Array:
    """A copy of the array row by row: safetensors writes any other layout wrongly."""
    values = np.asarray(array.data if isinstance(array, Tensor) else array)
    if values.dtype.name not in DTYPES:
        raise DTypeError(f"{name}: safetensors holds booleans, integers and floats, not {values.dtype}")
    return np.array(values, order="C")


def _check_texts(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    if "__metadata__" in arrays:
        raise StateError('an array cannot be named "__metadata__": the format keeps the texts under that name')
    for name, text in metadata.items():
        if not isinstance(text, str):
            raise StateError(f"metadata {name!r} must be a text, not {type(text).__name__}: use json.dumps")


def _package() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingExtraError("safetensors", extra="io", purpose="saving and loading arrays") from error
    return safetensors.numpy
