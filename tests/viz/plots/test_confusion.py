"""The confusion matrix shows every count."""

import numpy as np
import pytest

from minigrad.errors import UsageError
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
