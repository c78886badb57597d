"""Padding, cropping, flipping and covering: pixels are moved, not changed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import (
    CenterCrop,
    Cutout,
    Pad,
    RandomCrop,
    RandomFlip,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_padding_surrounds_with_the_fill_or_the_border():
    image = np.array([[[[1, 2], [3, 4]]]])
    assert Pad(1, 9)(image).tolist() == [[[[9, 9, 9, 9], [9, 1, 2, 9], [9, 3, 4, 9], [9, 9, 9, 9]]]]
    assert Pad(1, None)(image).tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]]


def test_the_center_is_kept():
    images = np.arange(2 * 5 * 6).reshape(1, 2, 5, 6)
    np.testing.assert_array_equal(CenterCrop((3, 3))(images), images[:, :, 1:4, 1:4])
    np.testing.assert_array_equal(CenterCrop((5, 6))(images), images)


@given(height=st.integers(1, 6), width=st.integers(1, 6), padding=st.integers(0, 2), seed=st.integers(0, 99))
def test_a_random_crop_is_a_window_of_the_padded_image(height, width, padding, seed):
    images = 1 + np.arange(2 * 2 * 6 * 6).reshape(2, 2, 6, 6)
    out = RandomCrop((height, width), padding)(images, rng(seed))
    assert out.shape == (2, 2, height, width)
    for image, crop in zip(Pad(padding)(images), out, strict=True):
        places = [(y, x) for y in range(7 + 2 * padding - height) for x in range(7 + 2 * padding - width)]
        assert any(np.array_equal(image[:, y : y + height, x : x + width], crop) for y, x in places)


def test_all_places_of_a_crop_are_equally_likely():
    images = np.broadcast_to(np.arange(9).reshape(1, 1, 3, 3), (9000, 1, 3, 3))
    counts = np.bincount(RandomCrop(1)(images, rng()).ravel(), minlength=9)
    np.testing.assert_allclose(counts, 1000, atol=5 * np.sqrt(1000))


def test_flips_mirror_the_axis_they_name_with_their_probability():
    images = np.broadcast_to(np.array([[0, 1], [2, 3]]).reshape(1, 1, 2, 2), (8000, 1, 2, 2))
    corner = np.bincount(RandomFlip(0.25, 0.5)(images, rng())[:, 0, 0, 0], minlength=4) / 8000
    np.testing.assert_allclose(corner, [0.375, 0.125, 0.375, 0.125], atol=0.03)
    assert RandomFlip(1, 0)(images[:1], rng()).tolist() == [[[[1, 0], [3, 2]]]]
    assert RandomFlip(0, 1)(images[:1], rng()).tolist() == [[[[2, 3], [0, 1]]]]


@given(size=st.integers(0, 7), seed=st.integers(0, 99))
def test_a_cutout_is_a_square_around_a_pixel_the_same_in_all_channels(size, seed):
    out = Cutout(size, fill=-1)(np.zeros((5, 2, 9, 11), np.float32), rng(seed))
    np.testing.assert_array_equal(out[:, 0], out[:, 1])
    for covered in out[:, 0] < 0:
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        assert covered.sum() == rows.size * columns.size
        for places, length in ((rows, 9), (columns, 11)):
            inside = size and places[0] > 0 and places[-1] < length - 1
            assert places.size == size if inside else (size + 1) // 2 <= places.size <= size
            assert places.size == 0 or np.ptp(places) + 1 == places.size


def test_every_pixel_can_be_covered():
    out = Cutout(1, fill=1)(np.zeros((2000, 1, 4, 5), np.float32), rng())
    assert out.sum() == 2000
    assert np.all(out.sum(axis=(0, 1)) > 50)
