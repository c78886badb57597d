"""Grad-CAM and the deconvnet: they point at what the network was built to look at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrad_models.zfnet import ZFNetSmall
from minigrad_models.zfnet import deconvnet as deconvnet_of_the_paper

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import interpolate
from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvnet import deconvnet
from minigrad.viz.plot_attribution import plot_deconvnet, plot_grad_cam, plot_receptive_field
from minigrad.viz.probe import feature_maps
from minigrad.viz.receptive_field import effective_field


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


# ---- deconvnet ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["features.1", "features.5", "features.9", "features.13", "classifier.2"])
def test_the_deconvnet_is_that_of_the_paper(layer, rng):
    model = ZFNetSmall(rng=np.random.default_rng(0)).eval()
    images = rng.normal(size=(3, 1, 32, 32)).astype(np.float32)
    unit = int(feature_maps(model, images, layer).reshape(3, -1)[0].argmax())
    if not layer.startswith("classifier"):
        maps = feature_maps(model, images, layer)[0]
        unit = int(np.unravel_index(maps.argmax(), maps.shape)[0])
    expected = deconvnet_of_the_paper(model, images, layer, unit).numpy()
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(deconvnet(model, images, layer, unit), expected, atol=1e-6 * np.abs(expected).max())


def test_the_signal_is_rectified_and_guided_also_masked():
    """One pixel, three ways: alive, dead (its ReLU sees -3), and alive with a negative signal on the way back."""
    model = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False), nn.ReLU(), nn.Conv2d(3, 1, 1, bias=False))
    model[0].weight.data = np.array([2, -3, 1], np.float32).reshape(3, 1, 1, 1)
    model[2].weight.data = np.array([5, 7, -1], np.float32).reshape(1, 3, 1, 1)
    image = np.ones((1, 1, 1), np.float32)
    answer = 5 * 2 - 1 * 1
    assert deconvnet(model, image, "2", 0).item() == answer * (5 * 2 + 7 * -3)  # what the input was does not count
    assert deconvnet(model, image, "2", 0, guided=True).item() == answer * 5 * 2


@given(seed=st.integers(0, 1000), channel=st.integers(0, 3))
def test_the_answer_lies_inside_of_the_receptive_field(seed, channel):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, rng=rng))
    image = rng.normal(size=(1, 16, 16)).astype(np.float32)
    back = deconvnet(model, image, "3", (channel, 1, 2))[0]
    seen = np.zeros((16, 16), bool)
    seen[2:10, 4:12] = True  # 3x3 units two pixels apart, each of 4x4 pixels
    assert np.abs(back).max() > 0
    assert not back[~seen].any()


def test_a_channel_alone_stands_for_its_largest_answer(rng):
    mg.seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    image = rng.normal(size=(1, 9, 9)).astype(np.float32)
    maps = feature_maps(model, image, "1")
    row, column = np.unravel_index(maps[2].argmax(), maps[2].shape)
    np.testing.assert_array_equal(
        deconvnet(model, image, "1", 2), deconvnet(model, image, "1", (2, int(row), int(column)))
    )


def test_a_network_with_a_shortcut_will_do():
    model = nn.Sequential(nn.Residual(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())), nn.ReLU())
    model[0].block[0].weight.data = np.eye(9, dtype=np.float32)[4].reshape(1, 1, 3, 3)  # the pixel itself
    image = spots()
    back = deconvnet(model, image, "1", (0, 2, 2))
    assert back[0, 2, 2] == 2 * 2  # the answer 1 + 1, along two ways
    assert np.count_nonzero(back) == 1


# ---- plots -------------------------------------------------------------------------------------------------------


def rectangle(ax):
    """Left, top, right and bottom of the frame that is drawn, in pixels."""
    from matplotlib.patches import Rectangle

    (frame,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    (left, top), width, height = frame.get_xy(), frame.get_width(), frame.get_height()
    return left + 0.5, top + 0.5, left + 0.5 + width, top + 0.5 + height


def test_the_glow_over_the_image_is_grad_cam():
    ax = plot_grad_cam(Detectors(), spots(), "relu", 1)
    under, over = ax.images
    np.testing.assert_array_equal(np.asarray(under.get_array()), spots()[0])
    cam = grad_cam(Detectors(), spots(), "relu", 1)
    np.testing.assert_allclose(np.asarray(over.get_array()), cam / cam.max())
    assert over.get_clim() == (0, 1)
    assert over.cmap(0.0)[3] == 0  # where nothing is, the image shows
    assert over.cmap(1.0)[3] > 0.8
    assert "class 1" in ax.get_title(loc="left")


def test_where_nothing_speaks_for_a_class_the_plot_says_so():
    ax = plot_grad_cam(Detectors(), np.zeros((1, 12, 12), np.float32), "relu", 0)
    assert ax.get_title(loc="left").endswith("nothing")
    assert not np.asarray(ax.images[1].get_array()).any()


def test_the_deconvnet_is_drawn_with_the_field_of_its_unit():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
    ax = plot_deconvnet(model, spots(), "2", (1, 2, 3))
    assert rectangle(ax) == (6, 4, 10, 8)
    np.testing.assert_array_equal(np.asarray(ax.images[0].get_array()), deconvnet(model, spots(), "2", (1, 2, 3))[0])
    low, high = ax.images[0].get_clim()
    assert low == -high
    assert not plot_deconvnet(model, spots(), "2", (1, 2, 3), frame=False).patches
    maps = feature_maps(model, spots(), "2")[1]
    row, column = np.unravel_index(maps.argmax(), maps.shape)
    assert f"unit 1, {row}, {column}: {maps.max():.3g}" in plot_deconvnet(model, spots(), "2", 1).get_title(loc="left")


def test_the_receptive_field_is_framed_and_its_shares_sum_to_the_whole():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Conv2d(2, 2, 3))
    ax = plot_receptive_field(model, spots(), "2", (3, 1))
    assert rectangle(ax) == (1, 3, 6, 8)
    shares = np.asarray(ax.images[0].get_array())
    assert shares.sum() == pytest.approx(100)
    field = effective_field(model, spots(), "2", (3, 1))
    np.testing.assert_allclose(shares, 100 * field / field.sum())
    assert "sees 5×5" in ax.get_title(loc="left")


def test_plots_of_one_image_refuse_several(rng):
    images = rng.normal(size=(2, 1, 12, 12)).astype(np.float32)
    for plot in (
        lambda: plot_grad_cam(Detectors(), images, "relu"),
        lambda: plot_deconvnet(Detectors(), images, "relu", 0),
    ):
        with pytest.raises(ShapeError, match=r"expected one image \(C, H, W\), got 2"):
            plot()
