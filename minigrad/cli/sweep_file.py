"""`Sweep`: the runs that a TOML file asks for.

model = "lenet5"                 what all runs share: the keys of `minigrad train --config`
epochs = 3

[sweep]
method = "random"                or "grid" (default): all combinations of lists
runs = 20                        of "random"
seed = 0                         which draws them (default 0)
monitor = "test_accuracy"        what is compared (default "test_loss")

[vary]
batch_size = [16, 64]
"optimizer.momentum" = [0.0, 0.9]
lr = { low = 1e-4, high = 1e-1, log = true }       with "random" only; log: evenly in its logarithm
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.cli.overrides import read_toml
from minigrad.cli.parsing import hint
from minigrad.errors import UsageError
from minigrad.typing import Settings

KEYS = ("method", "runs", "seed", "monitor")


@dataclass(frozen=True)
class Sweep:
    """The runs of a sweep.

    Attributes:
        runs: the whole configuration of each run, by its name.
        names: what differs from run to run.
        values: of that, for each run.
        monitor: the entry of the history that is compared.
    """

    runs: dict[str, Settings]
    names: tuple[str, ...]
    values: dict[str, tuple[object, ...]]
    monitor: str

    @property
    def maximize(self) -> bool:
        """Whether larger is better: of losses and errors it is not."""
        return not any(word in self.monitor for word in ("loss", "error", "mse", "mae"))

    def varied(self, name: str) -> Settings:
        """What differs, of one run."""
        return dict(zip(self.names, self.values[name], strict=True))

    def described(self, name: str) -> str:
        """The same as text."""
        return " ".join(f"{key}={value}" for key, value in self.varied(name).items())


def read_sweep(path: str) -> Sweep:
    """Read a sweep.

    Args:
        path: that of the file.

    Raises:
        UsageError: it cannot be read, or something in it is not known or not possible.
    """
    found = read_toml(path)
    options, vary = found.pop("sweep", {}), found.pop("vary", {})
    if not vary or not isinstance(vary, dict) or not isinstance(options, dict):
        raise UsageError(f"{path} needs a table [vary] with what differs from run to run, such as lr = [0.1, 0.01]")
    for key in options:
        if key not in KEYS:
            raise UsageError(f"{path}: [sweep] has the key {key}, which is not known{hint(key, KEYS)}")
    method = options.get("method", "grid")
    if method not in ("grid", "random"):
        raise UsageError(f'{path}: method is "grid" or "random", not {method!r}')
    combinations = _grid(path, vary) if method == "grid" else _drawn(path, vary, options)
    digits = len(str(len(combinations) - 1))
    values = {f"{k:0{digits}}": each for k, each in enumerate(combinations)}
    runs = {name: _merged(found, dict(zip(vary, each, strict=True))) for name, each in values.items()}
    return Sweep(runs, tuple(vary), values, str(options.get("monitor", "test_loss")))


def toml_text(settings: Mapping[str, Any]) -> str:
    """Write settings as TOML.

    >>> print(toml_text({"lr": 0.1, "optimizer": {"name": "sgd", "nesterov": True}}), end="")
    lr = 0.1
    optimizer = {name = "sgd", nesterov = true}
    """
    return "".join(f"{key} = {_value_text(value)}\n" for key, value in settings.items())


def _value_text(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value_text(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _grid(path: str, vary: Mapping[str, Any]) -> list[tuple[object, ...]]:
    for name, choices in vary.items():
        if not isinstance(choices, list) or not choices:
            raise UsageError(f'{path}: a grid needs a list of values for {name}; ranges are for method = "random"')
    return list(itertools.product(*vary.values()))


def _drawn(path: str, vary: Mapping[str, Any], options: Mapping[str, Any]) -> list[tuple[object, ...]]:
    count = options.get("runs")
    if not isinstance(count, int) or count < 1:
        raise UsageError(f"{path}: a random sweep needs the number of runs, an integer of at least 1: got {count!r}")
    rng = np.random.default_rng(options.get("seed", 0))
    return [tuple(_draw(path, name, choices, rng) for name, choices in vary.items()) for _ in range(count)]


def _draw(path: str, name: str, choices: Any, rng: np.random.Generator) -> object:
    if isinstance(choices, list) and choices:
        return choices[int(rng.integers(len(choices)))]
    table: dict[str, Any] = choices if isinstance(choices, dict) else {}
    low, high = _number(table.get("low")), _number(table.get("high"))
    if low is None or high is None or low > high or (table.get("log") and low <= 0):
        raise UsageError(f"{path}: {name} needs a list of values, or {{ low = 1e-4, high = 0.1, log = true }}")
    if isinstance(low, int) and isinstance(high, int):
        return int(rng.integers(low, high, endpoint=True))
    if table.get("log"):
        return float(math.exp(rng.uniform(math.log(low), math.log(high))))
    return float(rng.uniform(low, high))


def _number(value: object) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _merged(shared: Mapping[str, Any], varied: Mapping[str, object]) -> Settings:
    """The settings of a run: "optimizer.momentum" goes into the table of the optimizer."""
    merged: Settings = {key: dict(value) if isinstance(value, dict) else value for key, value in shared.items()}
    for name, value in varied.items():
        key, dot, setting = name.partition(".")
        if not dot:
            merged[key] = value
            continue
        table = merged.get(key, {})
        merged[key] = {**(table if isinstance(table, dict) else {"name": table}), setting: value}
    return merged
