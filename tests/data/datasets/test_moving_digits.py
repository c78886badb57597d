"""Moving digits: the ground stays, the digit moves where its class says, and training and test share neither."""

import sys

import numpy as np
import pytest

from minigrad.cli.data_registry import load_samples
from minigrad.cli.spec import Spec
from minigrad.data import moving_digits
from minigrad.data.datasets import moving_digits as module
from minigrad.errors import DataError, MissingExtraError

pytest.importorskip("sklearn")
pytest.importorskip("PIL")


@pytest.fixture(scope="module")
def parts():
    return moving_digits(size=16, frames=4)


@pytest.fixture
def few(monkeypatch):
    """Each ninth digit only: 160 for training, and 40 for testing."""
    digits, labels, photos = module.sources("a test")
    order = np.argsort(labels, kind="stable")[::9]
    monkeypatch.setattr(module, "sources", lambda _: (digits[order], labels[order], photos))


def test_shapes_dtypes_ranges_and_frequencies(parts):
    for part, count in zip(parts, (1437, 360), strict=True):
        videos, directions = part.arrays
        assert (videos.dtype, videos.shape) == (np.float32, (count, 1, 4, 16, 16))
        assert (directions.dtype, directions.shape) == (np.int64, (count,))
        assert videos.min() >= 0
        assert videos.max() <= 1
        assert np.ptp(np.bincount(directions, minlength=8)) <= 1
        assert part.classes == module.DIRECTIONS


def test_a_digit_moves_where_its_class_says_at_a_steady_pace(monkeypatch, few):
    """On black ground, with ink in one pixel: its way from frame to frame is the direction's, over the edges, too."""
    monkeypatch.setattr(module, "resize", lambda image, side: np.eye(1, side * side).reshape(1, 1, side, side))
    monkeypatch.setattr(module, "background", lambda region, size, rng: np.zeros((1, size, size), np.float32))
    train, _ = moving_digits(size=16, frames=5)
    vectors = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]  # rows, columns
    for video, direction in zip(*train.arrays, strict=True):
        places = np.array([np.unravel_index(frame.argmax(), frame.shape) for frame in video[0]])
        moved = (np.diff(places, axis=0) + 8) % 16 - 8
        total, vector = moved.sum(axis=0), np.array(vectors[direction])
        assert np.all(np.sign(total) == vector)
        assert np.all(np.abs(moved - total / 4).max() < 1)
        assert module.SLOWEST * 4 - 2 < np.linalg.norm(total) < module.FASTEST * 4 + 2


def test_a_single_frame_tells_no_direction(parts):
    """The digits' places in the first frame have the same mean for each direction, as far as chance allows."""
    videos, directions = parts[0].arrays
    moving = np.abs(videos[:, 0] - np.median(videos[:, 0], axis=1, keepdims=True))[:, 0]
    waves = np.exp(2j * np.pi * np.arange(16) / 16)
    for axis in (1, 2):
        places = (moving.sum(axis=axis) @ waves) / moving.sum(axis=(1, 2))
        means = np.array([places[directions == k].mean() for k in range(8)])
        assert np.abs(means - places.mean()).max() < 4 * np.abs(places).std() / np.sqrt(len(places) / 8) + 0.05


def test_the_ground_stays(monkeypatch, few):
    monkeypatch.setattr(module, "LARGEST", 0.2)
    monkeypatch.setattr(module, "SMALLEST", 0.2)
    videos = moving_digits(size=20, frames=6)[1].arrays[0][:, 0]
    still = np.median(videos, axis=1, keepdims=True)
    assert (videos == still).mean() > 0.9


def test_the_parts_share_neither_digits_nor_photographs(monkeypatch, few):
    seen = []
    monkeypatch.setattr(module, "background", lambda region, size, rng: seen.append(region) or region[:, :size, :size])
    moving_digits(size=16, frames=2)
    left, right = ({region.shape[2] for region in part} for part in (seen[:160], seen[160:]))
    assert (left, right) == ({512}, {128})  # of 640 columns


def test_the_seed_determines_the_videos(few):
    one, again, other = (moving_digits(size=16, frames=4, seed=seed)[1] for seed in (0, 0, 1))
    for first, second in zip(one.arrays, again.arrays, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one.arrays[0], other.arrays[0])


def test_copies_and_colors(few):
    train, test = moving_digits(size=16, frames=2, copies=2, channels=3)
    assert (train.arrays[0].shape, len(test)) == ((2 * 160, 3, 2, 16, 16), 2 * 40)
    assert np.ptp(train.arrays[0], axis=1).max() > 0.1


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (3, 2, 20, 20)])
def test_the_command_line_loads_what_a_model_takes(few, shape):
    assert load_samples(Spec("moving-digits", {}), shape).format.shape == shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 129}, "moving_digits: size must be from 16 to 128 pixels"),
        ({"frames": 1}, "frames at least 2, got 1 and 1"),
        ({"copies": 0}, "copies must be at least 1"),
        ({"channels": 2}, r"channels is 1 \(gray\) or 3 \(color\), got 2"),
        ({"test_fraction": 0}, "must lie between 0 and 1"),
    ],
)
def test_arguments_out_of_range_are_explained(arguments, message):
    with pytest.raises(DataError, match=message):
        moving_digits(**arguments)


def test_without_its_packages_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError) as error:
        moving_digits()
    assert str(error.value) == 'the moving-digits dataset needs Pillow: pip install "minigrad[data]"'
