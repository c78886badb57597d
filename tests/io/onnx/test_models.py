"""The networks of the table give in onnxruntime what they give here, for a batch of any size.

A few by default; with MINIGRAD_PROFILE=ci or intense all whose images are small.
"""

import math
import os

import numpy as np
import pytest
from minigrad_models import MODELS

import minigrad as mg
from minigrad import UsageError, nn
from minigrad.data import ArrayDataset
from minigrad.io import to_onnx
from tests.io.onnx.runtime import assert_same

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

QUICK = ["lenet5-original", "alexnet-small", "inception-v4-small", "resnet20-small", "local-unshared", "autoencoder"]
OTHERS = {"dcgan", "neocognitron"}  # have a test of their own
SMALL = [
    name
    for name, entry in MODELS.items()
    if math.prod(entry.input_shape) < 20_000 and entry.parameters < 5e7 and name not in OTHERS
]
CHOSEN = QUICK if os.environ.get("MINIGRAD_PROFILE", "dev") == "dev" else SMALL


def enliven(model: nn.Module, rng: np.random.Generator) -> None:
    """Let nothing be 0 or 1 as it is at the start: biases, the last layers, statistics."""
    for path, tensor in [*model.named_parameters(), *model.named_buffers()]:
        values = tensor.writable()
        if path.endswith("running_mean") or not values.any():
            values[...] = rng.normal(size=values.shape) * 0.1
        elif path.endswith("running_var"):
            values[...] = rng.uniform(0.5, 2, values.shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_network_of_the_table(rng, name):
    entry = MODELS[name]
    model = entry.make()
    enliven(model, rng)
    draw = lambda n: entry.draw((n, *entry.input_shape), rng)  # noqa: E731
    exported = to_onnx(model, draw(1), dynamic_batch=True)
    model.eval()
    for n in (1, 7):
        x = draw(n)
        out = model(mg.Tensor(x)).numpy()
        assert_same(exported, model, x, rtol=1e-4, atol=1e-5 * float(np.abs(out).max()))


def test_neocognitron(rng):
    """Its cells have to have learned, or nothing reaches the scores."""
    model = MODELS["neocognitron"].make()
    images = rng.random((20, 1, 32, 32)).astype(np.float32) * (rng.random((20, 1, 32, 32)) < 0.3)
    images = images.astype(np.float32)
    model.prepare(ArrayDataset(images, np.arange(20) % 10))
    model.eval()
    exported = to_onnx(model, images[:1], dynamic_batch=True)
    scores = model(mg.Tensor(images[:7])).numpy()
    assert len(np.unique(scores)) > 10
    assert_same(exported, model, images[:7], rtol=1e-3, atol=1e-4 * float(np.abs(scores).max()))


def test_the_two_networks_of_dcgan_can_be_exported_alone(rng):
    model = MODELS["dcgan"].make()
    enliven(model, rng)
    with pytest.raises(UsageError, match="the model answers with a number or array that was another one"):
        to_onnx(model, rng.random((1, 1, 32, 32)).astype(np.float32), dynamic_batch=True)  # its noise is NumPy's
    for network, shape in ((model.generator, (100,)), (model.discriminator, (1, 32, 32))):
        exported = to_onnx(network, rng.normal(size=(1, *shape)).astype(np.float32), dynamic_batch=True)
        network.eval()
        assert_same(exported, network, rng.normal(size=(7, *shape)).astype(np.float32), atol=1e-5)
