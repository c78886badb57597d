"""Nested states, such as an optimizer's, saved as named arrays and JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import StateError
from minigrad.io.atomic import PathLike
from minigrad.io.safetensors import load, save
from minigrad.typing import Array


def save_state(path: PathLike, state: object) -> None:
    """Write a nested state to a safetensors file; see `save`.

    Args:
        path: the file; one that exists is replaced atomically.
        state: dicts, lists and tuples, to any depth, of numbers, texts, None and arrays.

    Raises:
        StateError: the state has something else in it.
        DTypeError: an array has a dtype that the format does not have.
        DataError: the file cannot be written.
        MissingExtraError: safetensors, of the extra `io`, is not installed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_state(f"{folder}/x.safetensors", {"step": 3, "means": (np.zeros(2), None)})
    ...     load_state(f"{folder}/x.safetensors")
    {'step': 3, 'means': (array([0., 0.]), None)}
    """
    arrays: dict[str, Array] = {}
    text = as_json(pack(state, "state", arrays))
    save(path, arrays, {"state": text, "sha256": digest(arrays, text)})


def load_state(path: PathLike) -> Any:  # whatever was saved
    """Read what `save_state` wrote.

    Args:
        path: the file.

    Returns:
        The state: containers, numbers, texts and arrays as they were.

    Raises:
        StateError: there is no such file, it is damaged, or it was not written by `save_state`.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    arrays, texts = load(path)
    if "state" not in texts:
        raise StateError(f"{path} holds arrays, but no state: read it with load")
    check_digest(path, arrays, texts["state"], texts)
    try:
        return unpack(json.loads(texts["state"]), arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path} is damaged: {error}") from error


def pack(value: object, name: str, arrays: dict[str, Array]) -> object:
    """A nested value as JSON, which has no arrays, no tuples, and no keys that are numbers.

    Args:
        value: dicts, lists and tuples, to any depth, of numbers, texts, None and arrays.
        name: of the value; arrays in it are named after it.
        arrays: the arrays are added here.

    Raises:
        StateError: a dict has a key that is neither a text nor a number.
    """
    if isinstance(value, (np.ndarray, Tensor)):
        while name in arrays:  # a dict may have the keys 1 and "1"
            name += "'"
        arrays[name] = value.data if isinstance(value, Tensor) else value
        return {"array": name}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, (str, int, float, type(None))):  # a tuple would come back as a list, which is no key
                raise StateError(f"the keys of a state are texts and numbers only, not {key!r:.60}, in {name}")
        return {"items": [[key, pack(item, f"{name}/{key}", arrays)] for key, item in value.items()]}
    if isinstance(value, (tuple, list)):
        items = [pack(item, f"{name}/{i}", arrays) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    return value.item() if isinstance(value, np.generic) else value


def unpack(value: object, arrays: Mapping[str, Array]) -> Any:  # whatever was packed
    """What `pack` has packed.

    Args:
        value: from `pack`.
        arrays: the arrays by the names that `pack` gave them.
    """
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if isinstance(value, dict):
        if "array" in value:
            return arrays[value["array"]]
        if "tuple" in value:
            return tuple(unpack(item, arrays) for item in value["tuple"])
        return {key: unpack(item, arrays) for key, item in value["items"]}
    return value


def as_json(value: object) -> str:
    """Packed values as text.

    Args:
        value: from `pack`.

    Raises:
        StateError: it has something in it that cannot be written as JSON.
    """
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise StateError(f"a state holds arrays, numbers, texts, lists and dicts only: {error}") from error


def digest(arrays: Mapping[str, Array], text: str) -> str:
    """The SHA-256 checksum of names, dtypes, shapes and bytes of the arrays, whatever their order, and of the text."""
    checksum = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        checksum.update(f"\n{name!r} {array.dtype.name} {np.shape(arrays[name])}\n".encode())
        checksum.update(array.reshape(-1).view(np.uint8).data)
    return checksum.hexdigest()


def check_digest(path: PathLike, arrays: Mapping[str, Array], text: str, texts: Mapping[str, str]) -> None:
    """Compare a file's content with the checksum in it.

    Args:
        path: the file, for the message.
        arrays: its arrays.
        text: its text.
        texts: has the checksum as "sha256".

    Raises:
        StateError: they differ, or there is no checksum.
    """
    if texts.get("sha256") != digest(arrays, text):
        raise StateError(f"{path} is damaged: its content does not have the checksum that was written with it")
