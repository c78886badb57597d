"""What all plots have in common: Axes in and out, pictures with something on them in any style, nothing left behind."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import MinigradError, MissingExtraError, UsageError
from minigrad.optim import SGD
from minigrad.viz.histograms import Histograms
from minigrad.viz.misclassified import mistakes
from minigrad.viz.optimizer_path import descend
from minigrad.viz.plots.activation_functions import plot_activations
from minigrad.viz.plots.attribution import plot_deconvnet, plot_grad_cam
from minigrad.viz.plots.confusion import plot_confusion, save_confusion
from minigrad.viz.plots.gradient_flow import plot_gradient_flow
from minigrad.viz.plots.histograms import plot_histograms
from minigrad.viz.plots.images import plot_feature_maps, plot_filters, plot_images
from minigrad.viz.plots.maximized import plot_maximized
from minigrad.viz.plots.misclassified import plot_mistakes
from minigrad.viz.plots.optimizer_paths import plot_paths
from minigrad.viz.plots.receptive_fields import plot_receptive_field
from minigrad.viz.plots.training_curves import plot_curves, save_curves

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

LONG_NAMES = ["golden retriever", "a name of five words, at least", "supercalifragilisticexpialidocious"]

PLOTS = {
    "curves": lambda ax: plot_curves([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}], ax),
    "confusion": lambda ax: plot_confusion(np.eye(3, dtype=int), "abc", ax),
    "gradient flow": lambda ax: plot_gradient_flow(MODEL, ax),
    "confusion of long names": lambda ax: plot_confusion(np.eye(3, dtype=int), LONG_NAMES, ax),
    "confusion of a model": lambda ax: plot_confusion(MODEL, (IMAGES, np.zeros(8, int)), ax),
    "mistakes of a model": lambda ax: plot_mistakes(MODEL, (IMAGES, np.ones(8, int)), ax),
    "weights of a model": lambda ax: plot_histograms(MODEL, ax),
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


@pytest.mark.family
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
def test_pyplot_shows_and_saves_the_figure_where_it_is_in_use(plot):
    import matplotlib
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    ax = plot(None)
    assert pyplot.gcf() is ax.figure
    assert len(pyplot.get_fignums()) == 1
    other = matplotlib.figure.Figure().add_subplot()
    plot(other)
    assert len(pyplot.get_fignums()) == 1  # Axes that are given stay where they are
    assert dict(matplotlib.rcParams) == before


def test_files_are_written_apart_from_pyplot(tmp_path):
    from matplotlib import pyplot

    save_curves([{"epoch": 1, "loss": 2.0}], tmp_path / "curves.png")
    save_confusion(np.eye(3, dtype=int), "abc", tmp_path / "confusion.png")
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("notebook", [False, True])
def test_pyplot_is_imported_by_nothing_but_a_notebook(notebook):
    kernel = "sys.modules['ipykernel'] = types.ModuleType('ipykernel');"
    code = (
        f"import sys, types; {kernel * notebook}"
        "from minigrad import viz; ax = viz.plot_activations('relu');"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(notebook)


NO_INPUT = {"nothing": None, "a word": "abc!", "a number": 3, "an object": object(), "numbers": [1.0, 2.0]}
FIRST = (plot_activations, plot_confusion, plot_curves, plot_filters, plot_gradient_flow, plot_histograms, plot_images)


@pytest.mark.parametrize("plot", FIRST)
@pytest.mark.parametrize("given", NO_INPUT.values(), ids=NO_INPUT)
def test_what_cannot_be_plotted_is_refused_by_a_clear_error(plot, given):
    with pytest.raises(MinigradError, match=plot.__name__.removeprefix("plot_") + "|activation|Tensor"):
        plot(given)


def test_a_model_is_taken_where_that_is_clear_and_refused_elsewhere():
    samples = IMAGES, np.zeros(len(IMAGES), int)
    assert plot_confusion(MODEL, samples).get_title(loc="left").endswith("of 8 right (numbers of samples)")
    assert "misclassified" in plot_mistakes(MODEL, samples).get_title(loc="left")
    names = [label.get_text() for label in plot_histograms(MODEL).get_yticklabels()]
    assert names == [path for path, p in MODEL.named_parameters() if p.ndim > 1]
    for call in (
        lambda: plot_confusion(MODEL),
        lambda: plot_confusion(MODEL, "abc"),
        lambda: plot_mistakes(MODEL, None),
        lambda: plot_mistakes(IMAGES, samples[1]),
        lambda: plot_histograms(MODEL, kind="map"),
        lambda: plot_curves(MODEL),
        lambda: plot_paths(MODEL, 3),
    ):
        with pytest.raises(UsageError, match="plot_"):
            call()


def test_axes_that_are_none_are_refused():
    with pytest.raises(UsageError, match="ax= is the Axes of matplotlib"):
        plot_histograms(MODEL, 3)


@every_plot
def test_without_matplotlib_the_extra_is_named(plot, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "minigrad\[plot\]"'):
        plot(None)
