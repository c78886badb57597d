"""Scenes: what is in the box is the digit, and training and test share neither digits nor ground."""

import sys

import numpy as np
import pytest

from minigrad.data import scenes
from minigrad.data.datasets import scenes as module
from minigrad.errors import DataError, MissingExtraError

pytest.importorskip("sklearn")
pytest.importorskip("PIL")


@pytest.fixture(scope="module")
def parts():
    return scenes(size=32)


def test_shapes_dtypes_and_ranges(parts):
    for part, count in zip(parts, (1437, 360), strict=True):
        images, labels, boxes = part.arrays
        assert (images.dtype, images.shape) == (np.float32, (count, 3, 32, 32))
        assert (labels.dtype, labels.shape) == (np.int64, (count,))
        assert (boxes.dtype, boxes.shape) == (np.float32, (count, 4))
        assert images.min() >= 0
        assert images.max() <= 1
        assert np.all((boxes >= 0) & (boxes <= 1))
        width, height = (boxes[:, 2:] - boxes[:, :2]).T
        assert width.min() > 0
        assert 0.2 < height.min() < height.max() <= 0.65
        assert part.classes == tuple("0123456789")


def test_the_box_is_the_smallest_around_the_pixels_that_are_mostly_ink(monkeypatch):
    digits, labels, photos = module.sources("a test")
    solid = (digits > 0.5).astype(np.float32)  # so that somewhere the ground is wholly covered
    ground = [np.full_like(photo, 0.2) for photo in photos]
    monkeypatch.setattr(module, "sources", lambda _: (solid, labels, ground))
    for part in scenes(size=48):
        change = part.arrays[0][:, 0] - 0.2
        inked = change / change.max(axis=(1, 2), keepdims=True) >= module.INK
        columns, rows = inked.any(axis=1), inked.any(axis=2)
        left, top = columns.argmax(axis=1), rows.argmax(axis=1)
        right, bottom = (48 - places[:, ::-1].argmax(axis=1) for places in (columns, rows))
        np.testing.assert_allclose(part.arrays[2] * 48, np.stack([left, top, right, bottom], axis=1), atol=1e-4)


def test_the_digit_is_bright_on_dark_ground_and_dark_on_bright_ground(monkeypatch):
    digits, labels, photos = module.sources("a test")
    for gray, sign in ((0.3, 1), (0.7, -1)):
        ground = [np.full_like(photo, gray) for photo in photos]
        monkeypatch.setattr(module, "sources", lambda _, ground=ground: (digits, labels, ground))
        change = scenes(size=32)[1].arrays[0] - gray
        assert np.all(sign * change >= -1e-6)
        assert np.abs(change).max(axis=(1, 2, 3)).min() > 0.2


def test_no_digit_is_in_both_parts_and_all_are_used(monkeypatch):
    digits = module.sources("a test")[0]
    seen = []
    monkeypatch.setattr(module, "_draw", lambda d, regions, *_: seen.append(d) or _blank(d))
    scenes(copies=2)
    train, test = ({digit.tobytes() for digit in part} for part in seen)
    assert not train & test
    assert train | test == {digit.tobytes() for digit in digits}
    assert [len(part) for part in seen] == [2 * 1437, 2 * 360]


def test_no_pixel_of_a_photograph_is_in_both_parts(monkeypatch):
    numbered = [np.arange(3 * 40 * 100, dtype=np.float32).reshape(3, 40, 100) + 1e5 * i for i in range(2)]
    digits, labels, _ = module.sources("a test")
    monkeypatch.setattr(module, "sources", lambda _: (digits, labels, numbered))
    seen = []
    monkeypatch.setattr(module, "_draw", lambda d, regions, *_: seen.append(regions) or _blank(d))
    scenes(size=16, test_fraction=0.25)
    train, test = ({float(pixel) for region in regions for pixel in region.ravel()} for regions in seen)
    assert not train & test
    assert len(train) == 2 * 3 * 40 * 75
    assert len(test) == 2 * 3 * 40 * 25


def _blank(digits):
    return np.zeros((len(digits), 3, 16, 16), np.float32), np.zeros((len(digits), 4), np.float32)


def test_the_seed_determines_the_scenes(parts):
    again, other = scenes(size=32)[1], scenes(size=32, seed=1)[1]
    for first, second in zip(parts[1].arrays, again.arrays, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(parts[1].arrays[0], other.arrays[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 129}, "scenes: size must be from 16 to 128 pixels"),
        ({"size": 4}, "scenes: size must be from 16 to 128 pixels, as the photographs' narrower part has, got 4"),
        ({"copies": 0}, "scenes: copies must be at least 1, got 0"),
        ({"test_fraction": 0}, "must lie between 0 and 1"),
    ],
)
def test_arguments_out_of_range_are_explained(arguments, message):
    with pytest.raises(DataError, match=message):
        scenes(**arguments)


@pytest.mark.parametrize(("missing", "package"), [("PIL.Image", "Pillow"), ("sklearn.datasets", "scikit-learn")])
def test_without_its_packages_the_error_names_the_extra(monkeypatch, missing, package):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError) as error:
        scenes()
    assert str(error.value) == f'the scenes dataset needs {package}: pip install "minigrad[data]"'
