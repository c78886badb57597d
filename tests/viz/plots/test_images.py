"""Each image is where its number says, and on the scale that the bar shows."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.viz.activations import feature_maps
from minigrad.viz.plots.image_grid import cell_corner
from minigrad.viz.plots.images import plot_feature_maps, plot_filters, plot_images
from minigrad.viz.plots.style import channels_last


def drawn(ax):
    return np.ma.filled(np.ma.asarray(ax.images[0].get_array()), np.nan)


def test_filters_stand_in_the_order_of_their_numbers(rng):
    conv = nn.Conv2d(1, 6, 3)
    ax = plot_filters(conv, columns=4)
    values = drawn(ax)
    for i, kernel in enumerate(conv.weight.numpy()[:, 0]):
        top, left = cell_corner(i, 4, (3, 3))
        np.testing.assert_array_equal(values[top : top + 3, left : left + 3], kernel)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "4"]
    low, high = ax.images[0].get_clim()
    assert -low == high == np.abs(conv.weight.numpy()).max()  # 0 has the color in the middle


def test_filters_of_three_channels_are_in_color_with_gray_for_zero():
    weight = np.zeros((2, 3, 2, 2), np.float32)
    weight[1, 0] = 0.5  # red
    weight[1, 2] = -0.5  # and no blue
    values = drawn(plot_filters(weight, columns=2))
    np.testing.assert_array_equal(values[0, 0], [0.5, 0.5, 0.5, 1])
    np.testing.assert_array_equal(values[0, 3], [1, 0.5, 0, 1])
    assert values[0, 2, 3] == 0  # the gap is transparent


def test_filters_of_more_channels_are_a_row_each(rng):
    weight = rng.normal(size=(3, 5, 2, 2))
    ax = plot_filters(weight)
    for o in range(3):
        for c in range(5):
            top, left = cell_corner(5 * o + c, 5, (2, 2))
            np.testing.assert_array_equal(drawn(ax)[top : top + 2, left : left + 2], weight[o, c])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("channel", "filter")
    one = plot_filters(weight, channel=4, columns=3)
    np.testing.assert_array_equal(drawn(one)[:2, 3:5], weight[1, 4])
    with pytest.raises(UsageError, match="kernels of 5 channels have none of number 5"):
        plot_filters(weight, channel=5)
    with pytest.raises(ShapeError, match="a convolution or its weight"):
        plot_filters(nn.Linear(3, 4))


def net():
    mg.seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 4))


def test_feature_maps_are_drawn_with_their_numbers(rng):
    model, image = net(), rng.normal(size=(1, 8, 8)).astype(np.float32)
    maps = feature_maps(model, image, "1")
    ax = plot_feature_maps(model, image, "1", columns=3)
    for i in range(6):
        top, left = cell_corner(i, 3, (6, 6))
        np.testing.assert_array_equal(drawn(ax)[top : top + 6, left : left + 6], maps[i].astype(float))
    assert [text.get_text() for text in ax.texts] == list("012345")
    assert ax.images[0].get_clim() == (0, maps.max())
    signed = plot_feature_maps(model, image, "0")
    assert signed.images[0].get_clim()[0] == -signed.images[0].get_clim()[1]


def test_of_many_maps_the_strongest_are_shown(rng):
    model, image = net(), rng.normal(size=(1, 8, 8)).astype(np.float32)
    maps = feature_maps(model, image, "1")
    strongest = sorted(np.argsort(-maps.max(axis=(1, 2)))[:2].tolist())
    ax = plot_feature_maps(model, image, "1", count=2)
    assert [int(text.get_text()) for text in ax.texts] == strongest
    assert "the 2 strongest" in ax.get_title(loc="left")
    own = drawn(plot_feature_maps(model, image, "1", own_scale=True, columns=6))
    for i in range(6):
        _, left = cell_corner(i, 6, (6, 6))
        assert own[:, left : left + 6].max() == pytest.approx(1 if maps[i].any() else 0)


def test_maps_need_one_image_and_a_layer_with_maps(rng):
    images = rng.normal(size=(2, 1, 8, 8)).astype(np.float32)
    with pytest.raises(ShapeError, match=r"expected one image \(C, H, W\), got 2"):
        plot_feature_maps(net(), images, "1")
    with pytest.raises(ShapeError, match=r"'3' gives \(4,\) for an image, not maps"):
        plot_feature_maps(net(), images[0], "3")


def test_images_and_labels():
    images = np.arange(24, dtype=np.float32).reshape(6, 1, 2, 2)
    ax = plot_images(images, labels=list("abcdef"), columns=3)
    assert [text.get_text() for text in ax.texts] == list("abcdef")
    assert ax.texts[4].get_position()[1] > ax.texts[0].get_position()[1]  # in the second row: rows grow downward
    with pytest.raises(UsageError, match="6 images need as many labels, got 2"):
        plot_images(images, labels="ab")
    colored = channels_last(np.stack([np.zeros((2, 2)), np.ones((2, 2)), np.full((2, 2), 0.5)]))
    assert colored.shape == (2, 2, 3)
    assert colored[0, 0].tolist() == [0, 1, 0.5]
