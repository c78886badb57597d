"""Ridgeline plots and heat maps of histograms have the right areas."""

import numpy as np
import pytest

from minigrad.errors import UsageError
from minigrad.viz.histograms import Histograms
from minigrad.viz.plots.histograms import plot_histograms


def histograms(times=30):
    rng = np.random.default_rng(0)
    rows = [np.histogram(rng.normal(0, 1 + t / 10, 4000), 64) for t in range(times)]
    return Histograms(
        np.arange(1, times + 1) * 10,
        np.array([counts for counts, _ in rows]),
        np.array([[edges[0], edges[-1]] for _, edges in rows]),
        np.zeros(times, int),
    )


def test_ridges_stand_in_the_order_of_time_and_have_equal_areas():
    ax = plot_histograms(histograms(20), kind="ridges")
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 20
    floors = [-i for i in range(20)]
    areas = [np.sum(line.get_ydata() - floor) for line, floor in zip(curves, floors, strict=True)]
    assert areas[0] > 0
    np.testing.assert_allclose(areas, areas[0], rtol=0.02)  # but for the trimmed tails
    orders = [line.get_zorder() for line in curves]
    assert orders == sorted(orders)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("value", "step")
    assert [label.get_text() for label in ax.get_yticklabels()][0::6] == ["10", "200"]


def test_of_many_histograms_the_first_and_the_last_are_among_the_ridges():
    labels = [label.get_text() for label in plot_histograms(histograms(200)).get_yticklabels()]
    assert (labels[0], labels[-1]) == ("10", "2,000")


def test_the_map_has_a_column_a_step_of_equal_mass():
    ax = plot_histograms(histograms(30), kind="map")
    density = np.asarray(ax.collections[0].get_array()) ** 2
    assert density.shape[1] == 30
    np.testing.assert_allclose(density.sum(axis=0), density.sum(axis=0)[0], rtol=0.02)
    spread = [np.argmax(np.cumsum(column) > 0.84 * column.sum()) for column in density.T]
    assert spread[-1] > spread[0]
    assert ax.get_xlim() == (5, 305)


def test_plots_need_a_kind_and_values():
    with pytest.raises(UsageError, match='kind is "ridges" or "map"'):
        plot_histograms(histograms(2), kind="bars")
    with pytest.raises(UsageError, match="no finite value"):
        plot_histograms(Histograms(np.array([1]), np.zeros((1, 4), int), np.array([[0, 1]]), np.array([7])))
