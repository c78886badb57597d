"""Brightness and contrast."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import (
    ColorJitter,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def some_images(count=20, channels=1, height=8, width=9, dtype=np.float32):
    return (rng().random((count, channels, height, width)) * 255).astype(dtype)


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
