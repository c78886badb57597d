"""Saturated gates and masked rows are told by their shares."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn
from minigrad.diagnosis import why
from tests.helper import variable


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("LSTM", {}, "gates of lstm are saturated.*100 % of the input gates, 100 % of the forget gates"),
        ("GRU", {}, "gates of gru are saturated.*of the reset gates"),
        ("RNN", {}, "gates of rnn are saturated.*100 % of the states"),
        ("RNN", {"nonlinearity": "relu"}, "100 % of the states of rnn are 0, where relu is flat"),
    ],
)
def test_saturated_gates_are_told(kind, settings, words):
    layer = getattr(nn, kind)(2, 3, **settings)
    for p in layer.parameters():
        p.data = np.full(p.shape, -1e4 if settings else 1e4, np.float32)
    x = variable(np.ones((4, 1, 2), np.float32))
    reason = why(x, lambda: layer(x)[0].sum())
    assert reason.cause == "zero"
    assert re.search(words, reason.text)


def test_queries_that_see_nothing_and_those_that_see_one_key_are_told():
    q = variable(np.ones((4, 2), np.float32))
    k = mg.Tensor(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32))
    blind = why(q, lambda: F.scaled_dot_product_attention(q, k, k, np.zeros((4, 3), bool)).sum())
    assert "100 % of the queries of attention may look at nothing" in blind.text
    sure = why(q, lambda: F.scaled_dot_product_attention(q, 1e4 * k, k).sum())
    assert "attention is saturated: 100 % of the queries look at one key only" in sure.text


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_that_were_saturated_by_a_large_input_are_the_cause_of_a_tiny_gradient(kind):
    """The planted fault: an input that nobody normalized."""
    mg.seed(0)
    layer, x = getattr(nn, kind)(3, 8), np.random.default_rng(0).normal(size=(20, 4, 3)).astype(np.float32)
    scale = variable(np.ones(3, np.float32))

    def loss(factor):
        return layer(x * (scale * factor))[0].mean()

    healthy, saturated = (why(scale, lambda factor=factor: loss(factor)) for factor in (1.0, 3000.0))
    assert healthy.cause == "healthy"
    assert "saturated" not in healthy.text
    assert f"gates of {kind.lower()} are saturated" in saturated.text
    assert "normalize" in saturated.text


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_rows_of_a_mask_that_forbid_everything_are_told_though_the_gradient_is_healthy(dropout):
    """The planted fault: a padding mask that is the wrong way around, for sequences of full length."""
    mg.seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=dropout, batch_first=True)
    x = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float32)
    padding = np.arange(5) >= np.array([[5], [3], [2]])
    weight = layer.linear1.weight  # behind the attention
    projection = layer.self_attn.in_proj_weight

    def loss(mask):
        return layer(x, src_key_padding_mask=mask)[:, :, 0].mean()

    for parameter in (projection, weight):
        right, wrong = (why(parameter, lambda mask=mask: loss(mask)) for mask in (padding, ~padding))
        assert (right.cause, wrong.cause) == ("healthy", "healthy")
        assert "may look at nothing" not in right.text
        if parameter is projection:
            assert "33 % of the queries of attention may look at nothing" in wrong.text
            assert "Look at the mask" in wrong.text
