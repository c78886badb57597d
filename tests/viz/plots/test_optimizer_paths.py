"""Paths are drawn where they went."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UsageError
from minigrad.optim import SGD, Adam
from minigrad.viz.optimizer_path import OptimizerPath, descend
from minigrad.viz.plots.optimizer_paths import plot_paths


def bowl(x, y):
    return x**2 / 20 + y**2


def paths():
    return {
        "SGD": descend(bowl, (-7, 2), lambda p: SGD(p, lr=0.9), steps=40),
        "Adam": descend(bowl, (-7, 2), lambda p: Adam(p, lr=0.3), steps=40),
    }


def test_every_path_is_drawn_point_by_point_and_named():
    ax = plot_paths(bowl, paths(), minimum=(0, 0))
    drawn = {line.get_label(): line.get_xydata() for line in ax.lines}
    for name, path in paths().items():
        np.testing.assert_array_equal(drawn[name], path.points)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["SGD", "Adam"]
    marked = [line.get_xydata().tolist() for line in ax.lines if line.get_linestyle() == "None"]
    assert marked == [[[-7, 2]], [[0, 0]]]  # the common start once, and the minimum


def test_all_of_the_paths_is_in_sight_but_for_what_flies_off():
    far = descend(bowl, (-7, 2), lambda p: SGD(p, lr=2), steps=20)
    ax = plot_paths(bowl, {**paths(), "far": far})
    points = np.concatenate([path.points for path in paths().values()])
    for axis, (low, high) in enumerate((ax.get_xlim(), ax.get_ylim())):
        assert low < points[:, axis].min() < points[:, axis].max() < high
        assert high - low < 60
    assert plot_paths(bowl, paths(), x=(-1, 1), y=(-2, 3)).get_xlim() == (-1, 1)


def test_points_may_come_from_anywhere():
    ax = plot_paths(bowl, {"mine": [[0, 0], [1, 1], [math.nan, 2]]})
    assert len(next(line for line in ax.lines if line.get_label() == "mine").get_xydata()) == 2
    plot_paths(lambda x, y: mg.exp(-x * x) + y * y, {"of ops": OptimizerPath(np.zeros((1, 2)), np.ones(1))})


@pytest.mark.parametrize("path", [[1, 2], [[1, 2, 3]], [[math.nan, 1]], np.zeros((0, 2))])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(UsageError, match=r"the path 'bad' must be points \(T, 2\)"):
        plot_paths(bowl, {"bad": path})


def test_paths_and_a_surface_are_needed():
    with pytest.raises(UsageError, match="no path to draw"):
        plot_paths(bowl, {})
    with pytest.raises(UsageError, match="must give a finite height"):
        plot_paths(lambda x, y: 1.0, paths())
