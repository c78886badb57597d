"""Settings of layers: documented shapes follow from them, the repr shows them, and senseless ones are refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, UsageError, nn


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), "padding_mode is one of zeros, reflect"),
        (lambda: nn.Conv1d(1, 1, 3, stride=2, padding="same"), 'padding "same" keeps the size'),
        (lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"), 'padding_mode is "zeros"'),
        (lambda: nn.Embedding(3, 2, padding_idx=3), "padding_idx 3 is no row of a table of 3"),
        (lambda: nn.Embedding.from_pretrained([1.0, 2.0]), "a table has two dimensions"),
        (lambda: nn.Dropout(1.5), r"p must lie in \[0, 1\], got 1.5"),
        (lambda: nn.GroupNorm(3, 4), "4 channels do not make 3 equal groups"),
        (lambda: nn.ZeroPad2d((1, 2)), "padding is one number or 4"),
        (lambda: nn.MSELoss(reduction="average"), 'MSELoss: reduction is "mean", "sum" or "none"'),
        (lambda: nn.MSELoss(reduction="batchmean"), "batchmean"),
        (lambda: nn.Linear(-1, 2), "Linear: in_features is an integer of at least 0, not -1"),
        (lambda: nn.Linear(2, 2.5), "Linear: out_features is an integer of at least 0, not 2.5"),
        (lambda: nn.Linear("3", 2), "Linear: in_features is an integer of at least 0, not '3'"),
        (lambda: nn.Bilinear(1, -2, 3), "Bilinear: in2_features is an integer of at least 0, not -2"),
        (lambda: nn.Embedding(-4, 2), "Embedding: num_embeddings is an integer of at least 0, not -4"),
        (lambda: nn.Conv2d(3, 4, 0), "Conv2d: kernel_size is one integer, or two for .* of at least 1, not 0"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), r"Conv2d: kernel_size is one integer, or two .* not \(3, 3, 3\)"),
        (lambda: nn.Conv2d(3, 4, 3, stride=0), "Conv2d: stride is one integer, .* of at least 1, not 0"),
        (lambda: nn.Conv2d(3, 4, 3, dilation=(1, 0)), r"Conv2d: dilation is one integer, .* not \(1, 0\)"),
        (lambda: nn.Conv2d(3, 4, 3, padding=-1), "Conv2d: padding is one integer, .* of at least 0, not -1"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), 'Conv2d: padding is "same", "valid" or .* not \'full\''),
        (lambda: nn.Conv2d(3, -4, 3), "Conv2d: out_channels is an integer of at least 0, not -4"),
        (lambda: nn.Conv1d(3, 4, (3, 3)), r"Conv1d: kernel_size is an integer of at least 1, not \(3, 3\)"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), "ConvTranspose2d: padding is one integer, .* not 'same'"),
        (lambda: nn.ConvTranspose1d(3, 4, 3, output_padding=-1), "ConvTranspose1d: output_padding is an integer"),
        (lambda: nn.LocallyConnected2d(1, 1, 0, 3), "LocallyConnected2d: input_size is one integer, .* not 0"),
        (lambda: nn.BatchNorm2d(-3), "BatchNorm2d: num_features is an integer of at least 0, not -3"),
        (lambda: nn.LayerNorm("a"), "LayerNorm: normalized_shape is an integer of at least 0, not 'a'"),
        (lambda: nn.PReLU(0), "PReLU: num_parameters is an integer of at least 1, not 0"),
        (lambda: nn.Dropout("0.5"), r"Dropout: the probability p must lie in \[0, 1\], got '0.5'"),
        (lambda: nn.ModuleList(nn.ReLU()), r"ModuleList: ReLU is no list of modules: write ModuleList\(\[a, b\]\)"),
        (lambda: nn.Lambda(3), "Lambda takes a function, not a int"),
    ],
)
def test_settings_that_make_no_sense_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises(mg.MinigradError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.BatchNorm2d(3), (2, 3), r"expected x \(N, C, H, W\), got shape \(2, 3\)"),
        (nn.BatchNorm1d(3), (2, 3, 4, 5), r"expected x \(N, C\) or \(N, C, T\)"),
        (nn.InstanceNorm2d(3), (2, 3), r"expected x \(N, C, H, W\) or \(C, H, W\)"),
        (nn.ReflectionPad1d(1), (2, 2, 2, 2), r"expected x \(N, C, T\) or \(C, T\)"),
        (nn.Softmax2d(), (2, 2), r"expected x \(N, C, H, W\)"),
        (nn.Unflatten(1, (2, 3)), (1, 5), r"5 elements along dim=1 do not make \(2, 3\)"),
        (nn.Unflatten(1, (2, -1)), (1, 5), r"5 elements along dim=1 do not make \(2, -1\)"),
        (nn.Residual(nn.Linear(3, 4)), (2, 3), r"the block gives shape \(2, 4\), but the shortcut \(2, 3\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_the_layers_path(rng, layer, shape, message):
    net = nn.Sequential({"stage": nn.Sequential(layer)})
    with pytest.raises(ShapeError, match=rf"^stage\.0 {type(layer).__name__}: .*{message}"):
        net(x32(rng, *shape))


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (nn.Linear, 3), (nn.Bilinear, 4), (nn.Conv1d, 9), (nn.Conv2d, 9), (nn.ConvTranspose1d, 10),
        (nn.ConvTranspose2d, 10), (nn.LocallyConnected2d, 8), (nn.Embedding, 3), (nn.Dropout, 2), (nn.Dropout1d, 2),
        (nn.Dropout2d, 2), (nn.AlphaDropout, 2),
    ],
)  # fmt: skip
def test_generator_is_given_by_name(make, count):
    """PyTorch has a device in its place, or nothing."""
    with pytest.raises(TypeError, match="positional argument"):
        make(*[1] * count, np.random.default_rng(0))
