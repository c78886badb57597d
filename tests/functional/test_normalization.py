"""Normalization: against PyTorch in values, gradients and running statistics, and what it is for."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable

SHAPES = [(5, 3), (4, 3, 6), (2, 3, 4, 5), (2, 4, 2, 2, 3)]
WITH_PIXELS = SHAPES[1:]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
affine = pytest.mark.parametrize("affine", [True, False])


def drawn(rng, shape, affine, parts=None):
    """x far from mean 0, and weight and bias if there are any."""
    parts = (shape[1],) if parts is None else parts
    return [rng.normal(size=shape) * 3 + 5, *[rng.normal(size=parts)] * affine, *[rng.normal(size=parts)] * affine]


@pytest.mark.peer
@affine
@every_shape
def test_batch_norm_in_training_equals_pytorch(torch, rng, shape, affine):
    assert_equal(
        torch,
        lambda x, *wb: F.batch_norm(x, None, None, *wb, training=True, eps=0.01),
        lambda x, *wb: torch.nn.functional.batch_norm(x, None, None, *wb, training=True, eps=0.01),
        drawn(rng, shape, affine),
        single=1e-4,  # the gradient in x is a difference of numbers up to ten times as large
    )


@pytest.mark.peer
@affine
@every_shape
def test_batch_norm_by_running_statistics_equals_pytorch(torch, rng, shape, affine):
    mean, variance = rng.normal(size=shape[1]), rng.uniform(0.5, 2, size=shape[1])

    def theirs(x, *wb):
        running = [torch.tensor(y, dtype=x.dtype) for y in (mean, variance)]
        return torch.nn.functional.batch_norm(x, *running, *wb)

    arrays = drawn(rng, shape, affine)
    assert_equal(torch, lambda x, *wb: F.batch_norm(x, Tensor(mean), Tensor(variance), *wb), theirs, arrays)


@pytest.mark.peer
@affine
@pytest.mark.parametrize("shape", WITH_PIXELS, ids=str)
def test_instance_norm_equals_pytorch(torch, rng, shape, affine):
    assert_equal(
        torch,
        lambda x, *wb: F.instance_norm(x, None, None, *wb),
        lambda x, *wb: torch.nn.functional.instance_norm(x, None, None, *wb),
        drawn(rng, shape, affine),
        single=1e-4,
    )


@pytest.mark.peer
@affine
@every_shape
def test_layer_norm_equals_pytorch(torch, rng, shape, affine):
    for normalized in (shape[1:], shape[-1:], shape):
        assert_equal(
            torch,
            lambda x, *wb, n=normalized: F.layer_norm(x, n, *wb),
            lambda x, *wb, n=normalized: torch.nn.functional.layer_norm(x, n, *wb),
            drawn(rng, shape, affine, normalized),
            single=1e-4,
        )


@pytest.mark.peer
@affine
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm_equals_pytorch(torch, rng, groups, affine):
    for shape in ((3, 6), (2, 6, 4), (2, 6, 3, 2)):
        if groups < 6 or len(shape) > 2:  # a single number a group is refused, where PyTorch gives 0
            assert_equal(
                torch,
                lambda x, *wb: F.group_norm(x, groups, *wb),
                lambda x, *wb: torch.nn.functional.group_norm(x, groups, *wb),
                drawn(rng, shape, affine),
                single=1e-4,
            )


@pytest.mark.peer
@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize(("name", "flag"), [("batch_norm", "training"), ("instance_norm", "use_input_stats")])
def test_running_statistics_move_as_in_pytorch(torch, rng, name, flag, stated):
    start = rng.normal(size=3), rng.uniform(0.5, 2, size=3)
    ours, theirs = [Tensor(y) for y in start], [torch.tensor(y) for y in start]
    for _ in range(3):
        x = rng.normal(size=(4, 3, 2, 5)) * 2 + 1
        getattr(F, name)(Tensor(x), *ours, momentum=0.3, **{flag: stated})
        getattr(torch.nn.functional, name)(torch.tensor(x), *theirs, momentum=0.3, **{flag: stated})
    for found, expected, before in zip(ours, theirs, start, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert np.array_equal(found.numpy(), before) is not stated


# ---- properties ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "axis"),
    [
        (lambda x: F.batch_norm(x, None, None, training=True, eps=0), (0, 2, 3)),
        (lambda x: F.layer_norm(x, (4, 5, 3), eps=0), (1, 2, 3)),
        (lambda x: F.instance_norm(x, eps=0), (2, 3)),
        (lambda x: F.group_norm(x, 1, eps=0), (1, 2, 3)),
    ],
)
def test_mean_becomes_0_and_variance_1(rng, f, axis):
    y = f(Tensor(rng.normal(size=(3, 4, 5, 3)) * 4 - 7)).numpy()
    np.testing.assert_allclose(y.mean(axis=axis), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=axis), 1, rtol=1e-12)


def test_variance_is_right_far_from_0():
    x = Tensor((np.arange(8).reshape(8, 1) % 2 + 1e4).astype(np.float32))  # the mean of squares would lose the 0.25
    y = F.batch_norm(x, None, None, training=True)
    np.testing.assert_allclose(y.numpy(), x.numpy() * 2 - 20001, rtol=1e-4)


def test_half_precision_does_not_overflow_in_the_sums():
    x = variable(np.linspace(-500, 500, 4000).reshape(1000, 4), np.float16)
    y = F.batch_norm(x, None, None, training=True)
    y.sum().backward()
    np.testing.assert_allclose(y.numpy().astype(float).std(axis=0), 1, rtol=1e-3)
    assert np.isfinite(x.grad.numpy()).all()


FAR = [(np.float16, 2e3), (np.float32, 1e30), (np.float32, 1e36), (np.float64, 1e200)]
NORMALIZERS = {
    "batch_norm": lambda x, w: F.batch_norm(x, None, None, w, training=True),
    "layer_norm": lambda x, w: F.layer_norm(x, x.shape[1:], w),
    "instance_norm": lambda x, w: F.instance_norm(x, weight=w),
    "group_norm": lambda x, w: F.group_norm(x, 2, w),
}


@pytest.mark.parametrize("name", NORMALIZERS)
@pytest.mark.parametrize(("dtype", "scale"), FAR)
@pytest.mark.parametrize("size", [(3, 4), (24, 32)])  # by NumPy and by compiled kernels
def test_squares_of_large_numbers_do_not_overflow(rng, name, dtype, scale, size):
    """Where eps is nothing beside the variance, a scale of the input does not change the output."""
    x = rng.uniform(-1, 1, (2, 4, *size)).astype(np.float16).astype(dtype)
    w = rng.normal(size=x.shape[1:] if name == "layer_norm" else x.shape[1]).astype(dtype)
    g = rng.normal(size=x.shape).astype(dtype)

    def results(dtype, factor, record):
        large, weight = variable(x * dtype(factor), dtype), variable(w, dtype)
        y = NORMALIZERS[name](large, weight)
        y.backward(Tensor(g.astype(dtype)), create_graph=record)
        return [out.astype(float) for out in (y.numpy(), large.grad.numpy() * dtype(factor), weight.grad.numpy())]

    tolerance = {np.float16: 0.02, np.float32: 2e-5, np.float64: 1e-10}[dtype]
    for record in (False, True):
        for found, expected in zip(results(dtype, scale, record), results(np.float64, 1e6, False), strict=True):
            np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


def test_large_numbers_in_one_channel_leave_the_others_as_they_are(rng):
    x = rng.normal(size=(6, 3)) * [1e200, 1e-3, 1.0]
    alone = x[:, 1:]

    def derivatives(x):
        x = variable(x)
        y = F.batch_norm(x, None, None, np.ones(x.shape[1]), training=True)
        (y**3).sum().backward(create_graph=True)
        first = x.grad
        x.grad = None
        first[:, -2:].sum().backward()
        return [part.numpy()[:, -2:] for part in (y, first, x.grad)]

    for found, expected in zip(derivatives(x), derivatives(alone), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_recorded_graph_does_not_see_later_running_statistics():
    mean, variance = Tensor(np.zeros(2)), Tensor(np.ones(2))
    x = variable([[1.0, 2.0], [3.0, 5.0]])
    y = F.batch_norm(x, mean, variance, eps=0)
    F.batch_norm(Tensor(np.full((2, 2), 9.0)), mean, variance, training=True)
    assert mean.tolist() == [0.9, 0.9]
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones((2, 2)))


def test_empty_batch_leaves_running_statistics_as_they_are():
    mean, variance = Tensor(np.ones(3)), Tensor(np.ones(3))
    assert F.batch_norm(Tensor(np.ones((0, 3, 2))), mean, variance, training=True).shape == (0, 3, 2)
    assert F.instance_norm(Tensor(np.ones((0, 3, 2))), mean, variance).shape == (0, 3, 2)
    assert (mean.tolist(), variance.tolist()) == ([1, 1, 1], [1, 1, 1])


X = Tensor(np.ones((2, 4, 3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.batch_norm(X, None, None), UsageError, "there must be running_mean and running_var"),
        (lambda: F.instance_norm(X, use_input_stats=False), UsageError, "there must be running_mean and running_var"),
        (
            lambda: F.batch_norm(X[:1, :, :1], np.ones(4), np.ones(4), training=True),
            DataError,
            "one value a channel has no variance: use a batch of more than one, or evaluate",
        ),
        (
            lambda: F.batch_norm(X[:1, :, :1], None, None, training=True),
            DataError,
            "use a batch of more than one, or keep running statistics",
        ),
        (lambda: F.instance_norm(X[:, :, :1]), DataError, "images of more than one pixel"),
        (lambda: F.group_norm(X[:1, :, :1], 4), DataError, "one value a group has no variance"),
        (lambda: F.group_norm(X[:, :, :1], 4), DataError, "one value a group has no variance"),
        (lambda: F.layer_norm(X[:, :, :1], 1), DataError, "one value has no variance: normalize over more"),
        (lambda: F.group_norm(X, 3), ShapeError, "C=4 channels do not make 3 equal groups"),
        (lambda: F.layer_norm(X, (4,)), ShapeError, r"expected x \(..., 4\), got shape \(2, 4, 3\)"),
        (lambda: F.layer_norm(X, 3, np.ones(4)), ShapeError, r"weight must have shape \(3,\), got \(4,\)"),
        (lambda: F.batch_norm(X, None, None, np.ones(3), None, True), ShapeError, r"weight must have shape \(C=4\)"),
        (lambda: F.batch_norm(Tensor([1.0]), None, None, training=True), ShapeError, "of 2 or more dimensions"),
        (lambda: F.batch_norm(X, None, None, training=True, eps=-1), UsageError, "eps must be at least 0, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
