"""What holds of every transform: dtype, input, repetition, and what it refuses."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("change", [*ANY_DTYPE, *FLOATING, Normalize(0.5, 0.5)], ids=repr)
def test_transforms_in_the_place_of_a_batch_transform_say_where_they_belong(change):
    loader = DataLoader((some_images(count=4), np.arange(4)), 4, batch_transform=change)
    with pytest.raises(
        DataError, match=rf"(?i:{type(change).__name__}): .* got 2 arrays. Use transform= of the DataLoader"
    ):
        next(iter(loader))
