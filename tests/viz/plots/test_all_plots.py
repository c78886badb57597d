"""What all plots have in common: Axes in and out, pictures with something on them in any style, nothing left behind."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import MissingExtraError
from minigrad.optim import SGD
from minigrad.viz.histograms import Histograms
from minigrad.viz.misclassified import mistakes
from minigrad.viz.optimizer_path import descend
from minigrad.viz.plots.activation_functions import plot_activations
from minigrad.viz.plots.attribution import plot_deconvnet, plot_grad_cam
from minigrad.viz.plots.confusion import plot_confusion
from minigrad.viz.plots.gradient_flow import plot_gradient_flow
from minigrad.viz.plots.histograms import plot_histograms
from minigrad.viz.plots.images import plot_feature_maps, plot_filters, plot_images
from minigrad.viz.plots.maximized import plot_maximized
from minigrad.viz.plots.misclassified import plot_mistakes
from minigrad.viz.plots.optimizer_paths import plot_paths
from minigrad.viz.plots.receptive_fields import plot_receptive_field
from minigrad.viz.plots.training_curves import plot_curves

pytest.importorskip("matplotlib")

mg.seed(0)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(8, 1, 12, 12)).astype(np.float32)
MODEL = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 3))
MODEL(mg.Tensor(IMAGES)).sum().backward()
COUNTS = np.array([np.histogram(RNG.normal(size=500), 16, (-3, 3))[0] for _ in range(5)])
HISTOGRAMS = Histograms(np.arange(5), COUNTS, np.tile([-3.0, 3.0], (5, 1)), np.zeros(5, int))
MISTAKES = mistakes(RNG.normal(size=(8, 3)), np.zeros(8, int))
PATH = descend(lambda x, y: x**2 + y**2, (1, 2), lambda p: SGD(p, lr=0.1), steps=9)

PLOTS = {
    "curves": lambda ax: plot_curves([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}], ax),
    "confusion": lambda ax: plot_confusion(np.eye(3, dtype=int), "abc", ax),
    "gradient flow": lambda ax: plot_gradient_flow(MODEL, ax),
    "ridges": lambda ax: plot_histograms(HISTOGRAMS, ax),
    "map": lambda ax: plot_histograms(HISTOGRAMS, ax, kind="map"),
    "paths": lambda ax: plot_paths(lambda x, y: x**2 + y**2, {"SGD": PATH}, ax),
    "filters": lambda ax: plot_filters(MODEL[0], ax),
    "filters in color": lambda ax: plot_filters(RNG.normal(size=(5, 3, 3, 3)), ax),
    "feature maps": lambda ax: plot_feature_maps(MODEL, IMAGES[0], "1", ax),
    "images": lambda ax: plot_images(IMAGES, ax, labels=range(8)),
    "mistakes": lambda ax: plot_mistakes(IMAGES, MISTAKES, ax),
    "maximized": lambda ax: plot_maximized(MODEL, IMAGES[0], [0, 1], "", ax, steps=3),
    "Grad-CAM": lambda ax: plot_grad_cam(MODEL, IMAGES[0], "1", None, ax),
    "deconvnet": lambda ax: plot_deconvnet(MODEL, IMAGES[0], "1", 0, ax),
    "receptive field": lambda ax: plot_receptive_field(MODEL, IMAGES, "2", None, ax),
    "activations": lambda ax: plot_activations(["relu", "tanh"], ax),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)


@every_plot
def test_the_axes_that_are_given_are_used_and_returned(plot):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plot(ax) is ax
    assert ax.has_data() or ax.child_axes


@every_plot
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_a_figure_is_made_and_saved_with_something_on_it_in_any_style(plot, style, tmp_path):
    import matplotlib.style
    from matplotlib.image import imread

    with matplotlib.style.context(style):
        ax = plot(None)
        ax.figure.savefig(tmp_path / "plot.png")
    pixels = imread(tmp_path / "plot.png")[..., :3]
    assert min(pixels.shape[:2]) > 100
    assert pixels.std() > 0.02
    border = np.concatenate([pixels[0], pixels[-1]])
    assert border.mean() > 0.9 if style == "default" else border.mean() < 0.1


@every_plot
def test_all_text_lies_inside_of_the_figure(plot):
    figure = plot(None).figure
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible() and text.axes is not None and text.axes.get_visible():
            box = text.get_window_extent()
            ticks = [*text.axes.get_xticklabels(minor=True), *text.axes.get_yticklabels(minor=True)]
            if text in [*text.axes.get_xticklabels(), *text.axes.get_yticklabels(), *ticks]:
                continue  # matplotlib keeps labels of ticks beyond the ends, and does not draw them
            assert box.x0 > -1, text
            assert box.x1 < width + 1, text
            assert box.y0 > -1, text
            assert box.y1 < height + 1, text


@every_plot
def test_pyplot_and_its_settings_are_left_alone(plot):
    import matplotlib
    from matplotlib import pyplot

    before = pyplot.get_fignums(), dict(matplotlib.rcParams)
    plot(None)
    assert (pyplot.get_fignums(), dict(matplotlib.rcParams)) == before


@every_plot
def test_without_matplotlib_the_extra_is_named(plot, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "minigrad\[plot\]"'):
        plot(None)
