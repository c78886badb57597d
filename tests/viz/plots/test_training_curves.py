"""Training curves show the records that they were given."""

import sys

import numpy as np
import pytest

from minigrad.errors import MissingExtraError, UsageError
from minigrad.training import History
from minigrad.viz.plots.confusion import plot_confusion, save_confusion
from minigrad.viz.plots.training_curves import plot_curves, save_curves

HISTORY = History(
    [
        {"epoch": 1, "loss": 0.9, "accuracy": 0.5, "test_loss": 0.8, "test_accuracy": 0.625},
        {"epoch": 2, "loss": 0.5, "accuracy": 0.75, "test_loss": 0.6, "test_accuracy": 0.5},
    ]
)


def lines(ax):
    return {line.get_label(): line.get_xydata().tolist() for line in ax.lines}


def test_curves_show_both_sets_epoch_by_epoch():
    assert lines(plot_curves(HISTORY)) == {"train": [[1, 0.9], [2, 0.5]], "test": [[1, 0.8], [2, 0.6]]}


def test_accuracy_is_shown_in_percent():
    ax = plot_curves(HISTORY, metric="accuracy")
    assert lines(ax) == {"train": [[1, 50], [2, 75]], "test": [[1, 62.5], [2, 50]]}
    assert ax.get_ylabel() == "accuracy (%)"
    assert ax.get_xlabel() == "epoch"


def test_without_a_test_set_only_the_training_is_shown():
    assert list(lines(plot_curves([{"epoch": 1, "loss": 1.0}]))) == ["train"]


@pytest.mark.parametrize(("last", "scale"), [(0.05, "log"), (0.5, "linear"), (-0.05, "linear")])
def test_a_loss_that_falls_far_and_stays_positive_is_drawn_on_a_logarithmic_axis(last, scale):
    ax = plot_curves([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": last}])
    assert ax.get_yscale() == scale


def test_a_measure_that_was_not_recorded_is_refused():
    with pytest.raises(UsageError, match="no record of the history has 'accuracy'"):
        plot_curves([{"epoch": 1, "loss": 1.0}], metric="accuracy")


@pytest.mark.parametrize("plot", [lambda ax: plot_curves(HISTORY, ax), lambda ax: plot_confusion(np.eye(2), "ab", ax)])
def test_the_axes_that_are_given_are_used_and_returned(plot):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plot(ax) is ax
    assert ax.has_data()


def test_pictures_are_png_files_with_something_on_them(tmp_path):
    from matplotlib.image import imread

    save_curves(HISTORY, tmp_path / "curves.png")
    save_confusion(np.eye(3, dtype=int), "abc", tmp_path / "confusion.png")
    for name in ("curves.png", "confusion.png"):
        pixels = imread(tmp_path / name)
        assert min(pixels.shape[:2]) > 300
        assert pixels[..., :3].std() > 0.05


def test_a_history_without_accuracy_gives_one_panel(tmp_path):
    from matplotlib.image import imread

    save_curves(HISTORY, tmp_path / "two.png")
    save_curves([{"epoch": 1, "loss": 1.0}], tmp_path / "one.png")
    assert imread(tmp_path / "two.png").shape[1] == 2 * imread(tmp_path / "one.png").shape[1]


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'pip install "minigrad\[plot\]"'):
        plot_curves(HISTORY)
