"""Affine maps and resizing: by whole pixels, between pixels, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import RandomAffine, affine, resample, resize

STILL = {"degrees": 0, "translate": 0, "scale": (1, 1)}


class UpperBounds:
    """A generator that always draws the largest amount: it turns random motions into known ones."""

    def uniform(self, low, high, size):
        return np.full(size, high, dtype=float)


def some_images(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).random(shape).astype(dtype)


def rng():
    return np.random.default_rng(1)


def same_map(images, *rows):
    return np.broadcast_to(np.array(rows, dtype=float), (len(images), 2, 3))


shapes = st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))


@given(shapes, st.sampled_from([None, 0.0, -3.0]), st.sampled_from([np.float16, np.float32, np.float64]))
def test_identity_map_is_the_identity(shape, fill, dtype):
    images = some_images(*shape, dtype=dtype)
    out = affine(images, same_map(images, [1, 0, 0], [0, 1, 0]), fill)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, images)


@given(shapes, st.integers(-10, 10), st.integers(-10, 10), st.sampled_from([None, -3.0]))
def test_translation_by_whole_pixels_is_a_shift(shape, right, down, fill):
    images = some_images(*shape)
    out = affine(images, same_map(images, [1, 0, -right], [0, 1, -down]), fill)
    mode = {"mode": "edge"} if fill is None else {"constant_values": fill}
    padded = np.pad(images, ((0, 0), (0, 0), (10, 10), (10, 10)), **mode)
    rows, columns = 10 - down + np.arange(shape[2]), 10 - right + np.arange(shape[3])
    np.testing.assert_array_equal(out, padded[:, :, rows][:, :, :, columns])


def test_translation_by_half_a_pixel_averages_neighbors():
    images = some_images(2, 1, 4, 6)
    out = affine(images, same_map(images, [1, 0, 0.5], [0, 1, 0]))
    np.testing.assert_allclose(out[..., :-1], (images[..., :-1] + images[..., 1:]) / 2, rtol=1e-6)


def test_each_image_has_its_own_map():
    images = some_images(3, 2, 5, 5)
    maps = same_map(images, [1, 0, 0], [0, 1, 0]).copy()
    maps[1, 0, 2] = 1
    out = affine(images, maps, fill=0)
    np.testing.assert_array_equal(out[[0, 2]], images[[0, 2]])
    np.testing.assert_array_equal(out[1, :, :, :-1], images[1, :, :, 1:])


@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_rotation_by_quarter_turns_is_rot90(size, quarters):
    images = some_images(2, 1, size, size)
    turn = np.deg2rad(90 * quarters)
    maps = same_map(images, [np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0])
    np.testing.assert_allclose(affine(images, maps), np.rot90(images, quarters, axes=(2, 3)), atol=1e-5)


def test_maps_keep_values_between_the_extremes_of_image_and_fill():
    images = some_images(8, 1, 6, 6)
    out = affine(images, np.random.default_rng(2).normal(size=(8, 2, 3)) * 3, fill=-1)
    assert out.min() == -1
    assert out.max() <= images.max() + 1e-6


def test_a_batch_resampled_in_blocks_equals_image_by_image(monkeypatch):
    images, maps = some_images(7, 2, 5, 4), np.random.default_rng(2).normal(size=(7, 2, 3))
    single = [affine(images[i : i + 1], maps[i : i + 1], fill=0) for i in range(7)]
    monkeypatch.setattr(resample, "BLOCK_PIXELS", 3 * images[0].size)
    np.testing.assert_array_equal(affine(images, maps, fill=0), np.concatenate(single))


def test_random_affine_of_no_motion_is_the_identity():
    images = some_images(4, 1, 8, 8)
    np.testing.assert_array_equal(RandomAffine(**STILL)(images, rng()), images)


def test_positive_degrees_turn_counterclockwise():
    images = some_images(2, 1, 6, 6)
    out = RandomAffine(**{**STILL, "degrees": 90})(images, UpperBounds())
    np.testing.assert_allclose(out, np.rot90(images, axes=(2, 3)), atol=1e-5)


def test_translate_is_a_fraction_of_width_and_height_to_the_right_and_down():
    images = some_images(2, 1, 4, 8)
    out = RandomAffine(**{**STILL, "translate": 0.25}, fill=-1)(images, UpperBounds())
    np.testing.assert_array_equal(out[:, :, 1:, 2:], images[:, :, :-1, :-2])
    np.testing.assert_array_equal(out[:, :, :1], -1)
    np.testing.assert_array_equal(out[..., :2], -1)


def test_scale_above_1_enlarges_about_the_center():
    images = some_images(2, 1, 5, 5)
    out = RandomAffine(**{**STILL, "scale": (1, 2)})(images, UpperBounds())
    np.testing.assert_allclose(out[:, :, ::2, ::2], images[:, :, 1:4, 1:4], rtol=1e-6)


def test_shear_moves_the_rows_below_the_center_to_the_right():
    images = some_images(2, 1, 3, 5)
    out = RandomAffine(**STILL, shear=45)(images, UpperBounds())
    np.testing.assert_allclose(out[:, :, 1], images[:, :, 1], rtol=1e-5)
    np.testing.assert_allclose(out[:, :, 2, 1:], images[:, :, 2, :-1], rtol=1e-5)
    np.testing.assert_allclose(out[:, :, 0, :-1], images[:, :, 0, 1:], rtol=1e-5)


def test_the_motions_combine_in_the_documented_order():
    height, width = 7, 9
    motion = RandomAffine(degrees=30, translate=0.2, scale=(0.5, 1.5), shear=20)
    turn, slope = np.deg2rad(30), np.tan(np.deg2rad(20))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])  # y is downward
    forward = 1.5 * rotation @ [[1, slope], [0, 1]]
    inverse = np.linalg.inv(forward)
    maps = np.column_stack([inverse, -inverse @ [0.2 * width, 0.2 * height]])[None]
    images = some_images(1, 1, height, width)
    np.testing.assert_allclose(motion(images, UpperBounds()), affine(images, maps), atol=1e-5)


def test_random_affine_moves_equal_images_differently_and_repeatably():
    images = np.repeat(some_images(1, 1, 8, 8), 5, axis=0)
    out = RandomAffine()(images, rng())
    assert len({image.tobytes() for image in out}) == 5
    np.testing.assert_array_equal(out, RandomAffine()(images, rng()))


@given(st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)), st.integers(1, 20))
def test_resize_interpolates_each_axis_between_pixel_centers(shape, size):
    images = some_images(*shape, dtype=np.float64)
    expected = images
    for axis in (2, 3):
        centers = (np.arange(size) + 0.5) * shape[axis] / size - 0.5
        expected = np.apply_along_axis(
            lambda line, at=centers: np.interp(at, np.arange(len(line)), line), axis, expected
        )
    np.testing.assert_allclose(resize(images, size), expected, atol=1e-12)


def test_resize_2_to_4_by_hand():
    images = np.array([[[[0, 4], [0, 4]]]], dtype=np.float32)
    np.testing.assert_array_equal(resize(images, 4)[0, 0], [[0, 1, 3, 4]] * 4)
