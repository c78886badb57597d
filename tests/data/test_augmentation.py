"""Random crops, flips, cutouts and light: each keeps what it promises, and repeats for equal seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import (
    CenterCrop,
    ColorJitter,
    Compose,
    Cutout,
    DataLoader,
    Normalize,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    Resize,
    ToRGB,
    resize,
)
from minigrad.errors import DataError

ANY_DTYPE = [Pad(2), Pad(1, None), CenterCrop(5), RandomCrop(6, 2, 1), RandomFlip(0.5, 0.5), Cutout(3, 1), ToRGB()]
FLOATING = [ColorJitter(), Resize((5, 7)), RandomAffine()]


def rng(seed=0):
    return np.random.default_rng(seed)


def some_images(count=20, channels=1, height=8, width=9, dtype=np.float32):
    return (rng().random((count, channels, height, width)) * 255).astype(dtype)


@pytest.mark.parametrize("change", [*ANY_DTYPE, *FLOATING], ids=repr)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_transforms_keep_the_dtype_leave_the_input_and_repeat(change, dtype):
    if change in FLOATING and dtype == np.uint8:
        pytest.skip("needs floating-point images")
    images = some_images(dtype=dtype)
    before = images.copy()
    images.flags.writeable = False
    out = change(images, rng(1))
    assert out.dtype == dtype
    assert len(out) == len(images)
    assert not np.shares_memory(out, images)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(out, change(images, rng(1)))


@pytest.mark.parametrize("change", [*ANY_DTYPE, *FLOATING], ids=repr)
def test_transforms_are_their_own_constructors_and_accept_empty_batches(change):
    assert eval(repr(change)) == change
    assert len(change(some_images(count=0), rng())) == 0


@pytest.mark.parametrize(
    "change", [RandomCrop(6, 2, 1), RandomFlip(0.5, 0.5), Cutout(3, 1), ColorJitter(high=300), RandomAffine()], ids=repr
)
def test_equal_images_are_changed_differently(change):
    images = np.repeat(some_images(count=1), 50, axis=0)
    out = change(images, rng())
    assert len({image.tobytes() for image in out}) > 3
    assert not np.array_equal(out, change(images, rng(1)))


def test_a_loaders_transforms_depend_on_seed_epoch_and_batch_only():
    change = Compose(
        [ToRGB(), RandomCrop(8, 2), RandomFlip(), Cutout(3), ColorJitter(high=255), Normalize(100.0, 50.0)]
    )

    def batches(seed, prefetch=0):
        loader = DataLoader(some_images(), 6, shuffle=True, seed=seed, transform=change, prefetch=prefetch)
        return [images.data.tobytes() for _ in range(2) for (images,) in loader]

    assert batches(1) == batches(1, prefetch=2)
    assert len(set(batches(1))) == 8
    assert batches(1) != batches(2)


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


def test_brightness_scales_from_black_and_contrast_from_the_mean():
    images = 0.25 + some_images(channels=3) / 1020  # 0.25 to 0.5: nothing is clipped
    bright = ColorJitter(0.3, 0)(images, rng())
    factor = bright / images
    np.testing.assert_allclose(factor, factor[:, :1, :1, :1] * np.ones_like(factor), rtol=1e-5)
    assert 0.7 <= factor.min() < 0.8
    assert 1.2 < factor.max() <= 1.3
    contrast = ColorJitter(0, 0.3)(images, rng())
    np.testing.assert_allclose(contrast.mean(axis=(1, 2, 3)), images.mean(axis=(1, 2, 3)), rtol=1e-5)
    spread = contrast.std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
    assert 0.7 <= spread.min() < 0.85
    assert 1.15 < spread.max() <= 1.3


def test_black_is_where_it_is_said_to_be():
    images = np.full((9, 1, 2, 2), -0.1, np.float32)
    np.testing.assert_allclose(ColorJitter(0.5, 0, low=-0.1, high=1.175)(images, rng()), -0.1, rtol=1e-6)


@given(brightness=st.floats(0, 1), contrast=st.floats(0, 1), seed=st.integers(0, 99))
def test_values_stay_in_their_range(brightness, contrast, seed):
    out = ColorJitter(brightness, contrast, 0, 255)(some_images(channels=3), rng(seed))
    assert out.min() >= 0
    assert out.max() <= 255


def test_gray_becomes_three_equal_channels_and_color_stays():
    gray, color = some_images(), some_images(channels=3)
    np.testing.assert_array_equal(ToRGB()(gray), np.concatenate([gray] * 3, axis=1))
    np.testing.assert_array_equal(ToRGB()(color), color)


def test_resize_as_a_transform_and_to_a_rectangle():
    images = some_images()
    np.testing.assert_array_equal(Resize(6)(images), resize(images, 6))
    np.testing.assert_array_equal(resize(images, (8, 4)), resize(resize(images, (8, 9)), (8, 4)))
    assert resize(images, (3, 12)).shape == (20, 1, 3, 12)


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            lambda: RandomCrop(9)(some_images(), rng()),
            "RandomCrop: the images must be at least 9 x 9 pixels, got 8 x 9. Pad or resize them before.",
        ),
        (
            lambda: CenterCrop((8, 10))(some_images()),
            "CenterCrop: the images must be at least 8 x 10 pixels, got 8 x 9. Pad or resize them before.",
        ),
        (lambda: RandomCrop(0), "RandomCrop: the size must be at least 1 pixel, got 0."),
        (lambda: resize(some_images(), (0, 3)), "resize: the size must be at least 1 pixel, got (0, 3)."),
        (lambda: Pad(-1), "Pad: padding must be at least 0 pixels, got -1. Use CenterCrop to cut off."),
        (lambda: RandomFlip(1.5), "RandomFlip: horizontal is a probability, from 0 to 1, got 1.5."),
        (lambda: Cutout(-1), "Cutout: size must be at least 0 pixels, got -1."),
        (lambda: ColorJitter(contrast=2), "ColorJitter: contrast is the largest change, from 0 to 1, got 2. Use 0.2."),
        (lambda: ColorJitter(low=1), "ColorJitter: low must be below high, got 1 and 1.0."),
        (lambda: ToRGB()(some_images(channels=4)), "ToRGB: images must have 1 or 3 channels, got 4."),
        (
            lambda: Pad(1)(np.zeros((3, 3))),
            "Pad: needs images (N, C, H, W), got float64 (3, 3). Use images[:, None] to add a channel axis, "
            "images.astype(np.float32) / 255 for bytes.",
        ),
    ],
)
def test_wrong_settings_and_images_are_explained(fail, message):
    with pytest.raises(DataError) as error:
        fail()
    assert str(error.value) == message
