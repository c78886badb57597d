"""What a network keeps for its backward pass, and what `checkpoint` saves of it."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from minigrad_models.vgg import PLANS, VGG

import minigrad as mg
from minigrad import nn
from minigrad.config import release_memory
from minigrad.kernels import buffers


def in_stages(model: VGG, x: Any) -> mg.Tensor:
    """The network with a checkpoint around each stage: what lies between two poolings is computed again."""
    layers = list(model.features)
    ends = [i + 1 for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    for start, stop in zip([0, *ends], ends, strict=False):
        x = mg.checkpoint(nn.Sequential(*layers[start:stop]), x)
    return model.classifier(model.avgpool(x).flatten(1))  # type: ignore[no-any-return]


def run(forward: Callable[[Any], mg.Tensor], x: Any, model: VGG) -> tuple[int, list[Any]]:
    """Bytes that the forward pass keeps for the backward pass, parameters not counted; and the gradients."""
    model.zero_grad()
    forward(x)  # what is made once, such as compiled kernels, is there now
    gc.collect()
    release_memory()
    tracemalloc.start()
    out = forward(x).sum()
    release_memory()  # blocks of memory that are free are not what the graph keeps
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    out.backward()
    return kept, [p.grad.numpy() for p in model.parameters()]


def test_checkpoints_around_the_stages_of_vgg16_more_than_halve_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "MAPPED_BYTES", sys.maxsize)  # what is mapped is not traced
    model = VGG(PLANS[16], grid=2, hidden=16, num_classes=10, rng=np.random.default_rng(0)).eval()
    x = np.random.default_rng(1).normal(size=(2, 3, 64, 64)).astype(np.float32)
    kept, gradients = run(model, x, model)
    kept_less, same = run(lambda x: in_stages(model, x), x, model)
    for ours, theirs in zip(same, gradients, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert kept_less < kept / 5
