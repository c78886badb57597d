"""Sheets of pictures: each picture is where its number says, and on the scale that the bar shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.viz.mistake import mistakes
from minigrad.viz.plot_image import plot_feature_maps, plot_filters, plot_images
from minigrad.viz.plot_maximize import plot_maximized
from minigrad.viz.plot_mistake import plot_mistakes
from minigrad.viz.plot_style import BLUE, VERMILION, columns_for, corner, picture, sheet
from minigrad.viz.probe import feature_maps


@given(
    count=st.integers(1, 12), columns=st.integers(1, 5), gap=st.integers(0, 3), over=st.integers(0, 3),
    colors=st.sampled_from([(), (3,)]),
)  # fmt: skip
def test_every_picture_of_a_sheet_is_in_its_place_and_the_rest_is_empty(count, columns, gap, over, colors):
    pictures = [np.full((3, 2, *colors), i + 1.0) for i in range(count)]
    drawn = sheet(pictures, columns, gap, over)
    for i, one in enumerate(pictures):
        top, left = corner(i, min(columns, count), (3, 2), gap, over)
        cell = drawn[top : top + 3, left : left + 2]
        assert (cell[..., :3] == one).all() if colors else (cell == one).all()
    filled = drawn[..., 3] > 0 if colors else ~np.isnan(drawn)
    assert filled.sum() == count * 6


def test_a_sheet_is_wider_than_high_but_not_by_much():
    for count in range(1, 600):
        columns = columns_for(count)
        rows = -(-count // columns)
        assert rows <= columns <= 3 * rows + 2


@given(rows=st.integers(1, 30), more=st.floats(0, 0.6))
def test_what_fills_a_sheet_leaves_no_gap(rows, more):
    columns = int(rows * (1 + more))
    assert (rows * columns) % columns_for(rows * columns) == 0


def drawn(ax):
    return np.ma.filled(np.ma.asarray(ax.images[0].get_array()), np.nan)


def test_filters_stand_in_the_order_of_their_numbers(rng):
    conv = nn.Conv2d(1, 6, 3)
    ax = plot_filters(conv, columns=4)
    values = drawn(ax)
    for i, kernel in enumerate(conv.weight.numpy()[:, 0]):
        top, left = corner(i, 4, (3, 3))
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
            top, left = corner(5 * o + c, 5, (2, 2))
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
        top, left = corner(i, 3, (6, 6))
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
        _, left = corner(i, 6, (6, 6))
        assert own[:, left : left + 6].max() == pytest.approx(1 if maps[i].any() else 0)


def test_maps_need_one_image_and_a_layer_with_maps(rng):
    images = rng.normal(size=(2, 1, 8, 8)).astype(np.float32)
    with pytest.raises(ShapeError, match="expected one image, got 2"):
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
    colored = picture(np.stack([np.zeros((2, 2)), np.ones((2, 2)), np.full((2, 2), 0.5)]))
    assert colored.shape == (2, 2, 3)
    assert colored[0, 0].tolist() == [0, 1, 0.5]


def test_maximized_images_are_labeled_with_what_the_units_answer():
    model = net()
    ax = plot_maximized(model, np.zeros((1, 8, 8), np.float32) + 0.1, [2, 0], steps=5, labels=["two", "zero"])
    texts = [text.get_text().split(": ") for text in ax.texts]
    assert [name for name, _ in texts] == ["two", "zero"]
    start = feature_maps(model, np.full((1, 8, 8), 0.1, np.float32), "")
    assert float(texts[0][1]) > start[2]
    assert float(texts[1][1]) > start[0]
    with pytest.raises(UsageError, match="expected units and a label for each, got 2 and 1"):
        plot_maximized(model, np.zeros((1, 8, 8), np.float32), [2, 0], labels=["two"])
    with pytest.raises(ShapeError, match="expected one image"):
        plot_maximized(model, np.zeros((2, 1, 8, 8), np.float32), [2])


# ---- mistakes ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000))
def test_the_most_confident_mistake_comes_first(seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=(40, 5)) * 3, rng.integers(0, 5, 40)
    found = mistakes(scores, labels)
    assert {m.sample for m in found} == set(np.flatnonzero(scores.argmax(axis=1) != labels))
    confidence = [m.confidence for m in found]
    assert confidence == sorted(confidence, reverse=True)
    for m in found:
        assert m.label == labels[m.sample] != m.predicted == scores[m.sample].argmax()
        chances = np.exp(scores[m.sample]) / np.exp(scores[m.sample]).sum()
        np.testing.assert_allclose(m.probabilities, chances, rtol=1e-6)


def test_probabilities_are_taken_as_they_are():
    (found,) = mistakes([[0.75, 0.25]], [1], probabilities=True)
    assert found.confidence == 0.75
    with pytest.raises(UsageError, match="sum to 1"):
        mistakes([[3.0, 1.0]], [1], probabilities=True)


@pytest.mark.parametrize(
    ("scores", "labels", "error"),
    [
        ([[1.0, 2.0]], [0, 1], ShapeError),
        ([1.0, 2.0], [0, 1], ShapeError),
        ([[1.0, 2.0]], [2], UsageError),
        ([[1.0, 2.0]], [0.5], UsageError),
    ],
)
def test_scores_and_labels_that_do_not_fit_are_refused(scores, labels, error):
    with pytest.raises(error):
        mistakes(scores, labels)


def test_mistakes_are_shown_with_their_likeliest_classes_and_the_right_one():
    images = np.random.default_rng(0).normal(size=(3, 1, 4, 4)).astype(np.float32)
    scores = np.log([[0.5, 0.3, 0.15, 0.05], [0.9, 0.05, 0.03, 0.02], [0.1, 0.7, 0.1, 0.1]])
    found = mistakes(scores, [3, 1, 1])
    ax = plot_mistakes(images, found, classes=["cat", "dog", "emu", "fox"])
    assert [text.get_text() for text in ax.texts] == ["#1: dog, not cat", "#0: fox, not cat"]
    pictures, bars = ax.child_axes[::2], ax.child_axes[1::2]
    np.testing.assert_array_equal(np.asarray(pictures[0].images[0].get_array()), images[1, 0])
    names = [[label.get_text() for label in panel.get_yticklabels()] for panel in bars]
    assert names == [["cat", "dog", "emu"], ["cat", "dog", "fox"]]
    from matplotlib.colors import to_hex

    colors = [[to_hex(bar.get_facecolor()).upper() for bar in panel.patches] for panel in bars]
    assert [row[0] for row in colors] == [VERMILION, VERMILION]
    assert (colors[0][1], colors[1][2]) == (BLUE, BLUE)
    np.testing.assert_allclose([bar.get_width() for bar in bars[1].patches], [0.5, 0.3, 0.05], rtol=1e-6)


def test_no_mistake_gives_an_empty_plot_and_many_are_cut():
    images = np.zeros((30, 1, 4, 4), np.float32)
    assert "0 samples read wrong" in plot_mistakes(images, []).get_title(loc="left")
    found = mistakes(np.tile([2.0, 1.0], (30, 1)), np.ones(30, int))
    ax = plot_mistakes(images, found, count=5)
    assert len(ax.texts) == 5
    assert "30 samples read wrong, the 5 surest" in ax.get_title(loc="left")
    with pytest.raises(ShapeError, match="all images"):
        plot_mistakes(images[:2], found)
    with pytest.raises(UsageError, match="at least 1 sample"):
        plot_mistakes(images, found, count=0)
