"""Recurrent ops, attention and computed indices as ONNX operators."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import UsageError, nn
from minigrad import functional as F  # noqa: N812
from minigrad.io import from_onnx, to_onnx
from minigrad.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from tests.io.onnx.runtime import Function, assert_same, check

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def sequences(rng, n=3, steps=4, width=3):
    return rng.normal(size=(n, steps, width)).astype(np.float32)


def operators(exported):
    return [node.op_type for node in exported.graph.node]


def flat(model):
    """A recurrent layer's output and its states in one tuple."""

    def function(x, *state):
        out, last = model(x, *state)
        return (out, *last) if isinstance(last, tuple) else (out, last)

    return Function(function)


@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}], ids=str)
@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_are_operators(rng, layer, settings):
    model = flat(layer(3, 5, batch_first=True, **settings))
    exported = to_onnx(model, sequences(rng), dynamic_batch=True)
    count = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    assert operators(exported).count(layer.__name__) == count
    assert "Gemm" not in operators(exported)  # the product in front is part of the operator
    for n in (1, 7):
        assert_same(exported, model, sequences(rng, n), rtol=1e-4, atol=1e-5)


def test_states_that_are_given_are_those_of_the_operator(rng):
    states = mg.Tensor(rng.normal(size=(1, 3, 5)).astype(np.float32))
    layer = nn.LSTM(3, 5, batch_first=True)
    check(lambda x: layer(x, (states * x[:, 0, :1].mean(), states))[0], sequences(rng))
    other = nn.RNN(5, 5)
    check(lambda x: other(mg.tanh(x), states)[0], sequences(rng, 4, 3, 5))


def test_what_is_no_product_in_front_of_a_recurrent_op_stays_as_it_is(rng):
    z, h = rng.normal(size=(6, 15)).astype(np.float32), rng.normal(size=(2, 5)).astype(np.float32)
    w = rng.normal(size=(15, 5)).astype(np.float32)
    assert "GRU" in operators(check(lambda z, h: mg.gru(mg.sin(z), h, w, None, reverse=True), z, h))


def test_a_projection_is_written_step_by_step(rng):
    model = flat(nn.LSTM(3, 5, proj_size=2, batch_first=True))
    exported = to_onnx(model, sequences(rng))
    assert "LSTM" not in operators(exported)
    assert_same(exported, model, sequences(rng), rtol=1e-4, atol=1e-5)
    with pytest.raises(UsageError, match=r"lstm in .*line \d+\) has no form in ONNX .*: leave out dynamic_batch"):
        to_onnx(model, sequences(rng), dynamic_batch=True)


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_packed_sequences_have_lengths(rng, layer):
    model = layer(3, 5, bidirectional=True)

    def function(x):
        out, last = model(pack_padded_sequence(x, [2, 4, 1], batch_first=True, enforce_sorted=False))
        return (pad_packed_sequence(out, batch_first=True)[0], *(last if isinstance(last, tuple) else (last,)))

    exported = check(function, sequences(rng))
    nodes = [node for node in exported.graph.node if node.op_type == layer.__name__]
    assert all(node.input[4] for node in nodes)


@pytest.mark.parametrize("sorted_before", [True, False])
def test_lengths_that_are_an_input_are_refused(rng, sorted_before):
    layer = nn.GRU(3, 5)

    def function(x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=sorted_before)
        return pad_packed_sequence(layer(packed)[0])[0]

    with pytest.raises(UsageError, match=r"ONNX: .*(in a second run|line \d+)"):
        to_onnx(Function(function), sequences(rng), np.array([4, 2, 1]))


def attention(**settings):
    return lambda x: F.scaled_dot_product_attention(x, mg.sin(x), mg.cos(x), **settings)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_one_operator_from_opset_23(rng, causal):
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    assert "Attention" in operators(check(attention(is_causal=causal, scale=0.3), x, opset=23))
    before = operators(check(attention(is_causal=causal, scale=0.3), x, opset=18))
    assert before.count("MatMul") == 2
    assert "Softmax" in before


@pytest.mark.parametrize("opset", [18, 23])
def test_masks_and_groups(rng, opset):
    x = rng.normal(size=(2, 4, 3, 5)).astype(np.float32)
    nothing = np.array([[True, False, True], [False] * 3, [True] * 3])  # the second query sees nothing
    check(attention(attn_mask=nothing), x, opset=opset)
    check(attention(attn_mask=np.where(nothing, np.float32(0.5), np.float32(-np.inf))), x, opset=opset)
    check(lambda x: F.scaled_dot_product_attention(x, x[:, :2], x[:, 2:], enable_gqa=True), x, opset=opset)
    layer = nn.MultiheadAttention(5, 1, batch_first=True)
    hidden = np.array([[False, False, True]] * 2)
    check(lambda x: layer(x[:, 0], x[:, 1], x[:, 2], hidden), x, opset=opset)


def test_computed_indices(rng):
    x = sequences(rng)
    assert "TopK" in operators(check(lambda x: tuple(mg.topk(x, 2, axis=1, largest=False)), x, dynamic_batch=True))
    check(lambda x: mg.take_along_axis(x, mg.argsort(x, axis=2), axis=2), np.zeros_like(x))
    exported = to_onnx(Function(lambda x: mg.topk(x, 2, axis=1).values), np.zeros_like(x), dynamic_batch=True)
    assert_same(exported, Function(lambda x: mg.topk(x, 2, axis=1).values), x)  # whatever the example was
    assert "GatherElements" in operators(exported)
    assert operators(check(lambda x: mg.take(x, mg.argmax(x[0, 0], axis=0, keepdims=True), axis=2), x))[-1] == "Gather"
    with pytest.raises(UsageError, match=r"has an index that depends on the inputs, with others: use take"):
        to_onnx(Function(lambda x: x[np.arange(3), mg.argmax(x[:, :, 0], axis=1)]), x)


def test_words_of_any_integers_are_an_index(rng):
    table = nn.Embedding(10, 4, padding_idx=3)
    words = np.zeros((2, 3), np.int32)  # the same in both runs
    exported = to_onnx(table, words, dynamic_batch=True)
    assert_same(exported, table, rng.integers(0, 10, (5, 3), dtype=np.int32))


def test_what_is_computed_from_weights_alone_is_in_the_file_and_trained(rng):
    class Sum(nn.Module):
        def __init__(self):
            self.weight, self.gain = nn.Parameter(rng.normal(size=(4, 4)).astype(np.float32)), nn.Parameter(np.ones(4))

        def forward(self, x):
            return x @ (self.weight + self.weight.mT)

    class WithoutForm(Sum):
        def forward(self, x):
            return super().forward(x) * mg.astype(mg.cumulative_prod(mg.exp(self.gain)), dtype=np.float32)

    x = rng.normal(size=(2, 4)).astype(np.float32)
    for model in (Sum(), WithoutForm()):  # the last factor becomes a constant
        exported = to_onnx(model, x)
        assert_same(exported, model, x)
        assert [name for name, _ in from_onnx(exported).named_parameters()] == ["weight"]
