"""A network against PyTorch's with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad.nn import Module
from minigrad.training.training_state import first_output
from minigrad.typing import Array


def share_weights(model: Module, network: Any) -> None:
    """Give PyTorch's network the weights of ours: all names and shapes must be the same.

    Running statistics are drawn first, so that they are not those of fresh networks.
    """
    import torch

    rng = np.random.default_rng(1)
    state = {name: np.array(array) for name, array in model.state_dict().items()}
    for name, array in state.items():
        if name.endswith("running_var"):
            array[...] = rng.uniform(0.5, 2, array.shape)
        elif name.endswith("running_mean"):
            array[...] = rng.normal(0, 0.3, array.shape)
    model.load_state_dict(state)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()}, strict=True)


def assert_same(model: Module, network: Any, x: Array, rtol: float = 2e-4) -> None:
    """Outputs in evaluation and training mode, and all gradients of a loss, are equal within float32 rounding.

    The errors are measured against the largest number of each array (gradients that should be zero, such as a bias's
    before a normalization, against 0.001). Dropout must be off (p=0) in both.
    """
    import torch

    share_weights(model, network)
    target = np.arange(len(x)) % first_output(model.eval()(x)).shape[1]
    for training in (False, True):
        model.train(training)
        network.train(training)
        ours, theirs = model(x), network(torch.from_numpy(x))
        outputs = ours if isinstance(ours, tuple) else (ours,)
        peers = tuple(theirs) if isinstance(theirs, tuple) else (theirs,)
        for out, peer in zip(outputs, peers, strict=True):
            _assert_close("output", out.numpy(), peer.detach().numpy(), rtol)
        model.zero_grad()
        network.zero_grad()
        for out, peer in zip(outputs, peers, strict=True):
            mg.functional.cross_entropy(out, target).backward(retain_graph=True)
            torch.nn.functional.cross_entropy(peer, torch.from_numpy(target)).backward(retain_graph=True)
        gradients = {name: p.grad for name, p in network.named_parameters()}
        for name, p in model.named_parameters():
            assert (p.grad is None) == (gradients[name] is None), name
            if p.grad is not None:
                _assert_close(name, p.grad.numpy(), gradients[name].numpy(), rtol)


def _assert_close(name: str, ours: Array, theirs: Array, rtol: float) -> None:
    assert ours.shape == theirs.shape, name
    error = np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-3)
    assert error < rtol, f"{name}: relative error {error:.1e}"
