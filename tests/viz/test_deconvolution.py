"""The deconvnet: it points at what the network was built to look at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrad_models.zfnet import ZFNetSmall
from minigrad_models.zfnet import deconvnet as deconvnet_of_the_paper

import minigrad as mg
from minigrad import nn
from minigrad.viz.activations import feature_maps
from minigrad.viz.deconvolution import deconvnet


def spots():
    """A bright spot at the top left, and a dark one at the bottom right."""
    image = np.zeros((1, 12, 12), np.float32)
    image[0, 1:4, 1:4], image[0, 8:11, 8:11] = 1, -1
    return image


@pytest.mark.parametrize("layer", ["features.1", "features.5", "features.9", "features.13", "classifier.2"])
def test_the_deconvnet_is_that_of_the_paper(layer, rng):
    model = ZFNetSmall(rng=np.random.default_rng(0)).eval()
    images = rng.normal(size=(3, 1, 32, 32)).astype(np.float32)
    unit = int(feature_maps(model, images, layer).reshape(3, -1)[0].argmax())
    if not layer.startswith("classifier"):
        maps = feature_maps(model, images, layer)[0]
        unit = int(np.unravel_index(maps.argmax(), maps.shape)[0])
    expected = deconvnet_of_the_paper(model, images, layer, unit).numpy()
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(deconvnet(model, images, layer, unit), expected, atol=1e-6 * np.abs(expected).max())


def test_the_signal_is_rectified_and_guided_also_masked():
    """One pixel, three ways: alive, dead (its ReLU sees -3), and alive with a negative signal on the way back."""
    model = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False), nn.ReLU(), nn.Conv2d(3, 1, 1, bias=False))
    model[0].weight.data = np.array([2, -3, 1], np.float32).reshape(3, 1, 1, 1)
    model[2].weight.data = np.array([5, 7, -1], np.float32).reshape(1, 3, 1, 1)
    image = np.ones((1, 1, 1), np.float32)
    answer = 5 * 2 - 1 * 1
    assert deconvnet(model, image, "2", 0).item() == answer * (5 * 2 + 7 * -3)  # what the input was does not count
    assert deconvnet(model, image, "2", 0, guided=True).item() == answer * 5 * 2


@given(seed=st.integers(0, 1000), channel=st.integers(0, 3))
def test_the_answer_lies_inside_of_the_receptive_field(seed, channel):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, rng=rng))
    image = rng.normal(size=(1, 16, 16)).astype(np.float32)
    back = deconvnet(model, image, "3", (channel, 1, 2))[0]
    seen = np.zeros((16, 16), bool)
    seen[2:10, 4:12] = True  # 3x3 units two pixels apart, each of 4x4 pixels
    assert np.abs(back).max() > 0
    assert not back[~seen].any()


def test_a_channel_alone_stands_for_its_largest_answer(rng):
    mg.seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    image = rng.normal(size=(1, 9, 9)).astype(np.float32)
    maps = feature_maps(model, image, "1")
    row, column = np.unravel_index(maps[2].argmax(), maps[2].shape)
    np.testing.assert_array_equal(
        deconvnet(model, image, "1", 2), deconvnet(model, image, "1", (2, int(row), int(column)))
    )


def test_a_network_with_a_shortcut_will_do():
    model = nn.Sequential(nn.Residual(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())), nn.ReLU())
    model[0].block[0].weight.data = np.eye(9, dtype=np.float32)[4].reshape(1, 1, 3, 3)  # the pixel itself
    image = spots()
    back = deconvnet(model, image, "1", (0, 2, 2))
    assert back[0, 2, 2] == 2 * 2  # the answer 1 + 1, along two ways
    assert np.count_nonzero(back) == 1
