"""conv_net: the layers that a pattern stands for, and what does not fit."""

import numpy as np
import pytest

from minigrad import ShapeError, UsageError, nn

SMALL = (1, 8, 8)


def kinds(net):
    return " ".join(type(layer).__name__ for layer in net)


def test_pattern_becomes_its_layers():
    net = nn.conv_net(
        "INPUT > [[CONV > RELU]*2 > POOL]*2 > [FC > RELU]*1 > FC", (3, 16, 16), 10, channels=4, hidden=20
    )  # fmt: skip
    assert kinds(net) == (
        "Conv2d ReLU Conv2d ReLU MaxPool2d Conv2d ReLU Conv2d ReLU MaxPool2d Flatten Linear ReLU Linear"
    )
    shapes = [layer.weight.shape for layer in net if hasattr(layer, "weight")]
    assert shapes == [(4, 3, 3, 3), (4, 4, 3, 3), (8, 4, 3, 3), (8, 8, 3, 3), (20, 8 * 4 * 4), (10, 20)]
    assert net(np.ones((2, 3, 16, 16), np.float32)).shape == (2, 10)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("INPUT > FC", "Flatten Linear"),
        ("INPUT->[FC->RELU]*2->FC", "Flatten Linear ReLU Linear ReLU Linear"),
        ("INPUT > [[CONV > RELU] > POOL] > FC", "Conv2d ReLU MaxPool2d Flatten Linear"),
        ("INPUT > [[CONV > RELU]*2]*1 > FC", "Conv2d ReLU Conv2d ReLU Flatten Linear"),
        ("INPUT > [[CONV > RELU]*1 > POOL]*0 > [FC > RELU]*0 > FC", "Flatten Linear"),
        ("INPUT>[[CONV>RELU] * 0>POOL]*1>FC", "MaxPool2d Flatten Linear"),
    ],
)
def test_parts_may_be_left_out(pattern, expected):
    net = nn.conv_net(pattern, SMALL, 3)
    assert kinds(net) == expected
    assert net(np.ones((2, *SMALL), np.float32)).shape == (2, 3)


def test_widths_activation_and_kernel_can_be_chosen(rng):
    pattern = "INPUT > [[CONV > RELU] > POOL]*2 > [FC > RELU]*2 > FC"
    settings = {"channels": (3, 5), "hidden": (7, 6), "kernel_size": 5, "activation": nn.Tanh}
    nets = [nn.conv_net(pattern, SMALL, 2, rng=np.random.default_rng(1), **settings) for _ in range(2)]
    assert [p.shape[0] for name, p in nets[0].named_parameters() if name.endswith("weight")] == [3, 5, 7, 6, 2]
    assert "Tanh" in kinds(nets[0])
    for p, q in zip(*(net.parameters() for net in nets), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


@pytest.mark.parametrize(
    ("pattern", "shape", "settings", "error", "message"),
    [
        ("CONV > FC", SMALL, {}, UsageError, r"'CONV > FC' is not of the pattern INPUT > \[\[CONV"),
        ("INPUT > [[CONV > RELU]*N > POOL]*M > FC", SMALL, {}, UsageError, "with numbers for N, M and K"),
        ("INPUT > FC", (8, 8), {}, UsageError, r"input_shape is \(C, H, W\)"),
        ("INPUT > [[CONV > RELU]] > FC", SMALL, {"kernel_size": 4}, UsageError, "kernel_size must be odd"),
        ("INPUT > [[CONV > RELU]]*2 > FC", SMALL, {"channels": [1]}, UsageError, "1 numbers, but .* needs 2"),
        (
            "INPUT > [[CONV > RELU] > POOL]*3 > FC", (3, 20, 20), {}, ShapeError,
            r"the pooling of stage 3 gets 5 x 5 pixels: .* = 2.5 is not whole",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(pattern, shape, settings, error, message):
    with pytest.raises(error, match=message):
        nn.conv_net(pattern, shape, 2, **settings)
