"""All laws (gradients of both orders, shapes, dtypes, layouts, purity ...) on the functions for images and features."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.testing import laws

RNG = np.random.default_rng(7)
IMAGE = RNG.permutation(2 * 2 * 4 * 5).reshape(2, 2, 4, 5) / 16 - 2.03
WIDE = RNG.permutation(2 * 4 * 2 * 3).reshape(2, 4, 2, 3) / 16 - 1.53
SEQUENCE = RNG.permutation(2 * 2 * 6).reshape(2, 2, 6) / 8 - 1.02
INDICES = np.array([[[[0, 3], [10, 13]]]])


def some(*shape):
    return RNG.integers(-16, 16, shape) / 8 + 0.03


CALLS = [
    (F.conv1d, (SEQUENCE, some(3, 2, 4), some(3)), {"padding": "same"}),
    (F.conv2d, (IMAGE, some(2, 1, 3, 2), some(2)), {"padding": "same", "groups": 2}),
    (F.conv2d, (IMAGE[0], some(2, 2, 3, 2)), {"stride": 2, "padding": 1}),
    (F.true_conv2d, (IMAGE, some(2, 2, 3, 2), some(2)), {}),
    (F.conv_transpose1d, (SEQUENCE, some(2, 2, 3), some(2)), {"stride": 2, "output_padding": 1}),
    (F.conv_transpose2d, (WIDE, some(4, 1, 2, 2), some(2)), {"groups": 2, "dilation": 3, "output_padding": 2}),
    (F.locally_connected2d, (IMAGE[:, :, :3, :3], some(2, 2, 2, 2, 2, 2), some(2, 2, 2)), {}),
    (F.unfold, (IMAGE,), {"kernel_size": (2, 3), "padding": 1, "stride": 2}),
    (F.fold, (some(2, 8, 6),), {"output_size": (3, 4), "kernel_size": 2}),
    (F.max_pool1d, (SEQUENCE,), {"kernel_size": 3, "stride": 2}),
    (F.max_pool2d, (IMAGE,), {"kernel_size": 2, "ceil_mode": True}),
    (F.max_pool2d, (IMAGE,), {"kernel_size": 2, "return_indices": True}),
    (F.max_unpool1d, (some(1, 1, 3), np.array([[[0, 1, 5]]])), {"kernel_size": 2}),
    (F.max_unpool2d, (some(1, 1, 2, 2), INDICES), {"kernel_size": 2}),
    (F.avg_pool1d, (SEQUENCE,), {"kernel_size": 3, "padding": 1}),
    (F.avg_pool2d, (IMAGE,), {"kernel_size": 2, "divisor_override": 3}),
    (F.lp_pool1d, (SEQUENCE,), {"norm_type": 2, "kernel_size": 2}),
    (F.lp_pool2d, (IMAGE,), {"norm_type": 3, "kernel_size": 2, "ceil_mode": True}),
    (F.adaptive_avg_pool1d, (SEQUENCE,), {"output_size": 4}),
    (F.adaptive_avg_pool2d, (IMAGE,), {"output_size": (2, 3)}),
    (F.adaptive_max_pool1d, (SEQUENCE,), {"output_size": 4}),
    (F.adaptive_max_pool2d, (IMAGE,), {"output_size": (2, 3)}),
    (F.spatial_pyramid_pool, (IMAGE,), {"levels": (1, 2)}),
    (F.spatial_pyramid_pool, (IMAGE,), {"levels": (1, 3), "mode": "avg"}),
    (F.batch_norm, (WIDE, None, None, some(4), some(4)), {"training": True, "eps": 0.1}),
    (F.batch_norm, (WIDE, np.arange(4) / 2.0, np.arange(1, 5) / 2.0, some(4), some(4)), {}),
    (F.layer_norm, (WIDE,), {"normalized_shape": (2, 3), "eps": 0.1}),
    (F.instance_norm, (WIDE, None, None, some(4), some(4)), {"eps": 0.1}),
    (F.group_norm, (WIDE,), {"num_groups": 2, "eps": 0.1}),
    (F.local_response_norm, (WIDE,), {"size": 3, "alpha": 0.5}),
    (F.local_response_norm, (WIDE,), {"size": 2, "alpha": 0.5}),
    (F.local_contrast_norm, (IMAGE[:1, :, :3, :3],), {"kernel_size": 3}),
    (F.linear, (some(2, 3), some(2, 3), some(2)), {}),
    (F.bilinear, (some(2, 3), some(2, 2), some(2, 3, 2), some(2)), {}),
    (F.embedding, (np.array([[0, 2], [2, 1]]), some(3, 2)), {}),
    (F.pad, (IMAGE[:1],), {"pad": (1, 2, -1, 0), "value": 1.5}),
    (F.pad, (IMAGE[:1],), {"pad": (1, 2, 2, 1), "mode": "reflect"}),
    (F.pad, (IMAGE[:1],), {"pad": (1, 2, 2, 1), "mode": "replicate"}),
    (F.pad, (IMAGE[:1],), {"pad": (1, 2, 2, 1), "mode": "circular"}),
    (F.interpolate, (IMAGE[:1],), {"size": (3, 7)}),
    (F.interpolate, (IMAGE[:1],), {"scale_factor": 1.6, "mode": "bilinear"}),
    (F.interpolate, (IMAGE[:1],), {"size": (3, 7), "mode": "bicubic"}),
    (F.pixel_shuffle, (WIDE,), {"upscale_factor": 2}),
    (F.pixel_unshuffle, (IMAGE[..., :4],), {"downscale_factor": 2}),
    (F.normalize, (some(2, 3),), {}),
    (F.cosine_similarity, (some(2, 3), some(1, 3)), {}),
]  # fmt: skip


@pytest.mark.parametrize(("f", "inputs", "settings"), CALLS, ids=lambda x: getattr(x, "__name__", ""))
def test_laws(f, inputs, settings):
    laws.all_of(f, *inputs, **settings)


BATCHES = [(f, inputs, settings) for f, inputs, settings in CALLS if inputs[0].ndim == 4 and len(inputs[0]) == 2]


@pytest.mark.parametrize(("f", "inputs", "settings"), BATCHES, ids=lambda x: getattr(x, "__name__", ""))
def test_empty_batch_gives_an_empty_batch(f, inputs, settings):
    x, *others = inputs
    full, empty = Tensor(x), Tensor(x[:0], requires_grad=True)
    expected, found = f(full, *others, **settings), f(empty, *others, **settings)
    for whole, none in zip(*[y if isinstance(y, tuple) else (y,) for y in (expected, found)], strict=True):
        assert none.shape == (0, *whole.shape[1:])
    (found[0] if isinstance(found, tuple) else found).sum().backward()
    assert empty.grad.shape == empty.shape


WITHOUT_BATCH = [
    F.conv2d, F.true_conv2d, F.unfold, F.max_pool2d, F.avg_pool2d, F.lp_pool2d, F.adaptive_avg_pool2d,
    F.adaptive_max_pool2d, F.spatial_pyramid_pool, F.local_contrast_norm, F.locally_connected2d, F.conv_transpose2d,
]  # fmt: skip


@pytest.mark.parametrize(
    ("f", "inputs", "settings"),
    [call for call in CALLS if call[0] in WITHOUT_BATCH and call[1][0].ndim == 4],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_single_image_equals_a_batch_of_one(f, inputs, settings):
    x, *others = inputs
    single, batch = (f(Tensor(y), *others, **settings) for y in (x[0], x[:1]))
    for one, many in zip(*[y if isinstance(y, tuple) else (y,) for y in (single, batch)], strict=True):
        np.testing.assert_array_equal(one.numpy(), many.numpy()[0])


@pytest.mark.parametrize(
    ("f", "inputs", "settings"),
    [
        (F.conv1d, (np.ones((2, 2, 2)),), {"padding": 1}),
        (F.conv_transpose1d, (np.ones((2, 2, 2)),), {"stride": 2}),
        (F.max_pool1d, (), {"kernel_size": 2}),
        (F.avg_pool1d, (), {"kernel_size": 2}),
        (F.lp_pool1d, (2, 2), {}),
        (F.adaptive_avg_pool1d, (4,), {}),
        (F.adaptive_max_pool1d, (4,), {}),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_single_sequence_equals_a_batch_of_one(f, inputs, settings):
    single, batch = (f(Tensor(y), *inputs, **settings).numpy() for y in (SEQUENCE[0], SEQUENCE[:1]))
    np.testing.assert_array_equal(single, batch[0])
