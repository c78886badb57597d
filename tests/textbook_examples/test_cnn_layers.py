"""Worked examples from textbooks: sizes and counts of layers, the V[...] sums, im2col, pooling, receptive fields."""

import numpy as np
import pytest
from minigrad_models.lenet import LeNet5
from numpy.lib.stride_tricks import sliding_window_view

from minigrad import ShapeError, Tensor, nn
from minigrad import functional as F  # noqa: N812
from tests.helper import variable


def output_size(w, f, s, p):
    """What a convolution makes of w pixels, as its result says."""
    return F.conv1d(Tensor(np.zeros((1, 1, w))), np.ones((1, 1, f)), stride=s, padding=p).shape[2]


@pytest.mark.parametrize(
    ("w", "f", "s", "p", "expected"),
    [(7, 3, 1, 0, 5), (7, 3, 2, 0, 3), (5, 3, 1, 1, 5), (5, 3, 2, 1, 3), (227, 11, 4, 0, 55)],
)
def test_output_has_the_size_of_the_formula(w, f, s, p, expected):
    assert output_size(w, f, s, p) == expected == (w - f + 2 * p) / s + 1


@pytest.mark.parametrize(
    ("w", "f", "s", "p", "exact"), [(5, 3, 3, 1, 4 / 3 + 1), (10, 3, 2, 0, 4.5), (224, 11, 4, 0, 54.25)]
)
def test_stride_that_does_not_fit_leaves_the_last_pixels_out(w, f, s, p, exact):
    assert (w - f + 2 * p) / s + 1 == exact
    assert output_size(w, f, s, p) == int(exact)
    x = variable(np.ones((1, 1, w)))
    F.conv1d(x, np.ones((1, 1, f)), stride=s, padding=p).sum().backward()
    unread = w + 2 * p - ((int(exact) - 1) * s + f)
    assert unread > 0
    read = x.grad.numpy()[0, 0] > 0
    assert read[: w + p - unread].all()
    assert not read[w + p - unread :].any()


def test_example_of_one_filter_on_five_pixels():
    x, w = Tensor(np.array([[[1.0, 2.0, -1.0, 1.0, -3.0]]])), np.array([[[1.0, 0.0, -1.0]]])
    assert F.conv1d(x, w, padding=1).tolist() == [[[-2, 2, 1, 2, 1]]]
    assert F.conv1d(x, w, padding=1, stride=2).tolist() == [[[-2, 1, 1]]]


@pytest.mark.parametrize("f", [1, 3, 5, 7])
@pytest.mark.parametrize("w", [7, 10])
def test_padding_of_half_the_filter_keeps_the_size(w, f):
    assert output_size(w, f, 1, (f - 1) // 2) == w


def test_first_layer_of_alexnet_counts():
    conv = nn.Conv2d(3, 96, 11, stride=4)
    neurons = int(np.prod(conv(Tensor(np.zeros((1, 3, 227, 227), np.float32))).shape))
    weights = conv.weight[0].size
    assert (neurons, weights) == (55 * 55 * 96, 11 * 11 * 3) == (290_400, 363)
    assert neurons * (weights + 1) == 105_705_600  # if nothing were shared
    assert conv.weight.size == 34_848
    assert sum(p.size for p in conv.parameters()) == 34_944


def test_weights_of_one_neuron():
    first, second = nn.Conv2d(3, 1, 5), nn.Conv2d(20, 1, 3)
    assert (first.weight.size, first.bias.size, second.weight.size) == (75, 1, 180)


def test_shapes_of_the_small_network():
    shapes, x = [], Tensor(np.zeros((1, 3, 32, 32), np.float32))
    for layer in (
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 16 * 12, 10),
    ):
        x = layer(x)
        shapes.append(x.shape[1:])
    assert shapes == [(12, 32, 32), (12, 32, 32), (12, 16, 16), (3072,), (10,)]


def test_sums_of_the_output_volume(rng):
    x, w, b = rng.normal(size=(11, 11, 4)), rng.normal(size=(2, 5, 5, 4)), rng.normal(size=2)
    v = F.conv2d(Tensor(x.transpose(2, 0, 1)), w.transpose(0, 3, 1, 2), b, stride=2).numpy().transpose(1, 2, 0)
    assert v.shape == (4, 4, 2)
    expected = {
        (0, 0, 0): np.sum(x[:5, :5, :] * w[0]) + b[0],
        (1, 0, 0): np.sum(x[2:7, :5, :] * w[0]) + b[0],
        (2, 0, 0): np.sum(x[4:9, :5, :] * w[0]) + b[0],
        (3, 0, 0): np.sum(x[6:11, :5, :] * w[0]) + b[0],
        (0, 0, 1): np.sum(x[:5, :5, :] * w[1]) + b[1],
        (1, 0, 1): np.sum(x[2:7, :5, :] * w[1]) + b[1],
        (0, 1, 1): np.sum(x[:5, 2:7, :] * w[1]) + b[1],
        (2, 3, 1): np.sum(x[4:9, 6:11, :] * w[1]) + b[1],
    }
    for place, value in expected.items():
        assert v[place] == pytest.approx(value)


def test_convolution_is_a_product_of_im2col_matrices(rng):
    x, w = rng.normal(size=(3, 227, 227)), rng.normal(size=(96, 3, 11, 11))
    windows = sliding_window_view(x, (11, 11), axis=(1, 2))[:, ::4, ::4]
    columns = windows.transpose(0, 3, 4, 1, 2).reshape(363, -1)
    rows = w.reshape(96, -1)
    product = rows @ columns
    assert (columns.shape, rows.shape, product.shape) == ((363, 3025), (96, 363), (96, 3025))
    np.testing.assert_allclose(F.conv2d(Tensor(x), w, stride=4).numpy().reshape(96, -1), product, rtol=1e-9, atol=1e-9)


def test_pooling_halves_the_image_and_drops_three_quarters():
    x = Tensor(np.random.default_rng(0).random((1, 64, 224, 224), np.float32), requires_grad=True)
    y = nn.MaxPool2d(2, stride=2)(x)
    assert y.shape == (1, 64, 112, 112)
    assert y.size / x.size == 0.25
    y.sum().backward()
    assert np.count_nonzero(x.grad.numpy()) / x.size == 0.25  # the others had no say


@pytest.mark.parametrize(("layers", "expected"), [(1, 3), (2, 5), (3, 7)])
def test_stacked_layers_of_3x3_see_a_larger_field(layers, expected):
    image = variable(np.ones((1, 1, 15, 15)))
    x = image
    for _ in range(layers):
        x = F.conv2d(x, np.ones((1, 1, 3, 3)), padding=1)
    x[0, 0, 7, 7].backward()
    seen = np.argwhere(image.grad.numpy()[0, 0] != 0)
    assert np.ptp(seen, axis=0).tolist() == [expected - 1] * 2
    assert len(seen) == expected**2


def test_filter_larger_than_the_image_is_refused():
    with pytest.raises(ShapeError, match="reaches"):
        output_size(5, 8, 1, 1)


def test_lenet_takes_32x32_to_10():
    assert LeNet5()(np.zeros((2, 1, 32, 32), np.float32)).shape == (2, 10)
