"""Batch and instance normalization in training and in evaluation."""

import numpy as np
import pytest

from minigrad import DataError, ShapeError, Tensor, nn


def x32(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def test_batch_norm_normalizes_by_the_batch_in_training_and_by_the_past_in_evaluation(rng):
    layer = nn.BatchNorm2d(3, momentum=0.25)
    x = x32(rng, 8, 3, 4, 5) * 3 + 2
    y = layer(Tensor(x)).numpy()
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1, atol=1e-4)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.25 * x.mean(axis=(0, 2, 3)), rtol=1e-5)
    unbiased = x.var(axis=(0, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.75 + 0.25 * unbiased, rtol=1e-5)
    before = layer.eval().state_dict()
    shifted = layer(Tensor(x + 5)).numpy()
    assert shifted.mean() > 2
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.BatchNorm3d, nn.InstanceNorm2d, nn.InstanceNorm3d])
def test_momentum_none_averages_over_all_batches(rng, make):
    layer = make(2, momentum=None, track_running_stats=True)
    batches = [x32(rng, 6, 2, *[4] * (layer.ndims[0] - 2)) for _ in range(5)]
    for x in batches:
        layer(x)
        with pytest.raises(ShapeError):
            layer(x[:, :1])  # what could not be normalized is not counted
    axis = (0, *range(2, x.ndim))
    np.testing.assert_allclose(
        layer.running_mean.numpy(), np.mean([x.mean(axis=axis) for x in batches], axis=0), atol=1e-6
    )
    assert layer.num_batches_tracked.item() == 5
    assert layer.num_batches_tracked.dtype == np.int64
    layer.reset_running_stats()
    assert [b.tolist() for b in layer.buffers()] == [[0, 0], [1, 1], 0]


def test_batch_of_one_without_running_statistics_is_refused_in_evaluation_with_a_way_out():
    layer = nn.BatchNorm1d(3, track_running_stats=False).eval()
    with pytest.raises(DataError, match="use a batch of more than one, or keep running statistics"):
        layer(np.ones((1, 3), np.float32))


def test_norms_without_bias_have_none():
    for layer in (nn.BatchNorm2d(3, bias=False), nn.GroupNorm(1, 3, bias=False), nn.LayerNorm(3, bias=False)):
        assert [name for name, _ in layer.named_parameters()] == ["weight"]


@pytest.mark.parametrize(
    ("make", "shape"), [(nn.BatchNorm1d, ()), (nn.BatchNorm2d, (2, 2)), (nn.BatchNorm3d, (2, 1, 2))]
)
def test_layers_are_converted_to_synchronized_ones_with_all_that_they_know(rng, make, shape):
    model = nn.Sequential(make(3, eps=0.1), nn.Sequential(make(3, affine=False).eval()))
    x = x32(rng, 4, 3, *shape)
    model(x)
    expected, state = model(x).numpy(), {key: value.copy() for key, value in model.state_dict().items()}
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    layers = [layer for layer in converted.modules() if hasattr(layer, "running_mean")]
    assert [type(layer) for layer in layers] == [nn.SyncBatchNorm] * 2
    assert [layer.training for layer in layers] == [True, False]
    for key, value in converted.state_dict().items():
        np.testing.assert_array_equal(value, state[key])
    np.testing.assert_array_equal(converted(x).numpy(), expected)
    assert nn.SyncBatchNorm.convert_sync_batchnorm(layers[0]) is layers[0]
