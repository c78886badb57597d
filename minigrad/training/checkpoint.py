"""Checkpoints: all that a training needs to go on bit for bit, in one safetensors file.

The arrays are named `model/<path>` and `optimizer/<place>`. Everything else is JSON in the metadata entry `training`:
the position (epoch, step, running sums), the loader's three integers, the state of the default random generator, what
the optimizer's state holds beside arrays, and the settings of whoever started the training.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minigrad import rng
from minigrad.errors import StateError
from minigrad.io import load, save
from minigrad.tensor import Array
from minigrad.training.state import Sums, Training

FORMAT = 1  # raised when older code could not read newer files

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as it was read.

    Attributes:
        path: where it was.
        arrays: by name.
        facts: the JSON part.
    """

    path: PathLike
    arrays: Mapping[str, Array]
    facts: Mapping[str, Any]

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return int(self.facts["epoch"])

    @property
    def settings(self) -> dict[str, Any]:
        """What was given to `save_checkpoint`."""
        return dict(self.facts["settings"])

    @property
    def model(self) -> dict[str, Array]:
        """The model's state dict."""
        return {name.removeprefix("model/"): a for name, a in self.arrays.items() if name.startswith("model/")}

    def restore(self, training: Training) -> None:
        """Put a training of the same model, data and settings where the saved one was.

        The optimizer's settings are part of the state: the saved ones replace those that it was made with.

        Raises:
            StateError: something does not fit; it names what.
        """
        facts = self.facts
        kind = type(training.optimizer).__name__
        if facts.get("optimizer_kind") != kind:
            raise StateError(f"{self.path} was made with the optimizer {facts.get('optimizer_kind')}, not {kind}")
        try:
            training.model.load_state_dict(self.model)
            training.optimizer.load_state_dict(_unpack(facts["optimizer"], self.arrays))
            training.loader.load_state_dict(facts["loader"])
            training.sums = Sums(**facts["sums"])
            training.epoch, training.step = facts["epoch"], facts["step"]
            rng.set_rng_state(facts["rng"])
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"{self.path} does not fit this training: {error}") from error


def save_checkpoint(path: PathLike, training: Training, settings: Mapping[str, Any] | None = None) -> None:
    """Write everything that `Checkpoint.restore` needs. A file that is there is replaced, at once and whole.

    Args:
        path: the file.
        training: where the training stands, between two steps.
        settings: whatever else should be known when it goes on, as JSON values.

    Raises:
        DataError: the file cannot be written.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    arrays = {f"model/{name}": array for name, array in training.model.state_dict().items()}
    facts = {
        "format": FORMAT,
        "epoch": training.epoch,
        "step": training.step,
        "sums": asdict(training.sums),
        "loader": training.loader.state_dict(),
        "rng": rng.rng_state(),
        "optimizer_kind": type(training.optimizer).__name__,
        "optimizer": _pack(training.optimizer.state_dict(), "optimizer", arrays),
        "settings": dict(settings or {}),
    }
    save(path, arrays, {"training": json.dumps(facts)})


def load_checkpoint(path: PathLike) -> Checkpoint:
    """Read a checkpoint. `model.load_state_dict(load_checkpoint(path).model)` takes over just the weights.

    Raises:
        StateError: there is no such file, it is damaged, or it is no checkpoint that this version can read.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    arrays, metadata = load(path)
    try:
        facts = json.loads(metadata["training"])
        version = facts["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path} holds arrays, but is no checkpoint of a training") from error
    if version != FORMAT:
        raise StateError(f"{path} is a checkpoint of format {version}; this version of minigrad reads format {FORMAT}")
    return Checkpoint(path, arrays, facts)


def _pack(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A nested value as JSON, with its arrays moved to `arrays`. JSON knows no tuples, nor keys that are numbers."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Mapping):
        return {"items": [[key, _pack(item, f"{name}/{key}", arrays)] for key, item in value.items()]}
    if isinstance(value, (tuple, list)):
        items = [_pack(item, f"{name}/{i}", arrays) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    return value.item() if isinstance(value, np.generic) else value


def _unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """What `_pack` packed."""
    if isinstance(value, list):
        return [_unpack(item, arrays) for item in value]
    if isinstance(value, dict):
        if "array" in value:
            return arrays[value["array"]]
        if "tuple" in value:
            return tuple(_unpack(item, arrays) for item in value["tuple"])
        return {key: _unpack(item, arrays) for key, item in value["items"]}
    return value
