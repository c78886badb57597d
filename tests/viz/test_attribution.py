"""Grad-CAM: it points at what the network was built to look at."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import interpolate
from minigrad.viz.activations import feature_maps
from minigrad.viz.attribution import grad_cam


class Detectors(nn.Module):
    """Two detectors: of bright spots, and of dark ones; a class each."""

    def __init__(self):
        self.conv = nn.Conv2d(1, 2, 3, padding=1, bias=False)
        kernel = np.full((3, 3), 1 / 9, np.float32)
        self.conv.weight.data = np.stack([kernel, -kernel])[:, None]
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv(x)).mean(axis=(2, 3))


def spots():
    """A bright spot at the top left, and a dark one at the bottom right."""
    image = np.zeros((1, 12, 12), np.float32)
    image[0, 1:4, 1:4], image[0, 8:11, 8:11] = 1, -1
    return image


@pytest.mark.parametrize(("target", "place", "other"), [(0, (2, 2), (9, 9)), (1, (9, 9), (2, 2))])
def test_grad_cam_is_high_where_the_class_is_seen_and_zero_elsewhere(target, place, other):
    cam = grad_cam(Detectors(), spots(), "relu", target)
    assert cam.shape == (12, 12)
    assert np.unravel_index(cam.argmax(), cam.shape) == place
    assert cam[other] == 0
    assert cam.min() == 0


def test_grad_cam_is_its_formula(rng):
    mg.seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4)).astype(float)
    images = rng.normal(size=(2, 2, 8, 8))
    maps = mg.Tensor(feature_maps(model, images, "1"))
    scores = lambda a: model[4](model[3](model[2](a)))  # noqa: E731
    for target in range(4):
        slope = mg.grad(lambda a, c=target: scores(a)[:, c].sum())(maps).numpy()
        weights = slope.mean(axis=(2, 3))
        expected = np.maximum(np.einsum("nk,nkij->nij", weights, maps.numpy()), 0)
        np.testing.assert_allclose(grad_cam(model, images, "1", target, upsample=False), expected, atol=1e-12)
    stretched = interpolate(mg.Tensor(expected[:, None]), size=(8, 8), mode="bilinear").numpy()[:, 0]
    np.testing.assert_allclose(grad_cam(model, images, "1", 3), stretched, atol=1e-12)


def test_each_image_has_its_own_target_and_the_likeliest_class_is_the_default(rng):
    mg.seed(1)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    images = rng.normal(size=(4, 1, 8, 8)).astype(np.float32)
    likeliest = model(mg.Tensor(images)).numpy().argmax(axis=1)
    together = grad_cam(model, images, "1", likeliest)
    np.testing.assert_array_equal(together, grad_cam(model, images, "1"))
    for image, target, cam in zip(images, likeliest, together, strict=True):
        np.testing.assert_allclose(grad_cam(model, image, "1", int(target)), cam, atol=1e-6)


def test_grad_cam_of_a_layer_called_twice_is_that_of_its_last_call():
    class Shared(nn.Module):
        def __init__(self):
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(2 * self.relu(x)).mean(axis=(2, 3))

    image = np.abs(spots())
    cam = grad_cam(Shared(), image, "relu", 0, upsample=False)
    np.testing.assert_allclose(cam, 2 * image[0] / 144, rtol=1e-6)


@pytest.mark.parametrize("target", [3, -1, 1.0, [0, 1], "cat"])
def test_a_target_that_is_no_class_is_refused(target):
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(100, 3))
    with pytest.raises(UsageError, match="a target is a class from 0 to 2, or 1 of them"):
        grad_cam(model, spots(), "0", target)


def test_grad_cam_needs_maps_and_scores():
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(100, 3))
    with pytest.raises(ShapeError, match=r"'1' gives \(1, 100\), not maps \(N, K, I, J\)"):
        grad_cam(model, spots(), "1")
    with pytest.raises(ShapeError, match=r"not scores \(N, D\)"):
        grad_cam(model[:1], spots(), "0")
