"""Named arrays in the safetensors format, which holds numbers and text and can run no code when it is read.

Source: https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TypedDict

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, MissingExtraError, StateError
from minigrad.io.atomic import PathLike, write_atomically
from minigrad.io.npz import load_npz
from minigrad.typing import Array

DTYPES = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
)


class HeaderEntry(TypedDict):
    """What the header says of an array."""

    dtype: str
    shape: list[int]
    data_offsets: list[int]


def save(path: PathLike, arrays: Mapping[str, Array | Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write named arrays of any shape and memory layout, and texts about them. The write is atomic.

    PyTorch reads the file with `safetensors.torch.load_file(path)`. Arrays that share memory are written separately.

    Args:
        path: the file; one that exists is replaced.
        arrays: arrays or Tensors by name; booleans, integers and floats of 16, 32 or 64 bits.
        metadata: texts by name (default: none).

    Raises:
        DTypeError: an array has a dtype that the format does not have.
        StateError: the format cannot hold a name or text.
        DataError: the file cannot be written: no such folder, no permission, no space.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    package = _package()
    _check_texts(arrays, metadata or {})
    row_major = {name: _row_major(name, array) for name, array in arrays.items()}
    texts = dict(metadata or {}) or None  # an empty dict would become a header that cannot be read
    write_atomically(path, package.save(row_major, texts))


def load(path: PathLike) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file, whoever wrote it: the arrays and the texts.

    All that the header says is compared with the file's size before memory is allocated. bfloat16 becomes float32. A
    file whose name ends in `.npz` is read by `load_npz`; it has no texts.

    Args:
        path: the file.

    Returns:
        (arrays by name, texts by name).

    Raises:
        StateError: there is no such file, or it is damaged or of another format.
        MissingExtraError: safetensors, of the extra `io`, is not installed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/x.safetensors", {"x": np.arange(3)}, {"unit": "m"})
    ...     load(f"{folder}/x.safetensors")
    ({'x': array([0, 1, 2])}, {'unit': 'm'})
    """
    if Path(path).suffix == ".npz":
        return load_npz(path), {}
    _package()
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise StateError(f"there is no file {path}")
    if Path(path).suffix in (".pt", ".pth", ".bin"):
        raise StateError(
            f"{path} is a file of PyTorch's, which only PyTorch opens (it may hold code): convert it where PyTorch is "
            f'installed, with: import torch, safetensors.torch as s; s.save_file(torch.load("{Path(path).name}", '
            f'weights_only=True), "{Path(path).stem}.safetensors")'
        )
    try:
        with safe_open(path, framework="numpy") as file:  # which checks sizes, shapes and offsets
            entries, begin = _header(path)
            arrays = {
                name: _bfloat16(path, entries[name], begin)
                if entries[name]["dtype"] == "BF16"
                else file.get_tensor(name)
                for name in file.keys()  # noqa: SIM118  # it is no dict
            }
            return arrays, dict(file.metadata() or {})
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(f"{path} is damaged or no safetensors file ({error})") from error


def _header(path: PathLike) -> tuple[dict[str, HeaderEntry], int]:
    """The header of a file that `safe_open` has accepted, and where the arrays begin."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(length), object_pairs_hook=_unique), 8 + length


def _unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """A dict without duplicates: of two arrays with one name `safe_open` gives the last, other readers the first."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"its header has {name!r:.60} twice")
        found[name] = value
    return found


def _bfloat16(path: PathLike, entry: HeaderEntry, begin: int) -> Array:
    """An array of the dtype that NumPy lacks: its bits are the upper half of a float32's."""
    shape = tuple(entry["shape"])
    bits = np.fromfile(path, "<u2", math.prod(shape), offset=begin + entry["data_offsets"][0])
    return (bits.astype(np.uint32) << 16).view(np.float32).reshape(shape)


def _row_major(name: str, array: Array | Tensor) -> Array:
    """A copy of the array row by row: safetensors writes any other layout wrongly."""
    values = np.asarray(array.data if isinstance(array, Tensor) else array)
    if values.dtype.name not in DTYPES:
        raise DTypeError(f"{name}: safetensors holds booleans, integers and floats, not {values.dtype}")
    return np.array(values, order="C")


def _check_texts(arrays: Mapping[str, object], texts: Mapping[str, str]) -> None:
    if "__metadata__" in arrays:
        raise StateError('an array cannot be named "__metadata__": the format keeps the texts under that name')
    for name, text in texts.items():
        if not isinstance(text, str):
            raise StateError(f"metadata {name!r} must be a text, not {type(text).__name__}: use json.dumps")
    for name in (*arrays, *texts, *texts.values()):
        try:
            name.encode()
        except (AttributeError, UnicodeEncodeError) as error:
            raise StateError(f"{name!r} cannot be a name or text in a file: {error}") from error


def _package() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingExtraError("safetensors", extra="io", purpose="saving and loading arrays") from error
    return safetensors.numpy
