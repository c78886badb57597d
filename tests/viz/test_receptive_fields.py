"""Receptive fields: the box is what moves the unit, and the gradient lies in it."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from minigrad_models import create
from minigrad_models.local import LocalNet
from minigrad_models.zfnet import ZFNetSmall

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.viz.activations import feature_maps
from minigrad.viz.receptive_fields import Box, effective_field, receptive_field

SIDE = 13


def positive(layer):
    """The layer with weights above 0, so that nothing cancels."""
    layer.weight.data = np.random.default_rng(0).uniform(0.5, 1, layer.weight.shape).astype(np.float32)
    layer.bias.data = np.zeros(layer.bias.shape, np.float32)
    return layer


@st.composite
def stacks(draw):
    """Convolutions and poolings in a row, for images of 13 x 11 pixels."""
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        kind = draw(st.sampled_from(["conv", "max", "mean", "relu", "pad"]))
        if kind == "conv":
            dilation = draw(st.integers(1, 2))
            layers.append(positive(nn.Conv2d(1, 1, kernel, stride, padding, dilation)))
        elif kind == "max":
            layers.append(nn.MaxPool2d(kernel, stride, padding, ceil_mode=draw(st.booleans())))
        elif kind == "mean":
            layers.append(nn.AvgPool2d(kernel, stride, padding))
        elif kind == "pad":
            layers.append(nn.ZeroPad2d(draw(st.tuples(*[st.integers(0, 2)] * 4))))
        else:
            layers.append(nn.LeakyReLU())
    return nn.Sequential(*layers, nn.Identity())


def perturbed_box(model, layer, unit):
    """The box around all pixels that change the unit when they alone become bright."""
    lit = np.zeros((SIDE * 11, 1, SIDE, 11), np.float32)
    lit.reshape(len(lit), -1)[np.arange(len(lit)), np.arange(len(lit))] = 1e3
    answers = feature_maps(model, lit, layer)[:, 0][(slice(None), *unit)]
    seen = (answers != feature_maps(model, np.zeros_like(lit[:1]), layer)[0, 0][unit]).reshape(SIDE, 11)
    if not seen.any():
        return None
    (rows, columns) = np.nonzero(seen)
    return Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)


@given(model=stacks(), data=st.data())
def test_the_box_is_the_one_found_by_changing_pixels(model, data):
    last = str(len(model) - 1)
    try:
        shape = feature_maps(model, np.zeros((1, SIDE, 11), np.float32), last).shape[1:]
    except mg.ShapeError:
        assume(False)  # an image that has become smaller than the next kernel
    assume(min(shape) > 0)
    unit = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    expected = perturbed_box(model, last, unit)
    if expected is None:
        with pytest.raises(UsageError, match="depends on no pixel"):
            receptive_field(model, (1, SIDE, 11), last, unit)
        return
    assert receptive_field(model, (1, SIDE, 11), last, unit) == expected


@given(model=stacks(), seed=st.integers(0, 100))
def test_the_effective_field_lies_inside_of_the_box(model, seed):
    last = str(len(model) - 1)
    images = np.random.default_rng(seed).normal(size=(3, 1, SIDE, 11)).astype(np.float32)
    try:
        box = receptive_field(model, (1, SIDE, 11), last)
    except (mg.ShapeError, UsageError, IndexError):
        assume(False)
    field = effective_field(model, images, last)
    assert field.shape == (SIDE, 11)
    outside = np.ones(field.shape, bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    assert not field[outside].any()


@pytest.mark.parametrize(("layer", "side"), [(0, 3), (4, 13), (8, 37), (10, 53), (12, 69)])
def test_the_stages_of_a_network_see_what_the_arithmetic_says(layer, side):
    """Kernels and strides give 3, 13, 37, 53 and 69 pixels; response normalization looks across channels only."""
    features = ZFNetSmall(rng=np.random.default_rng(0)).features
    box = receptive_field(features, (1, 96, 96), str(layer))
    assert (box.height, box.width) == (side, side)


def test_the_effective_field_of_equal_weights_counts_paths():
    """The field of n layers of 3x3 means has the variance 2n/3 (Luo et al. 2016)."""
    layers = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(6)]
    for layer in layers:
        layer.weight.data = np.full((1, 1, 3, 3), 1 / 9)
    field = effective_field(nn.Sequential(*layers).astype(float), np.zeros((1, 31, 31)), "5", (0, 15, 15))
    rows = field.sum(axis=1)
    assert rows.sum() == pytest.approx(1)
    assert rows @ (np.arange(31) - 15) ** 2 == pytest.approx(2 * 6 / 3)


def test_without_a_channel_the_mean_of_all_is_taken(rng):
    mg.seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3))
    images = rng.normal(size=(2, 2, 7, 7)).astype(np.float32)
    each = [effective_field(model, images, "0", (c, 2, 3)) for c in range(3)]
    np.testing.assert_allclose(effective_field(model, images, "0", (2, 3)), np.mean(each, axis=0), rtol=1e-6)
    own = np.abs(model[0].weight.numpy()[1]).sum(axis=0)
    np.testing.assert_allclose(each[1][2:5, 3:6], own, rtol=1e-6)


def test_shortcuts_and_branches_see_together():
    model = create("resnet20")
    assert receptive_field(model, (3, 32, 32), "layer1", (0, 16, 16)) == Box(9, 9, 24, 24)


def test_weights_that_are_not_shared_are_followed_too():
    assert receptive_field(LocalNet(False, size=16), (1, 16, 16), "conv1", (2, 3)) == Box(2, 4, 7, 9)


def test_frozen_weights_change_nothing():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)).freeze()
    assert receptive_field(model, (1, 9, 9), "2", (2, 2)) == Box(2, 2, 7, 7)


def test_what_normalizes_over_the_image_sees_all_of_it():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2), nn.ReLU())
    assert receptive_field(model, (1, 9, 9), "2", (0, 0)) == Box(0, 0, 9, 9)


def test_a_unit_of_a_full_connection_sees_everything():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(98, 4))
    assert receptive_field(model, (1, 9, 9), "2", 3) == Box(0, 0, 9, 9)
    assert effective_field(model, np.ones((1, 9, 9), np.float32), "2", 3).shape == (9, 9)


def test_bad_shapes_and_units_are_refused():
    model = nn.Sequential(nn.Conv2d(1, 2, 3))
    with pytest.raises(ShapeError, match=r"shape is that of an image, \(C, H, W\)"):
        receptive_field(model, (9, 9), "0")
    with pytest.raises(UsageError, match="has a row and a column"):
        receptive_field(model, (1, 9, 9), "0", 1)
    with pytest.raises(UsageError, match="has no unit"):
        receptive_field(model, (1, 9, 9), "0", (7, 0))


def test_a_unit_that_depends_on_no_pixel_sees_none():
    model = nn.Sequential(nn.Lambda(lambda x: mg.ones((1, 1, 3, 3))))
    with pytest.raises(UsageError, match="depends on no pixel"):
        receptive_field(model, (1, 9, 9), "0", (1, 1))


@pytest.mark.parametrize("both", [lambda x: x + mg.flip(x, axis=3), lambda x: mg.flip(x, axis=3) + x])
def test_of_two_ways_to_a_unit_both_count(both):
    assert receptive_field(nn.Sequential(nn.Lambda(both)), (1, 5, 9), "0", (2, 1)) == Box(2, 1, 3, 8)
