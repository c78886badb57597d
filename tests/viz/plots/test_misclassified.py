"""Misclassified samples are shown with the likeliest classes and the true one."""

import numpy as np
import pytest

from minigrad.errors import ShapeError, UsageError
from minigrad.viz.misclassified import mistakes
from minigrad.viz.palette import BLUE, VERMILION
from minigrad.viz.plots.misclassified import plot_mistakes


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

    colors = [[to_hex(bar.get_facecolor()) for bar in panel.patches] for panel in bars]
    assert [row[0] for row in colors] == [VERMILION, VERMILION]
    assert (colors[0][1], colors[1][2]) == (BLUE, BLUE)
    np.testing.assert_allclose([bar.get_width() for bar in bars[1].patches], [0.5, 0.3, 0.05], rtol=1e-6)


def test_no_mistake_gives_an_empty_plot_and_many_are_cut():
    images = np.zeros((30, 1, 4, 4), np.float32)
    assert "0 samples misclassified" in plot_mistakes(images, []).get_title(loc="left")
    found = mistakes(np.tile([2.0, 1.0], (30, 1)), np.ones(30, int))
    ax = plot_mistakes(images, found, count=5)
    assert len(ax.texts) == 5
    assert "30 samples misclassified, the 5 most confident" in ax.get_title(loc="left")
    with pytest.raises(ShapeError, match="all images"):
        plot_mistakes(images[:2], found)
    with pytest.raises(UsageError, match="at least 1 sample"):
        plot_mistakes(images, found, count=0)
