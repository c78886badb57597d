"""Plots of Grad-CAM and the deconvnet show their arrays."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.errors import ShapeError
from minigrad.viz.activations import feature_maps
from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvolution import deconvnet
from minigrad.viz.plots.attribution import plot_deconvnet, plot_grad_cam


class Detectors(nn.Module):
    """Two detectors: of bright spots, and of dark ones; a class each."""

    def __init__(self):
        self.conv = nn.Conv2d(1, 2, 3, padding=1, bias=False)
        kernel = np.full((3, 3), 1 / 9, np.float32)
        self.conv.weight.data = np.stack([kernel, -kernel])[:, None]
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv(x)).mean(axis=(2, 3))


def spots():
    """A bright spot at the top left, and a dark one at the bottom right."""
    image = np.zeros((1, 12, 12), np.float32)
    image[0, 1:4, 1:4], image[0, 8:11, 8:11] = 1, -1
    return image


def rectangle(ax):
    """Left, top, right and bottom of the frame that is drawn, in pixels."""
    from matplotlib.patches import Rectangle

    (frame,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    (left, top), width, height = frame.get_xy(), frame.get_width(), frame.get_height()
    return left + 0.5, top + 0.5, left + 0.5 + width, top + 0.5 + height


def test_the_glow_over_the_image_is_grad_cam():
    ax = plot_grad_cam(Detectors(), spots(), "relu", 1)
    under, over = ax.images
    np.testing.assert_array_equal(np.asarray(under.get_array()), spots()[0])
    cam = grad_cam(Detectors(), spots(), "relu", 1)
    np.testing.assert_allclose(np.asarray(over.get_array()), cam / cam.max())
    assert over.get_clim() == (0, 1)
    assert over.cmap(0.0)[3] == 0  # where nothing is, the image shows
    assert over.cmap(1.0)[3] > 0.8
    assert "class 1" in ax.get_title(loc="left")


def test_where_nothing_speaks_for_a_class_the_plot_says_so():
    ax = plot_grad_cam(Detectors(), np.zeros((1, 12, 12), np.float32), "relu", 0)
    assert ax.get_title(loc="left").endswith("nothing")
    assert not np.asarray(ax.images[1].get_array()).any()


def test_the_deconvnet_is_drawn_with_the_field_of_its_unit():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
    ax = plot_deconvnet(model, spots(), "2", (1, 2, 3))
    assert rectangle(ax) == (6, 4, 10, 8)
    np.testing.assert_array_equal(np.asarray(ax.images[0].get_array()), deconvnet(model, spots(), "2", (1, 2, 3))[0])
    low, high = ax.images[0].get_clim()
    assert low == -high
    assert not plot_deconvnet(model, spots(), "2", (1, 2, 3), frame=False).patches
    maps = feature_maps(model, spots(), "2")[1]
    row, column = np.unravel_index(maps.argmax(), maps.shape)
    assert f"unit 1, {row}, {column}: {maps.max():.3g}" in plot_deconvnet(model, spots(), "2", 1).get_title(loc="left")


def test_plots_of_one_image_refuse_several(rng):
    images = rng.normal(size=(2, 1, 12, 12)).astype(np.float32)
    for plot in (
        lambda: plot_grad_cam(Detectors(), images, "relu"),
        lambda: plot_deconvnet(Detectors(), images, "relu", 0),
    ):
        with pytest.raises(ShapeError, match=r"expected one image \(C, H, W\), got 2"):
            plot()
