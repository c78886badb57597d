"""Sampling at places of a grid: against PyTorch in all modes, and what holds of it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DTypeError, UsageError
from minigrad.testing import check_grads
from tests.functional.peer import assert_equal

PADDINGS = ("zeros", "border", "reflection")
IMAGES = list(product(("bilinear", "nearest", "bicubic"), PADDINGS, (False, True)))
VOLUMES = [settings for settings in IMAGES if settings[0] != "bicubic"]
IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def compare(torch, settings, x, grid):
    assert_equal(
        torch,
        lambda x, grid: F.grid_sample(x, grid, *settings),
        lambda x, grid: torch.nn.functional.grid_sample(x, grid, *settings),
        [x, grid],
        single=1e-4,
    )


@pytest.mark.peer
@pytest.mark.parametrize("settings", IMAGES, ids=str)
@pytest.mark.parametrize("sides", [(4, 5), (1, 3)], ids=str)
def test_images_equal_pytorchs(torch, rng, settings, sides):
    compare(torch, settings, rng.normal(size=(2, 3, *sides)), rng.uniform(-3, 3, size=(2, 4, 3, 2)))


@pytest.mark.peer
@pytest.mark.parametrize("settings", VOLUMES, ids=str)
def test_volumes_equal_pytorchs(torch, rng, settings):
    compare(torch, settings, rng.normal(size=(2, 3, 3, 4, 2)), rng.uniform(-3, 3, size=(2, 2, 4, 3, 3)))


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior")  # of sides of one element
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 1, 3), (2, 3, 2, 3, 4)], ids=str)
def test_affine_grids_equal_pytorchs(torch, rng, size, align):
    theta = rng.normal(size=(2, len(size) - 2, len(size) - 1))
    assert_equal(
        torch,
        lambda theta: F.affine_grid(theta, size, align),
        lambda theta: torch.nn.functional.affine_grid(theta, list(size), align),
        [theta],
    )


@given(st.sampled_from(IMAGES), st.integers(1, 4), st.integers(1, 4))
def test_identity_leaves_images_as_they_are(settings, height, width):
    mode, padding, align = settings
    x = np.random.default_rng(0).normal(size=(1, 2, height, width))
    grid = F.affine_grid(np.array([IDENTITY]), x.shape, align)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode, padding, align), x, atol=1e-12)


@given(st.sampled_from(["bilinear", "bicubic"]), st.booleans(), st.integers(2, 5), st.integers(2, 5))
def test_regular_grid_is_interpolation(mode, align, height, width):
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 4))
    grid = F.affine_grid(np.array([IDENTITY]), (1, 2, height, width), align)
    expected = F.interpolate(x, (height, width), mode=mode, align_corners=align)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode, "border", align), expected, atol=1e-12)


def test_moved_and_turned_images():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    right = F.grid_sample(x, F.affine_grid(np.array([[[1.0, 0, 2 / 3], [0, 1, 0]]]), x.shape))
    np.testing.assert_allclose(right[0, 0], np.pad(x[0, 0, :, 1:], ((0, 0), (0, 1))), atol=1e-12)
    turned = F.grid_sample(x, F.affine_grid(np.array([[[0.0, 1, 0], [1, 0, 0]]]), x.shape))
    np.testing.assert_allclose(turned[0, 0], x[0, 0].T, atol=1e-12)


@pytest.mark.parametrize("padding", PADDINGS)
def test_places_that_are_no_numbers_or_far_away(padding):
    x = Tensor(np.arange(1.0, 5.0).reshape(1, 1, 2, 2), requires_grad=True)
    places = [[-1.0, -1.0], [np.nan, np.nan], [np.inf, 0], [1e30, -1e30]]
    y = F.grid_sample(x, np.array([[places]]), "bilinear", padding)
    assert np.isfinite(y.numpy()).all()
    assert y[0, 0, 0, 0].item() == y[0, 0, 0, 1].item()
    if padding == "zeros":
        assert y[0, 0, 0, 2:].tolist() == [0, 0]
    y.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_infinite_pixels_stay_where_they_are():
    x = np.array([[[[np.inf, 1.0, 2.0]]]])
    assert F.grid_sample(x, np.array([[[[0.5, 0.0], [3.0, 0.0]]]])).tolist() == [[[[1.75, 0.0]]]]


def test_motion_is_learned_through_an_affine_grid():
    image = np.random.default_rng(0).normal(size=(1, 1, 4, 4))

    def moved(theta):
        return F.grid_sample(image, F.affine_grid(theta, image.shape), padding_mode="border")

    assert check_grads(moved, np.array([[[0.9, 0.13, 0.07], [-0.1, 1.1, -0.05]]]))


def test_misuse_is_told():
    image, grid = np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 1, 2))
    with pytest.raises(UsageError, match="mode is one of bilinear, nearest, bicubic"):
        F.grid_sample(image, grid, "cubic")
    with pytest.raises(UsageError, match="bicubic is for images"):
        F.grid_sample(np.zeros((1, 1, 2, 2, 2)), np.zeros((1, 1, 1, 1, 3)), "bicubic")
    with pytest.raises(ShapeError, match=r"got x \(1, 1, 2, 2\) and grid \(2, 1, 1, 2\)"):
        F.grid_sample(image, np.zeros((2, 1, 1, 2)))
    with pytest.raises(ShapeError, match="no elements to sample"):
        F.grid_sample(np.zeros((1, 1, 0, 2)), grid)
    with pytest.raises(DTypeError):
        F.grid_sample(image.astype(int), grid)
    with pytest.raises(ShapeError, match=r"got theta \(1, 2, 2\)"):
        F.affine_grid(np.zeros((1, 2, 2)), image.shape)
