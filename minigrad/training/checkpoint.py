"""Checkpoints: all that a training run needs to continue bit for bit, in one safetensors file.

The arrays are named `model/<path>`, `optimizer/<place>` and so on. Everything else is JSON in the metadata entry
`training`: the position (epoch, step, running sums), where the loader is, the states of the random generators,
what the states of optimizer, schedule and callbacks hold beside arrays, and the settings of whoever started the
training. The entry `sha256` is a checksum of all of it, so that damage is detected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from minigrad.errors import StateError
from minigrad.io import load, save
from minigrad.io.atomic import PathLike
from minigrad.io.nested import as_json, check_digest, digest, pack, unpack
from minigrad.training.callback import Callback
from minigrad.training.random_state import find_generators, random_state, set_random_state
from minigrad.training.training_state import RunningSums, TrainingState
from minigrad.typing import Array, StateDict

FORMAT = 3  # raised when older code could not read newer files

PARTS = ("optimizer", "schedule", "loader", "random", "sums", "callbacks")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read from a file.

    Args:
        path: the file.
        arrays: all arrays, by name.
        metadata: the JSON part.
    """

    path: PathLike
    arrays: Mapping[str, Array]
    metadata: Mapping[str, Any]  # JSON, nested

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return int(self.metadata["epoch"])

    @property
    def settings(self) -> StateDict:
        """The settings that were given to `save_checkpoint`."""
        return dict(self.metadata["settings"])

    @property
    def model(self) -> dict[str, Array]:
        """The model's state dict."""
        return {name.removeprefix("model/"): a for name, a in self.arrays.items() if name.startswith("model/")}

    def restore(self, training: TrainingState) -> None:
        """Restore a training run that has the same model, data and settings as the saved one.

        The optimizer's settings are part of the state: the saved ones replace those that it was made with. A callback
        that was not there when the checkpoint was made begins anew.

        Args:
            training: changed in place.

        Raises:
            StateError: something does not fit. It lists all that does not, and nothing has been changed.
        """
        try:
            parts = {name: unpack(self.metadata[name], self.arrays) for name in PARTS}
            epoch, step = int(self.metadata["epoch"]), int(self.metadata["step"])
            sums = RunningSums(**parts["sums"])
            callbacks = {name: parts["callbacks"][name] for name in _by_name(training) if name in parts["callbacks"]}
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"{self.path} does not fit this training: it has no proper {error}") from error
        load_functions = _load_functions(training)
        saved = {"model": self.model, **{name: parts[name] for name in load_functions if name in parts}, **callbacks}
        before = _states(training)
        problems = []
        for name, state in saved.items():
            try:
                load_functions[name](state)
            except (KeyError, TypeError, ValueError) as error:
                problems.append(str(error) if str(error) else f"{name}: {type(error).__name__}")
        if problems:
            for name in saved:
                load_functions[name](before[name])
            raise StateError(f"{self.path} does not fit this training: " + "\n".join(problems))
        training.epoch, training.step, training.sums = epoch, step, sums


def save_checkpoint(path: PathLike, training: TrainingState, settings: Mapping[str, object] | None = None) -> None:
    """Save everything that `Checkpoint.restore` needs. A file that exists is replaced atomically.

    Args:
        path: the file.
        training: the state to save, between two steps.
        settings: JSON values that the checkpoint keeps for whoever resumes (default: none).

    Raises:
        DataError: the file cannot be written.
        StateError: a state or setting cannot be saved.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    arrays = {f"model/{name}": array for name, array in training.model.state_dict().items()}
    states = _states(training)
    callbacks = {name: states[name] for name in _by_name(training) if states[name]}
    sums = {field.name: getattr(training.sums, field.name) for field in fields(training.sums)}
    parts = {**{name: states[name] for name in PARTS if name in states}, "sums": sums, "callbacks": callbacks}
    metadata = {
        "format": FORMAT,
        "epoch": training.epoch,
        "step": training.step,
        **{name: pack(part, name, arrays) for name, part in parts.items()},
        "settings": dict(settings or {}),
    }
    text = as_json(metadata)
    save(path, arrays, {"training": text, "sha256": digest(arrays, text)})


def load_checkpoint(path: PathLike) -> Checkpoint:
    """Read a checkpoint. `model.load_state_dict(load_checkpoint(path).model)` loads the weights alone.

    Args:
        path: the file.

    Raises:
        StateError: there is no such file, it is damaged, or it is no checkpoint that this version can read.
        MissingExtraError: safetensors, of the extra `io`, is not installed.
    """
    arrays, texts = load(path)
    try:
        metadata = json.loads(texts["training"])
        version, epoch, settings = metadata["format"], metadata.get("epoch"), metadata.get("settings")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"{path} holds arrays, but is no checkpoint of a training") from error
    if version != FORMAT:
        raise StateError(f"{path} is a checkpoint of format {version}; this version of minigrad reads format {FORMAT}")
    check_digest(path, arrays, texts["training"], texts)
    if not isinstance(epoch, int) or not isinstance(settings, dict):
        raise StateError(f"{path} is damaged: its epoch or its settings are missing")
    return Checkpoint(path, arrays, metadata)


def _by_name(training: TrainingState) -> dict[str, Callback]:
    """The callbacks by the names of their classes, numbered where there are several of one."""
    named: dict[str, Callback] = {}
    for callback in training.callbacks:
        kind = type(callback).__name__
        number = sum(type(other).__name__ == kind for other in named.values()) + 1
        named[f"callback {kind}" + (f" {number}" if number > 1 else "")] = callback
    return named


def _states(training: TrainingState) -> dict[str, Mapping[str, object]]:
    """The states of everything that has one."""
    return {
        "model": training.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "schedule": training.schedule.state_dict(),
        "loader": training.loader.state_dict(),
        "random": random_state(find_generators(training.model)),
        **{name: callback.state_dict() for name, callback in _by_name(training).items()},
    }


def _load_functions(
    training: TrainingState,
) -> dict[str, Callable[[Any], object]]:  # each takes a state of its own kind
    """The functions that restore these states."""
    return {
        "model": training.model.load_state_dict,
        "optimizer": training.optimizer.load_state_dict,
        "schedule": training.schedule.load_state_dict,
        "loader": training.loader.load_state_dict,
        "random": partial(set_random_state, find_generators(training.model)),
        **{name: callback.load_state_dict for name, callback in _by_name(training).items()},
    }
