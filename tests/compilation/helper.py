"""Training steps, run eagerly and compiled side by side."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn, optim
from minigrad.compilation import Compiled
from minigrad.compilation.fused_loop import FusedLoop

Data = list[tuple[np.ndarray, np.ndarray]]


@dataclass
class Training:
    """A model, its optimizer and its step."""

    model: nn.Module
    optimizer: optim.Optimizer
    step: Callable[..., Any]


def classification(count: int = 6, batch: int = 8, features: int = 20, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(batch, features)).astype(np.float32), rng.integers(0, 5, batch)) for _ in range(count)]


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 5))


def training(model: Callable[[], nn.Module] = network, seed: int = 0, **settings: Any) -> Training:
    mg.seed(seed)
    net = model()
    optimizer = optim.SGD(net.parameters(), **{"lr": 0.1, "momentum": 0.9, **settings})

    def step(x: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return Training(net, optimizer, step)


def state(train: Training) -> dict[str, np.ndarray]:
    """Everything that a step changes."""
    found = {name: array.copy() for name, array in train.model.state_dict().items()}
    for name, p in train.model.named_parameters():
        if p.grad is not None:
            found[f"{name}.grad"] = p.grad.numpy().copy()
        found |= {f"{name}.{key}": np.array(value) for key, value in train.optimizer.state[p].items()}
    return found


def assert_equal_states(one: Training, other: Training) -> None:
    states = state(one), state(other)
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name], err_msg=name)


def warnings_of(function: Callable[[], Any]) -> list[str]:
    """The texts of the warnings that a function gives."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        function()
    return [str(warning.message) for warning in seen]


def fused_loops(compiled: Compiled[..., Any]) -> list[FusedLoop]:
    """The loops of a program."""
    assert compiled.program is not None
    return [i.function for i in compiled.program.instructions if isinstance(i.function, FusedLoop)]
