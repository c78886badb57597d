"""One small problem for all optimizers, in NumPy alone, so that two libraries can be led through it side by side.

Several groups with settings of their own, a number, an empty array, a gradient that is missing at times, and one that
is always missing. `python -m tests.optim.problem` writes what PyTorch makes of it to pytorch.json.
"""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_name("pytorch.json")
STEPS, SEEN = 100, (1, 2, 10, 100)

START = {
    "matrix": np.array([[1.0, -2.0, 3.0], [0.5, 5.0, -1.0]]),
    "number": np.array(1.5),
    "empty": np.zeros((0, 2)),
    "vector": np.array([2.0, -0.25, 0.75]),
    "rare": np.array([-1.0, 1.0]),
    "frozen": np.array([7.0]),
}
GROUPS = [["matrix", "number", "empty"], ["vector", "rare", "frozen"]]  # the second has half the learning rate

CASES = {
    "SGD": [
        {}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.3}, {"momentum": 0.8, "nesterov": True},
        {"weight_decay": 0.1}, {"momentum": 0.9, "weight_decay": 0.05, "dampening": 0.1, "maximize": True},
        {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True}, {"maximize": True},
    ],
    "Adagrad": [
        {}, {"lr_decay": 0.01, "initial_accumulator_value": 0.5}, {"weight_decay": 0.1, "eps": 1e-3},
        {"weight_decay": 0.1, "maximize": True},
    ],
    "Adadelta": [{}, {"rho": 0.5, "eps": 1e-3}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "maximize": True}],
    "RMSprop": [
        {}, {"centered": True}, {"momentum": 0.9}, {"alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1},
        {"momentum": 0.5, "centered": True, "weight_decay": 0.1, "maximize": True},
    ],
    "Adam": [
        {}, {"betas": (0.5, 0.9)}, {"amsgrad": True}, {"eps": 0.1, "weight_decay": 0.3},
        {"decoupled_weight_decay": True, "weight_decay": 0.1}, {"betas": (0.0, 0.99)},
        {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
    ],
    "AdamW": [{}, {"weight_decay": 0.3, "amsgrad": True}, {"weight_decay": 0.3, "maximize": True}],
    "Adamax": [{}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "maximize": True}],
    "NAdam": [
        {}, {"momentum_decay": 0.1, "betas": (0.8, 0.9)}, {"weight_decay": 0.1, "maximize": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    "RAdam": [
        {}, {"betas": (0.8, 0.9)}, {"weight_decay": 0.1, "maximize": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"betas": (0.5, 0.5)},
    ],
}  # fmt: skip
LR = {"Adadelta": 1.0, "SGD": 0.02}  # others: 0.05


def all_cases():
    return [(kind, settings) for kind, rows in CASES.items() for settings in rows]


def title(case):
    kind, settings = case
    return f"{kind}({', '.join(f'{name}={value}' for name, value in settings.items())})"


def gradient(name, value, step):
    """A pull toward 1 that differs from number to number, and a wave that differs from step to step."""
    if name == "frozen" or (name == "rare" and step % 3):
        return None
    curvature = 0.5 + np.arange(value.size).reshape(value.shape) % 3
    return curvature * (value - 1) + 0.3 * np.cos(step + np.arange(value.size).reshape(value.shape))


def groups(kind, params):
    """The parameters, given by their names, as groups for an optimizer."""
    lr = LR.get(kind, 0.05)
    return [{"params": [params[name] for name in names], "lr": lr / (i + 1)} for i, names in enumerate(GROUPS)]


def walk(read, give, step):
    """Lead an optimizer through the problem.

    Args:
        read(name): a parameter's value; give(name, gradient or None): sets its gradient; step(): updates all.

    Returns:
        The values of all parameters after the steps in SEEN, in one list each.
    """
    seen = {}
    for t in range(1, STEPS + 1):
        for name in START:
            give(name, gradient(name, read(name), t))
        step()
        if t in SEEN:
            seen[str(t)] = [float(x) for name in START for x in np.ravel(read(name))]
    return seen


@contextmanager
def doubles(torch):
    """PyTorch's numbers beside arrays (NAdam's product) have its default dtype: let that be float64 as well."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def torch_walk(torch, kind, settings, steps=walk):
    params = {name: torch.tensor(value, requires_grad=name != "frozen") for name, value in START.items()}

    def give(name, g):
        params[name].grad = None if g is None else torch.tensor(g)

    with doubles(torch):
        optimizer = getattr(torch.optim, kind)(groups(kind, params), **settings)
        return steps(lambda name: params[name].detach().numpy().copy(), give, optimizer.step)


def write():
    import torch

    lines = [f"  {json.dumps(title(case))}: {json.dumps(torch_walk(torch, *case))}" for case in all_cases()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
