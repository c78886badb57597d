"""What is written and read again is the same: outputs, gradients, a training step, names."""

import copy
import math
import os
import zlib

import numpy as np
import pytest
from minigrad_models import MODELS

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn, optim
from minigrad.io import from_onnx, to_onnx
from tests.io.onnx.test_models import OTHERS, QUICK, SMALL, enliven

pytest.importorskip("onnx")

PROFILE = os.environ.get("MINIGRAD_PROFILE", "dev")
SLOW = {"resnet20-small", "alexnet-small"}  # whose first step waits for a compiler
FEW = set(QUICK) | {name for name in SMALL if zlib.crc32(name.encode()) % 6 == 0}
CHOSEN = SMALL if PROFILE == "intense" else sorted(FEW - SLOW)


def gradients(model: nn.Module, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The outputs, and the gradients of a loss with respect to all parameters and the input."""
    model.zero_grad()
    given = mg.Tensor(x, requires_grad=x.dtype.kind == "f")
    out = model(given)
    out = out[0] if isinstance(out, tuple) else out
    weights = np.linspace(-1, 1, out.size, dtype=np.float32).reshape(out.shape)
    (out * weights).mean().backward()
    found = {name: p.grad.numpy().copy() for name, p in model.named_parameters() if p.grad is not None}
    return out.numpy().copy(), found | ({"input": given.grad.numpy().copy()} if given.requires_grad else {})


def assert_close(found, expected, name, tolerance=2e-3):
    scale = float(np.abs(expected).max()) or 1.0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale + 1e-7, err_msg=name)


@pytest.mark.parametrize("name", sorted(set(CHOSEN) - OTHERS))
def test_network_of_the_table(rng, name):
    entry = MODELS[name]
    model = entry.make()
    enliven(model, rng)
    x = entry.draw((4, *entry.input_shape), rng)
    exported = to_onnx(model, x[:1], dynamic_batch=True)
    read = from_onnx(exported)
    assert not read.training
    out, expected = gradients(model.eval(), x)
    found_out, found = gradients(read, x)
    assert_close(found_out, out, "outputs", 1e-4)
    assert expected.keys() == found.keys()
    for path, gradient in found.items():
        assert_close(gradient, expected[path], path)


def small_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.1), nn.AvgPool2d(2),
        nn.Conv2d(8, 6, 3, 2, 1, groups=2), nn.GroupNorm(2, 6), nn.SiLU(), nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.ConvTranspose2d(6, 4, 4, 2, 1), nn.InstanceNorm2d(4, affine=True), nn.Hardswish(), nn.Flatten(),
        nn.Linear(1024, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 5),
    )  # fmt: skip


def volume_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(2, 4, 3, stride=(1, 2, 1), padding=1, bias=False), nn.BatchNorm3d(4), nn.ReLU(),
        nn.AvgPool3d(2, 1, 1, ceil_mode=True, count_include_pad=False),
        nn.ConvTranspose3d(4, 4, 2, (2, 1, 2), groups=2), nn.SiLU(), nn.InstanceNorm3d(4),
        nn.Upsample(scale_factor=(1, 2, 0.5), mode="trilinear"), nn.MaxPool3d(3, 2, 1), nn.ReflectionPad3d(1),
        nn.AdaptiveMaxPool3d((2, 3, 2)), nn.AdaptiveAvgPool3d((1, 2, None)), nn.Flatten(),
    )  # fmt: skip


def test_a_network_of_volumes_comes_back_with_its_gradients(rng):
    model = volume_net()
    enliven(model, rng)
    x = rng.normal(size=(2, 2, 4, 6, 7)).astype(np.float32)
    exported = to_onnx(model, x[:1], dynamic_batch=True)
    assert {"Conv", "BatchNormalization", "AveragePool", "ConvTranspose", "MaxPool"} <= {
        node.op_type for node in exported.graph.node
    }
    read = from_onnx(exported)
    out, expected = gradients(model.eval(), x)
    found_out, found = gradients(read, x)
    assert_close(found_out, out, "outputs", 1e-4)
    for path, gradient in expected.items():
        assert_close(found[path], gradient, path)


def test_training_goes_on_as_it_would_have(rng):
    """Three steps in training mode: weights, running statistics and losses."""
    model = small_net()
    x, target = rng.normal(size=(6, 3, 16, 16)).astype(np.float32), np.array([0, 1, 2, 3, 4, 0])
    read = from_onnx(to_onnx(model, x[:1], dynamic_batch=True))
    losses = []
    for net in (model.train(), read.train()):
        optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        for _ in range(3):
            loss = F.cross_entropy(net(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    np.testing.assert_allclose(losses[3:], losses[:3], rtol=1e-4)
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert state.keys() == read.state_dict().keys()
    for name, value in read.state_dict().items():
        assert_close(value, state[name], name)
    assert not np.allclose(state["1.running_mean"], 0)


class Block(nn.Module):
    """A transformer block with one head."""

    def __init__(self, width: int) -> None:
        self.words = nn.Embedding(20, width)
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, numbers):
        x = self.words(numbers)
        y = self.before(x)
        mask = np.triu(np.full((x.shape[1], x.shape[1]), -np.inf, np.float32), 1)
        scores = F.softmax(self.query(y) @ self.key(y).mT / math.sqrt(x.shape[-1]) + mask, -1)
        x = x + self.out(scores @ self.value(y))
        return x + self.narrow(F.gelu(self.wide(self.after(x)))) @ self.words.weight.T @ self.words.weight


def test_transformer_with_shared_weights(rng):
    model = Block(8)
    numbers = rng.integers(0, 20, (3, 7))
    read = from_onnx(to_onnx(model, numbers[:1], dynamic_batch=True))
    grads = []
    for net in (model.eval(), read):
        out = net(numbers)
        (out * out).mean().backward()
        grads.append((out.numpy(), {name: p.grad.numpy() for name, p in net.named_parameters()}))
    assert_close(grads[1][0], grads[0][0], "outputs", 1e-4)
    assert grads[0][1].keys() == grads[1][1].keys()
    for name, gradient in grads[0][1].items():
        assert_close(grads[1][1][name], gradient, name)


def test_a_read_model_is_a_module_like_any_other(rng, tmp_path):
    model = small_net()
    x = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    to_onnx(model, x, path=tmp_path / "net.onnx", dynamic_batch=True, metadata={"classes": '["a"]'})
    read = from_onnx(tmp_path / "net.onnx")
    assert read.metadata == {"classes": '["a"]'}
    assert read.input_shape == (3, 16, 16)
    clone = copy.deepcopy(read)
    clone.load_state_dict({name: value * 0 for name, value in read.state_dict().items()})
    assert not clone(x).numpy().any()
    rows = mg.cost.summary(read, (1, 3, 16, 16)).rows
    assert {row.path for row in rows} >= {"0", "1", "12", "15"}
    assert sum(row.parameters for row in rows) == sum(p.size for p in model.parameters())
    again = from_onnx(to_onnx(read, x, dynamic_batch=True))
    assert_close(again(x).numpy(), read(x).numpy(), "written again", 1e-5)
    assert dict(read.named_parameters()).keys() == dict(again.named_parameters()).keys()
    graph = mg.Graph.of(read(x), model=read)
    assert {call.path.rpartition(".")[2] for call in graph.calls} >= {"0", "12"}
    assert mg.testing.check_grads(read.astype("float64"), x[:1].astype(np.float64))
    assert read(x.astype(np.float64)).dtype == np.float64
