"""Resized images: against PyTorch in all modes, and what holds of them."""

from itertools import product

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal

TARGETS = [
    {"size": (7, 3)},
    {"size": (5, 6)},
    {"size": 1},
    {"scale_factor": 2},
    {"scale_factor": (1.5, 0.6)},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
    {"scale_factor": 2.3},
    {"scale_factor": 0.45},
]
MODES = [
    ("nearest", None), ("nearest-exact", None), ("area", None),
    *product(("bilinear", "bicubic"), (None, False, True)),
]  # fmt: skip


def compare(torch, x, **settings):
    assert_equal(
        torch,
        lambda x: F.interpolate(x, **settings),
        lambda x: torch.nn.functional.interpolate(x, **settings),
        [x],
        single=1e-4,  # PyTorch takes weights in single precision, too
    )


@pytest.mark.peer
@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize(("mode", "aligned"), MODES)
def test_resized_image_equals_pytorch(torch, rng, mode, aligned, target):
    compare(torch, rng.normal(size=(2, 3, 5, 6)), mode=mode, align_corners=aligned, **target)


@pytest.mark.peer
@pytest.mark.parametrize("target", [{"size": 7}, {"size": (1,)}, {"scale_factor": 1.3}, {"scale_factor": 0.5}], ids=str)
@pytest.mark.parametrize(
    ("mode", "aligned"),
    [("nearest", None), ("nearest-exact", None), ("area", None), ("linear", None), ("linear", True)],
)
def test_resized_sequence_equals_pytorch(torch, rng, mode, aligned, target):
    compare(torch, rng.normal(size=(2, 3, 5)), mode=mode, align_corners=aligned, **target)


@pytest.mark.peer
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear"])
def test_factor_that_changes_no_size_is_treated_as_in_pytorch(torch, rng, mode):
    compare(torch, rng.normal(size=(2, 3, 20, 4)), mode=mode, scale_factor=(1.04, 2))


@pytest.mark.peer
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
def test_factor_that_changes_no_length_is_treated_as_in_pytorch(torch, rng, mode):
    x = rng.normal(size=(2, 3, 7))
    for factor in (1.01, 1.1):
        found = F.interpolate(Tensor(x), scale_factor=factor, mode=mode)
        expected = torch.nn.functional.interpolate(torch.tensor(x), scale_factor=factor, mode=mode)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area", "bilinear", "bicubic"])
def test_even_image_stays_even(mode):
    y = F.interpolate(Tensor(np.full((1, 2, 5, 7), 3.0)), size=(8, 4), mode=mode)
    np.testing.assert_allclose(y, np.full((1, 2, 8, 4), 3.0), rtol=1e-12)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_ramp_between_aligned_corners_stays_a_ramp(mode):
    x = np.broadcast_to(np.linspace(0, 1, 5), (1, 1, 5, 5))
    y = F.interpolate(Tensor(x), size=(3, 9), mode=mode, align_corners=True).numpy()
    inner = slice(None) if mode == "bilinear" else slice(2, 7)  # cubics look beyond the edge
    np.testing.assert_allclose(y[0, 0, :, inner], np.broadcast_to(np.linspace(0, 1, 9), (3, 9))[:, inner], atol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_infinite_pixel_reaches_only_its_neighbors(mode):
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 0, 0] = np.inf
    y = F.interpolate(Tensor(x), scale_factor=2, mode=mode).numpy()
    assert np.isinf(y[0, 0, :2, :2]).all()
    assert np.isfinite(y[0, 0, 3:]).all()
    assert np.isfinite(y[0, 0, :, 3:]).all()


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(2, 8, 3, 2), (4, 3, 2), (2, 1, 12, 1, 2)])
def test_pixel_shuffle_equals_pytorch(torch, rng, shape):
    theirs = torch.nn.functional.pixel_shuffle
    assert_equal(torch, lambda x: F.pixel_shuffle(x, 2), lambda x: theirs(x, 2), [rng.normal(size=shape)])


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(2, 1, 6, 9), (2, 3, 3)])
def test_pixel_unshuffle_equals_pytorch_and_undoes_pixel_shuffle(torch, rng, shape):
    theirs, x = torch.nn.functional.pixel_unshuffle, rng.normal(size=shape)
    assert_equal(torch, lambda x: F.pixel_unshuffle(x, 3), lambda x: theirs(x, 3), [x])
    np.testing.assert_array_equal(F.pixel_shuffle(F.pixel_unshuffle(Tensor(x), 3), 3), x)


X = Tensor(np.ones((1, 2, 3, 3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.interpolate(X), UsageError, "either size or scale_factor"),
        (lambda: F.interpolate(X, 2, 2.0), UsageError, "either size or scale_factor"),
        (lambda: F.interpolate(X, (2, 2, 2)), UsageError, "give one number, or one for each"),
        (lambda: F.interpolate(X, 2, mode="cubic"), UsageError, "bicubic, area, not 'cubic'"),
        (lambda: F.interpolate(X, 2, mode="linear"), ShapeError, "is for 3 dimensions"),
        (lambda: F.interpolate(X[0, 0], 2), ShapeError, "is for 3, 4 or 5 dimensions"),
        (lambda: F.interpolate(X, 2, align_corners=True), UsageError, "not for 'nearest'"),
        (lambda: F.interpolate(X, 2, mode="bilinear", antialias=True), UsageError, "antialias is not supported"),
        (lambda: F.interpolate(X, scale_factor=0.1), ShapeError, r"sides of \(3, 3\) cannot become \(0, 0\)"),
        (
            lambda: F.interpolate(X, scale_factor=0),
            UsageError,
            "scale_factor is a finite number above 0, got 0",
        ),
        (lambda: F.interpolate(X, scale_factor=(2, -1)), UsageError, r"a finite number above 0, got \(2, -1\)"),
        (lambda: F.interpolate(X, scale_factor=np.nan), UsageError, "a finite number above 0, got nan"),
        (lambda: F.interpolate(X, scale_factor=np.inf), UsageError, "a finite number above 0, got inf"),
        (lambda: F.interpolate(X, 2.5), UsageError, "size is made of integers, got 2.5"),
        (lambda: F.pixel_shuffle(X, 2), ShapeError, r"expected x \(..., C\*4, H, W\), got shape \(1, 2, 3, 3\)"),
        (lambda: F.pixel_unshuffle(X, 2), ShapeError, r"expected x \(..., C, H\*2, W\*2\)"),
        (lambda: F.pixel_shuffle(X, 0), UsageError, "an integer of at least 1, not 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
