"""Normalization and composition, and what all transforms of this file and of resampling keep."""

import numpy as np
import pytest

from minigrad.data import Compose, Normalize, RandomAffine, affine, resize
from minigrad.errors import DataError


def some_images(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).random(shape).astype(dtype)


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize(
    "change",
    [
        RandomAffine(),
        RandomAffine(fill=0.5),
        Normalize(0.5, 2.0),
        Compose([Normalize(0.5, 2.0), RandomAffine()]),
        lambda images, rng: resize(images, 5),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transforms_keep_the_dtype_and_leave_the_input_as_it_was(change, dtype):
    images = some_images(3, 1, 8, 8, dtype=dtype)
    before = images.copy()
    out = change(images, rng())
    assert out.dtype == dtype
    assert not np.shares_memory(out, images)
    np.testing.assert_array_equal(images, before)


def test_transforms_accept_read_only_and_transposed_images():
    images = some_images(3, 8, 8, 2)
    images.flags.writeable = False
    view = images.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(RandomAffine()(view, rng()), RandomAffine()(view.copy(), rng()))


def test_normalize_gives_every_channel_its_mean_and_std():
    images = some_images(5, 2, 3, 3, dtype=np.float64) * [[[3.0]], [[7.0]]]
    mean, std = (tuple(f(images, axis=(0, 2, 3))) for f in (np.mean, np.std))
    out = Normalize(mean, std)(images)
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), 1)


def test_compose_applies_in_order_with_one_generator():
    def add(images, rng):
        return images + rng.integers(100)

    def double(images, rng):
        return images * 2

    draws = rng().integers(100, size=2)
    assert Compose([add, double, add])(np.zeros(()), rng()) == draws[0] * 2 + draws[1]


def test_reprs_are_the_constructors():
    compose = Compose((Normalize(0.5, 2.0), RandomAffine(fill=-0.1)))
    assert eval(repr(compose)) == compose


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            lambda: RandomAffine(degrees=-5),
            "RandomAffine: degrees is the bound of [-degrees, degrees] and must be at least 0, got -5. Use degrees=5.",
        ),
        (
            lambda: RandomAffine(scale=(0.9,)),
            "RandomAffine: scale must be (lower, upper) with 0 < lower <= upper, got (0.9,). "
            "Use (1.0, 1.0) to keep the size.",
        ),
        (
            lambda: RandomAffine(scale=(0.9, 1.0, 1.1)),
            "RandomAffine: scale must be (lower, upper) with 0 < lower <= upper, got (0.9, 1.0, 1.1). "
            "Use (1.0, 1.0) to keep the size.",
        ),
        (
            lambda: RandomAffine(scale=({}, 1.1)),
            "RandomAffine: scale must be (lower, upper) with 0 < lower <= upper, got ({}, 1.1). "
            "Use (1.0, 1.0) to keep the size.",
        ),
        (
            lambda: RandomAffine(scale=(1.2, 0.8)),
            "RandomAffine: scale must be (lower, upper) with 0 < lower <= upper, got (1.2, 0.8). "
            "Use (1.0, 1.0) to keep the size.",
        ),
        (
            lambda: RandomAffine()(np.zeros((2, 8, 8), np.uint8), rng()),
            "RandomAffine: needs floating-point images (N, C, H, W), got uint8 (2, 8, 8). "
            "Use images[:, None] to add a channel axis, images.astype(np.float32) / 255 for bytes.",
        ),
        (
            lambda: affine(np.zeros((4, 1, 8, 8)), np.eye(2, 3)),
            "affine: needs a 2 x 3 map for each of the N = 4 images, maps (N, 2, 3), got (2, 3). "
            "Use np.broadcast_to(map, (N, 2, 3)) to move all of them alike.",
        ),
        (
            lambda: Normalize(0.0, (1.0, 0.0)),
            "Normalize: std must be positive, got (1.0, 0.0). Use 1.0 for a channel that never varies.",
        ),
        (
            lambda: Normalize((0.0, 0.0), 1.0)(some_images(1, 3, 2, 2)),
            "Normalize: mean must have one number or one a channel (C = 3), got 2.",
        ),
    ],
)
def test_wrong_settings_and_images_are_explained(fail, message):
    with pytest.raises(DataError) as error:
        fail()
    assert str(error.value) == message
