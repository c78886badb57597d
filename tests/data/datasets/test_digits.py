"""The digits: real, complete, evenly divided, and scaled like LeNet-5's input."""

import sys

import numpy as np
import pytest

from minigrad.data import digits
from minigrad.errors import DataError, MissingExtraError

load_digits = pytest.importorskip("sklearn.datasets").load_digits


@pytest.fixture(scope="module")
def parts():
    return digits()


def test_shapes_dtypes_and_sizes(parts):
    for part, samples in zip(parts, (1437, 360), strict=True):
        images, labels = part.arrays
        assert (images.dtype, images.shape) == ("float32", (samples, 1, 32, 32))
        assert (labels.dtype, labels.shape) == ("int64", (samples,))
        assert part.classes == tuple("0123456789")


def test_train_and_test_together_are_the_1797_originals():
    # At size 8 without margin nothing is resampled, so each image can be recognized.
    train, test = digits(size=8, margin=0)
    images, labels = (np.concatenate(pair) for pair in zip(train.arrays, test.arrays, strict=True))
    recovered = np.rint((images[:, 0] + 0.1) / 1.275 * 16).reshape(len(images), 64)
    raw = load_digits()
    ours = np.column_stack([recovered, labels])
    theirs = np.column_stack([raw.data, raw.target])
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_train_and_test_have_no_image_in_common(parts):
    train, test = ({image.tobytes() for image in part.arrays[0]} for part in parts)
    assert not train & test


@pytest.mark.parametrize("test_fraction", [0.1, 0.2, 0.5])
def test_every_class_has_the_same_share_within_one_sample(test_fraction):
    train, test = (np.bincount(part.arrays[1]) for part in digits(size=8, margin=0, test_fraction=test_fraction))
    share = test.sum() / (train + test).sum()
    assert np.abs(test - share * (train + test)).max() < 1


def test_the_seed_determines_the_split():
    tests = [digits(size=8, margin=0, seed=seed)[1].arrays[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(tests[0], tests[1])
    assert not np.array_equal(tests[0], tests[2])


def test_background_is_minus_0_1_and_full_ink_1_175(parts):
    images = parts[0].arrays[0]
    assert images.min() == np.float32(-0.1)
    assert images.max() == pytest.approx(1.175, abs=0.01)
    assert abs(images.mean()) < 0.35
    assert 0.3 < images.std() < 0.6


@pytest.mark.parametrize(("size", "margin"), [(32, 2), (32, 0), (16, 3)])
def test_the_margin_is_background_on_all_sides_and_no_wider(size, margin):
    images = digits(size=size, margin=margin)[0].arrays[0][:, 0]
    inked = images.max(axis=0) > -0.1
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    assert (rows[0], rows[-1]) == (margin, size - 1 - margin)
    assert columns[0] >= margin
    assert columns[-1] <= size - 1 - margin


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError) as error:
        digits()
    assert "scikit-learn" in str(error.value)
    assert 'pip install "minigrad[data]"' in str(error.value)


@pytest.mark.parametrize(("size", "margin"), [(4, 2), (32, -1)])
def test_margins_that_leave_no_pixel_are_explained(size, margin):
    with pytest.raises(DataError) as error:
        digits(size=size, margin=margin)
    assert str(error.value) == (
        f"digits: the margins must leave at least one pixel, got size={size} and margin={margin}. "
        f"Use margin=0 for digits that fill the image."
    )
