"""Pooling to a given size: against PyTorch, and what holds for any size."""

import math
from itertools import product

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable

SIZES = [(1, 1), (2, 3), (3, 2), (7, 7), (5, None), 4]
NAMES = ("adaptive_avg_pool2d", "adaptive_max_pool2d")


def distinct(rng, *shape):
    return rng.permutation(math.prod(shape)).reshape(shape) / 7.0


@pytest.mark.peer
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_adaptive_pooling_equals_pytorch(torch, rng, name, size):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    for shape in ((2, 3, 1, 4), (2, 3, 5, 6), (3, 7, 4), (2, 1, 6, 6)):
        assert_equal(torch, lambda x: ours(x, size), lambda x: theirs(x, size), [distinct(rng, *shape)])


@pytest.mark.peer
@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize("name", ["adaptive_avg_pool1d", "adaptive_max_pool1d"])
def test_adaptive_pooling_of_sequences_equals_pytorch(torch, rng, name, size):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    for shape in ((2, 3, 7), (3, 4)):
        assert_equal(torch, lambda x: ours(x, size), lambda x: theirs(x, size), [distinct(rng, *shape)])


@pytest.mark.peer
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_places_of_the_largest_equal_pytorch(torch, rng, size):
    x = distinct(rng, 2, 3, 5, 6) // 2  # with ties
    theirs = torch.nn.functional.adaptive_max_pool2d
    found = F.adaptive_max_pool2d(Tensor(x), size, return_indices=True)
    for ours, expected in zip(found, theirs(torch.tensor(x), size, return_indices=True), strict=True):
        np.testing.assert_array_equal(ours, expected)
    if size == 4:
        found = F.adaptive_max_pool1d(Tensor(x[0]), size, return_indices=True)
        expected = torch.nn.functional.adaptive_max_pool1d(torch.tensor(x[0]), size, return_indices=True)
        np.testing.assert_array_equal(found[1], expected[1])


def test_global_average_pooling_is_the_mean(rng):
    x = rng.normal(size=(2, 3, 5, 7))
    np.testing.assert_allclose(F.adaptive_avg_pool2d(Tensor(x), 1)[..., 0, 0], x.mean(axis=(2, 3)), rtol=1e-12)


@pytest.mark.parametrize("side", [4, 5])
def test_first_largest_pixel_of_a_cell_gets_the_gradient(side):
    x = variable(np.ones((1, 1, side, side)))
    F.adaptive_max_pool2d(x, 2).sum().backward()
    expected = np.zeros((side, side))
    expected[::2, ::2][:2, :2] = 1
    np.testing.assert_array_equal(x.grad[0, 0], expected)


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_spatial_pyramid_has_one_length_for_images_of_any_size(rng, mode):
    for height, width in product((4, 7, 13), (5, 9)):
        x = rng.normal(size=(2, 3, height, width))
        assert F.spatial_pyramid_pool(Tensor(x), mode=mode).shape == (2, 3 * (1 + 4 + 16))


def test_spatial_pyramid_joins_its_levels(rng):
    x = Tensor(rng.normal(size=(2, 3, 6, 5)))
    y = F.spatial_pyramid_pool(x, levels=(2, (1, 3)), mode="avg").numpy()
    np.testing.assert_array_equal(y[:, :12], F.adaptive_avg_pool2d(x, 2).numpy().reshape(2, 12))
    np.testing.assert_array_equal(y[:, 12:], F.adaptive_avg_pool2d(x, (1, 3)).numpy().reshape(2, 9))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.adaptive_avg_pool2d(Tensor(np.ones((2, 2))), 1), ShapeError, r"\(N, C, H, W\) or \(C, H, W\), got"),
        (lambda: F.adaptive_max_pool2d(Tensor(np.ones((1, 2, 0, 3))), 1), ShapeError, "has no pixels to pool"),
        (lambda: F.adaptive_avg_pool2d(Tensor(np.ones((1, 2, 3, 3))), (1, 2, 3)), UsageError, "one or two numbers"),
        (lambda: F.adaptive_avg_pool2d(Tensor(np.ones((1, 2, 3, 3))), -1), UsageError, "of at least 0, not -1"),
        (lambda: F.spatial_pyramid_pool(Tensor(np.ones((1, 2, 3, 3))), mode="min"), UsageError, "not 'min'"),
        (lambda: F.spatial_pyramid_pool(Tensor(np.ones((1, 2, 3, 3))), ()), UsageError, "there are no levels"),
        (
            lambda: F.adaptive_max_pool2d(Tensor(np.ones((2, 3, 3))), (0, 2)),
            ShapeError,
            "a grid of 0 x 2 cells has none",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
