"""Nested states, such as an optimizer's, as named arrays and JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import StateError
from minigrad.io.atomic import PathLike
from minigrad.io.safetensor import load, save
from minigrad.typing import Array


def save_state(path: PathLike, state: Any) -> None:
    """Write a state dict of any depth: dicts, lists, tuples, numbers, texts, arrays. See `save` for the file.

    Raises:
        StateError: it holds something else.
        DTypeError, DataError: see `save`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_state(f"{folder}/x.safetensors", {"step": 3, "means": (np.zeros(2), None)})
    ...     load_state(f"{folder}/x.safetensors")
    {'step': 3, 'means': (array([0., 0.]), None)}
    """
    arrays: dict[str, Array] = {}
    text = as_json(pack(state, "state", arrays))
    save(path, arrays, {"state": text, "sha256": digest(arrays, text)})


def load_state(path: PathLike) -> Any:
    """Read what `save_state` wrote.

    Raises:
        StateError: there is no such file, it is damaged, or it was not written by `save_state`.
    """
    arrays, texts = load(path)
    if "state" not in texts:
        raise StateError(f"{path} holds arrays, but no state: read it with load")
    check_digest(path, arrays, texts["state"], texts)
    try:
        return unpack(json.loads(texts["state"]), arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path} is damaged: {error}") from error


def pack(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A nested value as JSON, with its arrays moved to `arrays`. JSON knows no tuples, nor keys that are numbers."""
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


def unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """What `pack` packed."""
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if isinstance(value, dict):
        if "array" in value:
            return arrays[value["array"]]
        if "tuple" in value:
            return tuple(unpack(item, arrays) for item in value["tuple"])
        return {key: unpack(item, arrays) for key, item in value["items"]}
    return value


def as_json(value: Any) -> str:
    """Packed values as text.

    Raises:
        StateError: something in it is not for JSON.
    """
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise StateError(f"a state holds arrays, numbers, texts, lists and dicts only: {error}") from error


def digest(arrays: Mapping[str, Array], text: str) -> str:
    """A checksum of everything: names, dtypes, shapes and bytes of the arrays, whatever their order, and the text."""
    total = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        total.update(f"\n{name!r} {array.dtype.name} {np.shape(arrays[name])}\n".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def check_digest(path: PathLike, arrays: Mapping[str, Array], text: str, texts: Mapping[str, str]) -> None:
    """Compare a file's content with the checksum in it.

    Raises:
        StateError: they differ, or there is no checksum.
    """
    if texts.get("sha256") != digest(arrays, text):
        raise StateError(f"{path} is damaged: its content does not have the checksum that was written with it")
