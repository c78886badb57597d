"""Checkpoints: all that a training needs to go on bit for bit, in one safetensors file.

The arrays are named `model/<path>`, `optimizer/<place>` and so on. Everything else is JSON in the metadata entry
`training`: the position (epoch, step, running sums), the loader's three integers, the states of the random generators,
what the states of optimizer, schedule and callbacks hold beside arrays, and the settings of whoever started the
training. The entry `sha256` is a checksum of all of it, so that no damage goes unnoticed.
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
from minigrad.training.randomness import generators, random_state, set_random_state
from minigrad.training.state import Sums, Training
from minigrad.typing import Array

FORMAT = 2  # raised when older code could not read newer files

PARTS = ("optimizer", "schedule", "loader", "random", "sums", "callbacks")


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

        The optimizer's settings are part of the state: the saved ones replace those that it was made with. A callback
        that was not there when the checkpoint was made begins anew.

        Raises:
            StateError: something does not fit. It lists all that does not, and nothing has been changed.
        """
        try:
            facts = {name: unpack(self.facts[name], self.arrays) for name in PARTS}
            epoch, step, sums = int(self.facts["epoch"]), int(self.facts["step"]), Sums(**facts["sums"])
            callbacks = {name: facts["callbacks"][name] for name in _named(training) if name in facts["callbacks"]}
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"{self.path} does not fit this training: it has no proper {error}") from error
        loads = _loads(training)
        saved = {"model": self.model, **{name: facts[name] for name in loads if name in facts}, **callbacks}
        before = _states(training)
        problems = []
        for name, state in saved.items():
            try:
                loads[name](state)
            except (KeyError, TypeError, ValueError) as error:
                problems.append(str(error) if str(error) else f"{name}: {type(error).__name__}")
        if problems:
            for name in saved:
                loads[name](before[name])
            raise StateError(f"{self.path} does not fit this training: " + "\n".join(problems))
        training.epoch, training.step, training.sums = epoch, step, sums


def save_checkpoint(path: PathLike, training: Training, settings: Mapping[str, Any] | None = None) -> None:
    """Write everything that `Checkpoint.restore` needs. A file that is there is replaced, at once and whole.

    Args:
        path: the file.
        training: where the training stands, between two steps.
        settings: whatever else should be known when it goes on, as JSON values.

    Raises:
        DataError: the file cannot be written.
    """
    arrays = {f"model/{name}": array for name, array in training.model.state_dict().items()}
    states = _states(training)
    callbacks = {name: states[name] for name in _named(training) if states[name]}
    sums = {each.name: getattr(training.sums, each.name) for each in fields(training.sums)}
    parts = {**{name: states[name] for name in PARTS if name in states}, "sums": sums, "callbacks": callbacks}
    facts = {
        "format": FORMAT,
        "epoch": training.epoch,
        "step": training.step,
        **{name: pack(part, name, arrays) for name, part in parts.items()},
        "settings": dict(settings or {}),
    }
    text = as_json(facts)
    save(path, arrays, {"training": text, "sha256": digest(arrays, text)})


def load_checkpoint(path: PathLike) -> Checkpoint:
    """Read a checkpoint. `model.load_state_dict(load_checkpoint(path).model)` takes over just the weights.

    Raises:
        StateError: there is no such file, it is damaged, or it is no checkpoint that this version can read.
    """
    arrays, metadata = load(path)
    try:
        facts = json.loads(metadata["training"])
        version, epoch, settings = facts["format"], facts.get("epoch"), facts.get("settings")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"{path} holds arrays, but is no checkpoint of a training") from error
    if version != FORMAT:
        raise StateError(f"{path} is a checkpoint of format {version}; this version of minigrad reads format {FORMAT}")
    check_digest(path, arrays, metadata["training"], metadata)
    if not isinstance(epoch, int) or not isinstance(settings, dict):
        raise StateError(f"{path} is damaged: it does not tell its epoch and its settings")
    return Checkpoint(path, arrays, facts)


def _named(training: Training) -> dict[str, Callback]:
    """The callbacks by the names of their classes, numbered where there are several of one."""
    named: dict[str, Callback] = {}
    for callback in training.callbacks:
        kind = type(callback).__name__
        number = sum(type(other).__name__ == kind for other in named.values()) + 1
        named[f"callback {kind}" + (f" {number}" if number > 1 else "")] = callback
    return named


def _states(training: Training) -> dict[str, Any]:
    """The states of all that has one."""
    return {
        "model": training.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "schedule": training.schedule.state_dict(),
        "loader": training.loader.state_dict(),
        "random": random_state(generators(training.model)),
        **{name: callback.state_dict() for name, callback in _named(training).items()},
    }


def _loads(training: Training) -> dict[str, Callable[[Any], object]]:
    """What takes these states back."""
    return {
        "model": training.model.load_state_dict,
        "optimizer": training.optimizer.load_state_dict,
        "schedule": training.schedule.load_state_dict,
        "loader": training.loader.load_state_dict,
        "random": partial(set_random_state, generators(training.model)),
        **{name: callback.load_state_dict for name, callback in _named(training).items()},
    }
