"""The text of docstrings: it is there without a file beside the package, and each target follows its input."""

import numpy as np
import pytest

import minigrad
from minigrad.data import BytePairTokenizer, CharacterTokenizer, docstring_text, docstrings
from minigrad.data.tokenizer import BYTES
from minigrad.errors import DataError


def test_the_text_is_that_of_the_installed_package():
    text = docstring_text()
    assert minigrad.__doc__.strip() in text
    assert len(text) > 300_000


@pytest.mark.parametrize("tokenizer", [None, BytePairTokenizer(BYTES), CharacterTokenizer("ab")])
def test_pieces_are_continued_by_their_targets(tokenizer):
    train, test = docstrings(size=20, tokenizer=tokenizer)
    for part in (train, test):
        inputs, targets = part.arrays
        assert (inputs.dtype, targets.dtype) == (np.int64, np.int64)
        assert inputs.shape == targets.shape == (len(part), 20)
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
        np.testing.assert_array_equal(inputs[1:, 0], targets[:-1, -1])  # one begins where the former one ends
    assert 0.05 < len(test) / (len(train) + len(test)) < 0.15


def test_a_stride_lets_pieces_overlap():
    whole, half = docstrings(size=32)[1], docstrings(size=32, stride=16)[1]
    np.testing.assert_array_equal(half.arrays[0][::2][: len(whole)], whole.arrays[0])


@pytest.mark.parametrize("arguments", [{"size": 0}, {"stride": 0}, {"test_fraction": 1.0}, {"size": 10**7}])
def test_arguments_out_of_range_are_explained(arguments):
    with pytest.raises(DataError, match="docstrings: "):
        docstrings(**arguments)
