"""Worked examples from textbooks: the curve filter, and one-dimensional convolution."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad import functional as F  # noqa: N812

CURVE = np.zeros((7, 7))
CURVE[0, 5] = CURVE[1, 4] = CURVE[2, 3] = CURVE[3, 3] = CURVE[4, 3] = CURVE[5, 3] = 30


def on_curve():
    patch = np.zeros((7, 7))
    patch[1, 4] = patch[2, 3] = patch[3, 3] = patch[5, 3] = 50
    patch[4, 3] = 20
    patch[6, :2] = 40  # elsewhere the image may be anything
    return patch


def off_curve():
    return np.array([
        [0, 0, 0, 0, 0, 0, 0],
        [0, 40, 0, 0, 0, 0, 0],
        [40, 0, 40, 0, 0, 0, 0],
        [40, 20, 0, 0, 0, 0, 0],
        [0, 50, 0, 0, 0, 0, 0],
        [0, 0, 50, 0, 0, 0, 0],
        [25, 25, 0, 50, 0, 0, 0],
    ], float)  # fmt: skip


@pytest.mark.parametrize(("patch", "answer"), [(on_curve(), 6600), (off_curve(), 0)])
def test_curve_filter_answers_to_its_curve_only(patch, answer):
    assert F.conv2d(Tensor(patch[None]), CURVE[None, None]).item() == answer


def test_curve_filter_finds_its_curve_in_an_image():
    image = np.zeros((20, 20))
    image[3:10, 9:16] = on_curve()
    answers = F.conv2d(Tensor(image[None]), CURVE[None, None]).numpy()[0]
    assert np.unravel_index(answers.argmax(), answers.shape) == (3, 9)
    assert answers.max() == 6600


@pytest.mark.parametrize("length", [6, 8, 20])
def test_stride_2_halves_the_length_that_stride_1_keeps(length):
    x, w = Tensor(np.ones((1, 1, length))), np.ones((1, 1, 3))
    assert F.conv1d(x, w, padding=1, stride=1).shape == (1, 1, length)
    assert F.conv1d(x, w, padding=1, stride=2).shape == (1, 1, length // 2)


def test_one_dimensional_convolution_moves_its_filter_along():
    x = np.array([1.0, 2.0, 0.0, -1.0])
    found = F.conv1d(Tensor(x[None]), np.array([[[1.0, 2.0, 3.0]]]), padding=1).numpy()[0]
    padded = [0, *x, 0]
    assert found.tolist() == [padded[i] + 2 * padded[i + 1] + 3 * padded[i + 2] for i in range(4)]


def test_dropout_of_one_half_silences_half_of_the_units():
    x = Tensor(np.ones(10_000))
    assert (F.dropout(x, 0.5).numpy() == 0).mean() == pytest.approx(0.5, abs=0.02)
