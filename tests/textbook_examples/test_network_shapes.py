"""Worked examples from textbooks: output sizes, zero padding, and halving stages in the manner of VGG and ResNet."""

import numpy as np
import pytest

from minigrad import Tensor, nn


@pytest.mark.parametrize(
    ("size", "padding", "kernel", "stride", "expected"),
    [(28, 0, 5, 1, 24), (28, 2, 5, 1, 28), (32, 1, 3, 2, 16), (224, 3, 7, 2, 112)],
)
def test_output_size_counts_padding_on_both_sides(size, padding, kernel, stride, expected):
    y = nn.Conv2d(1, 1, kernel, stride, padding)(Tensor(np.zeros((1, 1, size, size), np.float32)))
    assert y.shape == (1, 1, expected, expected)
    assert (size + 2 * padding - kernel) // stride + 1 == expected


def test_convolution_without_padding_shrinks_the_image():
    x = Tensor(np.zeros((1, 1, 12, 12), np.float32))
    sizes = []
    for _ in range(4):
        x = nn.Conv2d(1, 1, 3)(x)
        sizes.append(x.shape[2])
    assert sizes == [10, 8, 6, 4]


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_stage_of_small_filters_halves_the_image_by_its_pooling_alone(layers):
    stage = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), *[nn.Conv2d(8, 8, 3, padding=1) for _ in range(layers - 1)], nn.MaxPool2d(2)
    )
    assert stage(Tensor(np.zeros((1, 3, 16, 16), np.float32))).shape == (1, 8, 8, 8)


def test_stem_of_a_residual_network_quarters_the_image():
    stem = nn.Sequential(nn.Conv2d(3, 4, 7, stride=2, padding=3), nn.MaxPool2d(3, stride=2, padding=1))
    assert stem(Tensor(np.zeros((1, 3, 64, 64), np.float32))).shape == (1, 4, 16, 16)


def test_shortcut_carries_the_gradient_past_a_block_that_passes_none():
    block = nn.Conv2d(2, 2, 3, padding=1)
    for p in block.parameters():
        p.data = np.zeros(p.shape)
    x = Tensor(np.ones((1, 2, 4, 4), np.float32), requires_grad=True)
    (block(x) + x).sum().backward()  # H(x) = F(x) + x
    assert (x.grad.numpy() == 1).all()
