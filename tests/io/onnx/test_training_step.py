"""Whole networks: written, checked, run in onnxruntime, read, and trained for two steps: as if nothing had happened."""

import numpy as np
import pytest
from minigrad_models import MODELS

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn, optim
from minigrad.io import from_onnx, to_onnx
from minigrad.nn.utils.rnn import pack_padded_sequence
from tests.io.onnx.runtime import assert_same
from tests.io.onnx.test_models import enliven
from tests.io.onnx.test_round_trip import assert_close, small_net

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


class Words(nn.Module):
    """A recurrent classifier of words, whose last states count."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        self.words, self.layer = nn.Embedding(12, 6, padding_idx=0), layer
        self.norm, self.out = nn.RMSNorm(width), nn.Linear(width, 3)

    def forward(self, numbers):
        out, _ = self.layer(self.words(numbers))
        return self.out(self.norm(out.mean(axis=1)))


class Packed(Words):
    """The same of sequences of different lengths, which do not change."""

    def forward(self, numbers):
        x = pack_padded_sequence(self.words(numbers), [2, 5, 4], batch_first=True, enforce_sorted=False)
        _, h = self.layer(x)
        return self.out(self.norm(h[-1]))


class Encoder(nn.Module):
    """A Transformer's encoder, which does not look at padding."""

    def __init__(self, norm_first: bool) -> None:
        self.words = nn.Embedding(12, 8, padding_idx=0)
        layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=norm_first)
        self.encoder, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(8, 3)

    def forward(self, numbers):
        x = F.rotary(self.words(numbers))
        return self.out(self.encoder(x, None, mg.equal(numbers, 0)).mean(axis=1))


class Translator(nn.Module):
    """Both halves of a Transformer: the decoder's projections of queries, keys and values are slices of one weight."""

    def __init__(self) -> None:
        self.words, self.out = nn.Embedding(12, 8), nn.Linear(8, 3)
        self.transformer = nn.Transformer(8, 2, 1, 1, 16, 0.0, batch_first=True)

    def forward(self, numbers):
        x = self.words(numbers)
        mask = np.triu(np.ones((5, 5), bool), 1)
        return self.out(self.transformer(x, x[:, ::-1], tgt_mask=mask).mean(axis=1))


NETWORKS = {
    "lstm": lambda: Words(nn.LSTM(6, 5, batch_first=True), 5),
    "lstm, projected": lambda: Words(nn.LSTM(6, 5, batch_first=True, proj_size=3), 3),
    "gru of two layers and directions": lambda: Words(nn.GRU(6, 4, 2, batch_first=True, bidirectional=True), 8),
    "rnn with relu": lambda: Words(nn.RNN(6, 5, nonlinearity="relu", bias=False, batch_first=True), 5),
    "packed gru": lambda: Packed(nn.GRU(6, 5, bidirectional=True), 5),
    "encoder": lambda: Encoder(False),
    "encoder, norm first": lambda: Encoder(True),
    "translator": Translator,
    "convolutions": small_net,
    "lenet5-original": MODELS["lenet5-original"].make,
    "local-unshared": MODELS["local-unshared"].make,
    "autoencoder": MODELS["autoencoder"].make,
}
FIXED = {"lstm, projected", "packed gru"}
"""Steps that are written one by one, or packed, are of so many sequences."""

IMAGES = {"convolutions": (3, 16, 16)} | {
    name: MODELS[name].input_shape for name in ("lenet5-original", "local-unshared", "autoencoder")
}


def example(name, rng):
    if name in IMAGES:
        return rng.normal(size=(3, *IMAGES[name])).astype(np.float32)
    words = rng.integers(1, 12, (3, 5))
    words[0, 3:] = 0
    return words


def trained(net, x, loss_of):
    """Two steps: the losses, the outputs before them, the gradients of the first, and what is there afterwards."""
    optimizer, losses, first = optim.SGD(net.parameters(), lr=0.05, momentum=0.9), [], {}
    for _ in range(2):
        out = net(x)
        loss = loss_of(out)
        optimizer.zero_grad()
        loss.backward()
        first = first or {name: p.grad.numpy().copy() for name, p in net.named_parameters() if p.grad is not None}
        optimizer.step()
        losses.append(loss.item())
    return losses, first, {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def loss_of(out):
    weights = np.linspace(-1, 1, out.size, dtype=np.float32).reshape(out.shape)
    return (out * weights).mean() + (out * out).mean()


@pytest.mark.parametrize(("name", "opset"), [*[(name, 20) for name in NETWORKS], ("encoder", 23), ("translator", 23)])
def test_a_network_that_was_a_file_trains_as_it_would_have(rng, name, opset):
    model, x = NETWORKS[name](), example(name, rng)
    enliven(model, rng)
    exported = to_onnx(model, x if name in FIXED else x[:2], dynamic_batch=name not in FIXED, opset=opset)
    assert_same(exported, model.eval(), x, rtol=1e-4, atol=1e-4)
    read = from_onnx(exported)
    assert dict(read.named_parameters()).keys() == dict(model.named_parameters()).keys()
    losses, gradients, state = trained(model.train(), mg.Tensor(x), loss_of)
    found_losses, found_gradients, found = trained(read.train(), mg.Tensor(x), loss_of)
    np.testing.assert_allclose(found_losses, losses, rtol=1e-4)
    assert found_gradients.keys() == gradients.keys()
    for path, gradient in gradients.items():
        assert_close(found_gradients[path], gradient, path)
    assert set(found) <= set(state)
    for path, value in found.items():
        assert_close(value, state[path], path)
