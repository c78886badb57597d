"""Embeddings: the padding row, and given tables."""

import numpy as np

from minigrad import nn


def test_embedding_leaves_the_padding_row_alone():
    layer = nn.Embedding(4, 3, padding_idx=-1)
    assert not layer.weight.numpy()[3].any()
    layer([[0, 3], [3, 1]]).sum().backward()
    assert layer.weight.grad.numpy().sum(axis=1).tolist() == [3, 3, 0, 0]


def test_embedding_of_a_given_table_is_frozen_unless_asked():
    table = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert layer(np.array([2])).tolist() == [[4, 5]]
    assert list(layer.state_dict()) == ["weight"]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
