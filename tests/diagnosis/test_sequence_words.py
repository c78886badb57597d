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
