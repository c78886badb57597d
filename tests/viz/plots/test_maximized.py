"""Maximized images are labeled with the values that their units reach."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.viz.activations import feature_maps
from minigrad.viz.plots.maximized import plot_maximized


def net():
    mg.seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 4))


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
