"""The plot of a receptive field shows its box and its shares."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.viz.plots.receptive_fields import plot_receptive_field
from minigrad.viz.receptive_fields import effective_field


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


def test_the_receptive_field_is_framed_and_its_shares_sum_to_the_whole():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Conv2d(2, 2, 3))
    ax = plot_receptive_field(model, spots(), "2", (3, 1))
    assert rectangle(ax) == (1, 3, 6, 8)
    shares = np.asarray(ax.images[0].get_array())
    assert shares.sum() == pytest.approx(100)
    field = effective_field(model, spots(), "2", (3, 1))
    np.testing.assert_allclose(shares, 100 * field / field.sum())
    assert "field 5×5, effective" in ax.get_title(loc="left")
