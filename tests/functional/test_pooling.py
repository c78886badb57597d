"""Pooling: against PyTorch in values and gradients, and where it has its own conventions."""

import math

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal, distinct, for_sequences
from tests.helper import variable

POOLS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
]
DILATED = {"kernel_size": 2, "dilation": 3, "stride": 1}
every_pool = pytest.mark.parametrize("settings", POOLS, ids=str)


def compare(torch, name, arrays, *inputs, **settings):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    assert_equal(torch, lambda x: ours(x, *inputs, **settings), lambda x: theirs(x, *inputs, **settings), arrays)


@pytest.mark.peer
@pytest.mark.parametrize("settings", [*POOLS, DILATED], ids=str)
def test_max_pooling_equals_pytorch(torch, rng, settings):
    compare(torch, "max_pool2d", [distinct(rng, 2, 3, 8, 7)], **settings)
    compare(torch, "max_pool1d", [distinct(rng, 2, 3, 9)], **for_sequences(settings))


@pytest.mark.peer
@pytest.mark.parametrize("settings", [*POOLS, DILATED], ids=str)
def test_places_of_the_largest_equal_pytorch(torch, rng, settings):
    for name, x, given in (
        ("max_pool2d", distinct(rng, 2, 3, 8, 7) // 2, settings),  # with ties
        ("max_pool2d", distinct(rng, 3, 8, 7), settings),
        ("max_pool1d", distinct(rng, 2, 3, 9), for_sequences(settings)),
    ):
        ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
        _, indices = ours(Tensor(x), **given, return_indices=True)
        np.testing.assert_array_equal(indices, theirs(torch.tensor(x), **given, return_indices=True)[1])
        with_places = [lambda y, f=f, given=given: f(y, **given, return_indices=True)[0] for f in (ours, theirs)]
        assert_equal(torch, *with_places, [x])


@pytest.mark.peer
@pytest.mark.parametrize("divisor", [None, 5])
@pytest.mark.parametrize("counted", [True, False])
@every_pool
def test_avg_pool2d_equals_pytorch(torch, rng, settings, counted, divisor):
    settings = {**settings, "count_include_pad": counted, "divisor_override": divisor}
    compare(torch, "avg_pool2d", [rng.normal(size=(2, 3, 8, 7))], **settings)


@pytest.mark.peer
@pytest.mark.parametrize("counted", [True, False])
@every_pool
def test_avg_pool1d_equals_pytorch(torch, rng, settings, counted):
    compare(torch, "avg_pool1d", [rng.normal(size=(2, 3, 9))], **for_sequences(settings), count_include_pad=counted)


@pytest.mark.peer
@pytest.mark.parametrize("p", [1, 2, 3, 2.5])
@every_pool
def test_lp_pooling_of_positive_numbers_equals_pytorch(torch, rng, settings, p):
    x = rng.uniform(0.1, 2, size=(2, 3, 8, 7))
    compare(torch, "lp_pool2d", [x], p, **{name: y for name, y in settings.items() if name != "padding"})
    compare(torch, "lp_pool1d", [x[:, :, 0]], p, **for_sequences(settings, "padding"))
    if p == 2:
        compare(torch, "lp_pool1d", [x[:, :, 0] - 1], p, **for_sequences(settings, "padding"))


# ---- conventions ---------------------------------------------------------------------------------------------


def test_first_largest_pixel_of_a_tie_gets_the_gradient():
    x = variable(np.ones((1, 1, 2, 4)))
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0, 1, 0], [0, 0, 0, 0]]]]
    y = variable([3.0, 3.0, 1.0])
    y.max().backward()
    assert y.grad.tolist() == [1, 0, 0]


def test_window_that_sees_no_pixel_is_minus_infinity_and_has_no_place():
    x = variable(np.ones((1, 1, 1, 1)))
    y, indices = F.max_pool2d(x, 2, stride=1, padding=1, dilation=2, return_indices=True)
    assert (y.tolist(), indices.tolist()) == ([[[[-np.inf]]]], [[[[-1]]]])
    np.testing.assert_array_equal(F.max_pool2d(x, 2, stride=1, padding=1, dilation=2).numpy(), y.numpy())


def test_lp_pooling_is_a_norm():
    x = variable(np.array([[[[3.0, -4.0, 0.0, 0.0]]]]))
    y = F.lp_pool2d(x, 2, (1, 2))
    assert y.tolist() == [[[[5, 0]]]]
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [[[[0.6, -0.8, 0, 0]]]])
    assert F.lp_pool2d(x, 3, (1, 2))[0, 0, 0, 0].item() == pytest.approx(91 ** (1 / 3))
    assert F.lp_pool2d(x, math.inf, (1, 2)).tolist() == [[[[4, 0]]]]


def test_lp_pooling_does_not_overflow_before_its_result():
    big = Tensor(np.full((1, 1, 2, 2), 1e30, np.float32))
    assert F.lp_pool2d(big, 2, 2).item() == pytest.approx(2e30)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), UsageError, "divisor_override must not be 0"),
        (lambda x: F.lp_pool2d(x, 0, 2), UsageError, "norm_type must be positive, got 0"),
        (lambda x: F.max_pool2d(x, 2, padding=2), ShapeError, "padding .* is more than half of the kernel"),
        (lambda x: F.max_pool2d(x, 0), ShapeError, "must be at least 1"),
        (lambda x: F.max_pool2d(x, 5), ShapeError, "reaches over .5, 5. pixels but the padded image has only .4, 4."),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((1, 1, 4, 4))))


@pytest.mark.parametrize("pool", [F.max_pool1d, F.avg_pool1d])
@pytest.mark.parametrize("width", [3, 4])
def test_a_window_larger_than_the_sequence_is_refused_with_ceil_mode_too(pool, width):
    with pytest.raises(ShapeError, match=f"a window of 5 pixels does not fit into {width}"):
        pool(np.ones((1, 1, width)), 5, 1, ceil_mode=True)
