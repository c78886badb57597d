"""The confusion matrix shows every count."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.data import ArrayDataset, DataLoader
from minigrad.errors import ShapeError, UsageError
from minigrad.viz.plots.confusion import plot_confusion


def test_confusion_shows_every_count_in_its_cell():
    counts = np.array([[5, 1, 0], [0, 7, 2], [3, 0, 4]])
    ax = plot_confusion(counts, ["a", "b", "c"])
    shown = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in ax.texts}
    assert shown == dict(np.ndenumerate(counts))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert ax.get_title(loc="left").startswith("16 of 22 right")


def test_a_class_without_samples_is_no_division_by_zero():
    plot_confusion(np.zeros((2, 2), int), ["a", "b"])


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (4,)])
def test_a_matrix_that_does_not_fit_the_labels_is_refused(shape):
    with pytest.raises(UsageError, match="2 labels"):
        plot_confusion(np.zeros(shape), ["a", "b"])


def test_long_names_do_not_overlap():
    names = ["golden retriever", "great white shark", "supercalifragilisticexpialidocious", "x"]
    ax = plot_confusion(np.eye(4, dtype=int), names)
    ax.figure.canvas.draw()
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert labels[2].get_text() == "supercalifragilisticexp…"


def test_names_are_those_of_the_samples():
    images = np.eye(3, dtype=np.float32)
    dataset = ArrayDataset(images, np.arange(3), classes=("cat", "dog", "owl"))
    model = nn.Linear(3, 3)
    for data in (dataset, DataLoader(dataset, batch_size=2)):
        assert [label.get_text() for label in plot_confusion(model, data).get_xticklabels()] == ["cat", "dog", "owl"]
    numbered = plot_confusion(model, (images, np.arange(3)))
    assert [label.get_text() for label in numbered.get_xticklabels()] == ["0", "1", "2"]
    assert [label.get_text() for label in plot_confusion(np.eye(2, dtype=int)).get_xticklabels()] == ["0", "1"]


def test_model_that_is_no_classifier_is_refused():
    with pytest.raises(ShapeError, match="needs a classifier"):
        plot_confusion(nn.Linear(3, 1), (np.eye(3, dtype=np.float32), np.ones(3, np.float32)))
