"""The layers: sizes, settings, and PyTorch's values for the same weights."""

import numpy as np
import pytest

from minigrad import Tensor, UsageError, nn


def x32(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("layer", "given", "expected"),
    [
        (nn.Linear(4, 3), (2, 4), (2, 3)),
        (nn.Linear(4, 3), (2, 5, 4), (2, 5, 3)),
        (nn.Linear(4, 3, bias=False), (4,), (3,)),
        (nn.Conv2d(3, 6, 5), (2, 3, 32, 32), (2, 6, 28, 28)),
        (nn.Conv2d(3, 6, (3, 1), stride=(2, 1), padding=(1, 0)), (2, 3, 8, 8), (2, 6, 4, 8)),
        (nn.Conv2d(4, 8, 3, groups=4, dilation=2, bias=False), (4, 9, 9), (8, 5, 5)),
        (nn.MaxPool2d(2), (1, 3, 7, 8), (1, 3, 3, 4)),
        (nn.MaxPool2d(3, stride=2, padding=1), (1, 3, 7, 7), (1, 3, 4, 4)),
        (nn.AvgPool2d(2, ceil_mode=True), (1, 3, 7, 8), (1, 3, 4, 4)),
        (nn.AvgPool2d((2, 1)), (3, 8, 8), (3, 4, 8)),
        (nn.Flatten(), (2, 3, 4), (2, 12)),
        (nn.Flatten(0, 1), (2, 3, 4), (6, 4)),
        (nn.Dropout(0.3), (2, 3), (2, 3)),
        (nn.Tanh(), (2, 3), (2, 3)),
        (nn.ReLU(), (0, 3), (0, 3)),
        (nn.Sigmoid(), (2,), (2,)),
    ],
    ids=str,
)
def test_layer_gives_the_documented_shape_and_dtype(rng, layer, given, expected):
    y = layer(x32(rng, *given))
    assert (y.shape, y.dtype) == (expected, np.float32)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "arguments", "settings", "shape"),
    [
        ("Linear", (4, 3), {}, (5, 4)),
        ("Conv2d", (4, 6, 3), {"padding": 1, "stride": 2, "groups": 2}, (2, 4, 7, 7)),
        ("Conv2d", (2, 3, (1, 3)), {"dilation": 2, "bias": False}, (2, 2, 7, 7)),
        ("MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 2, 7, 7)),
        ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, (2, 2, 7, 7)),
        ("Tanh", (), {}, (3, 2)),
        ("ReLU", (), {}, (3, 2)),
        ("Sigmoid", (), {}, (3, 2)),
        ("Flatten", (), {}, (3, 2, 2)),
    ],
)
def test_layer_equals_pytorchs_with_its_state(torch, rng, name, arguments, settings, shape):
    ours, theirs = getattr(nn, name)(*arguments, **settings), getattr(torch.nn, name)(*arguments, **settings)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x = x32(rng, *shape)
    np.testing.assert_allclose(ours(Tensor(x)).detach(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_default_weights_are_uniform_within_the_inverse_root_of_fan_in():
    for layer, fan_in in ((nn.Linear(64, 500), 64), (nn.Conv2d(8, 300, 3, groups=2), 4 * 9)):
        for values in (layer.weight.numpy(), layer.bias.numpy()):
            bound = 1 / np.sqrt(fan_in)
            assert np.abs(values).max() <= bound
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.15)


def test_layers_draw_from_their_generator():
    first, second = (nn.Linear(3, 4, rng=np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first.weight.numpy(), second.weight.numpy())
    assert not np.array_equal(first.weight.numpy(), nn.Linear(3, 4).weight.numpy())


def test_weights_have_pytorchs_shapes():
    conv = nn.Conv2d(6, 4, (3, 2), groups=2)
    assert (conv.weight.shape, conv.bias.shape) == ((4, 3, 3, 2), (4,))
    assert nn.Linear(3, 4, bias=False).bias is None


def test_sequential_is_a_list_of_modules():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3
    assert net[-1] is list(net)[2]
    assert isinstance(net[:2], nn.Sequential)
    assert [name for name, _ in net[1:].named_parameters()] == ["1.weight", "1.bias"]
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(net(x).detach(), net[2](net[1](net[0](x))).detach())
    assert nn.Sequential()(x) is x


def test_dropout_acts_in_training_only():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    x = Tensor(np.ones((10, 10)))
    assert (layer(x).numpy() == 0).any()
    assert layer.eval()(x) is x


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv2d(1, 6, 5), "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))"),
        (
            nn.Conv2d(4, 6, 3, 2, 1, 1, 2, bias=False),
            "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=2, bias=False)",
        ),
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0)"),
        (nn.AvgPool2d(3, 2, ceil_mode=True), "AvgPool2d(kernel_size=3, stride=2, padding=0, ceil_mode=True)"),
        (nn.Dropout(0.2), "Dropout(p=0.2)"),
    ],
)
def test_repr_says_the_settings(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize("sizes", [(3, 4), (4, 3)])
def test_channels_must_be_multiples_of_the_groups(sizes):
    with pytest.raises(UsageError, match="groups=2"):
        nn.Conv2d(*sizes, 3, groups=2)
