"""ZFNet has the paper's shapes and correct gradients, and its deconvnet projects units back to the pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from minigrad_models import resnet_cifar
from minigrad_models.alexnet import AlexNet2014, AlexNetSmall, weighted
from minigrad_models.registry import Entry
from minigrad_models.zfnet import ENTRIES, ZFNet, ZFNetSmall, deconvnet

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.cost import summary
from minigrad.data import DataLoader, digits
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.training import fit
from minigrad.typing import Array
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def images(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def small() -> ZFNetSmall:
    return ZFNetSmall(rng=np.random.default_rng(0))


# ---- the network ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entries_tell_what_the_networks_are(entry: Entry) -> None:
    with init.skip():
        model = entry.make()
    assert sum(p.size for p in model.parameters()) == entry.parameters
    layers = weighted(model)
    assert layers[0].in_channels == entry.input_shape[0]
    assert layers[-1].out_features == entry.classes


def test_stages_have_the_papers_shapes() -> None:
    with init.skip():
        rows = summary(ZFNet(), (1, 3, 224, 224)).rows
    shapes = [row.output_shapes[0][1:] for row in rows if row.kind in ("Conv2d", "MaxPool2d", "Linear")]
    assert shapes == [
        (96, 110, 110), (96, 55, 55), (256, 26, 26), (256, 13, 13), (384, 13, 13), (384, 13, 13), (256, 13, 13),
        (256, 6, 6), (4096,), (4096,), (1000,),
    ]  # fmt: skip


def test_layers_have_the_parameters_of_their_kernels() -> None:
    with init.skip():
        sizes = [sum(p.size for p in layer.parameters()) for layer in weighted(ZFNet())]
    kernels = [(96, 3, 7), (256, 96, 5), (384, 256, 3), (384, 384, 3), (256, 384, 3)]
    full = [(4096, 256 * 6 * 6), (4096, 4096), (1000, 4096)]
    assert sizes == [o * c * k * k + o for o, c, k in kernels] + [o * d + o for o, d in full]
    assert sum(sizes) == 62_357_608


def test_small_form_has_the_stages_of_its_description() -> None:
    rows = summary(small(), (1, 1, 32, 32)).rows
    shapes = [row.output_shapes[0][1:] for row in rows if row.kind in ("Conv2d", "MaxPool2d", "Linear")]
    assert shapes == [
        (16, 32, 32), (16, 16, 16), (48, 8, 8), (48, 4, 4), (64, 4, 4), (64, 4, 4), (48, 4, 4), (48, 2, 2),
        (128,), (128,), (10,),
    ]  # fmt: skip


def test_initial_weights_are_the_papers() -> None:
    for layer in weighted(ZFNet(hidden=64, rng=np.random.default_rng(0))):
        assert layer.weight.numpy().std() == pytest.approx(0.01, rel=0.05)
        assert not layer.bias.numpy().any()


def test_same_generator_same_weights() -> None:
    for make in (ZFNetSmall, lambda rng: ZFNet(hidden=8, rng=rng)):
        one, two = (make(rng=np.random.default_rng(5)).state_dict() for _ in range(2))
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


def test_small_form_learns_digits() -> None:
    x, target = (array[:128] for array in digits(size=32)[0].arrays)
    model = ZFNetSmall(dropout=0)
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader((x, target), 16, shuffle=True)
    losses = fit(model, loader, loss=F.cross_entropy, optimizer=optimizer, epochs=4)["loss"]
    assert losses[-1] < 0.8 * losses[0]


def test_gradients_are_correct() -> None:
    def make() -> ZFNetSmall:
        return ZFNetSmall(3, widths=(2, 3, 2, 2, 3), hidden=4, rng=np.random.default_rng(0))

    assert_gradients(make, images(2, 1, 32, 32))


@pytest.mark.peer
def test_outputs_and_gradients_equal_pytorchs(torch: Any) -> None:
    """In float64: among so many ReLUs, rounding to float32 switches some on or off, and their gradients jump."""
    from tests.models.torch_alexnet import zfnet

    rng = np.random.default_rng(0)
    model = ZFNet(hidden=64, dropout=0, rng=rng)
    for layer in weighted(model):  # with the paper's weights, gradients are too small to be compared
        layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)
    x = images(2, 3, 224, 224).astype(np.float64)
    assert_same(model.astype(np.float64), zfnet(64).double(), x, rtol=1e-10)


# ---- deconvnet -----------------------------------------------------------------------------------------------------


def gradient(model: Module, x: Array, layer: str, place: tuple[int, ...]) -> tuple[Array, Array]:
    """The value of a unit of each image, and its gradient with respect to the pixels."""
    names = [path for path, part in model.named_modules() if not any(part.children())]
    parts = [part for part in model.modules() if not any(part.children())]
    pixels = mg.Tensor(x, requires_grad=True)
    out: Any = pixels
    for part in parts[: names.index(layer) + 1]:
        out = part(out)
    value = out[(slice(None), *place)]
    value.sum().backward()
    return value.numpy(), pixels.grad.numpy()


def test_deconvnet_of_a_linear_network_is_the_answer_times_its_gradient() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 5, stride=3, padding=1, rng=rng), nn.Conv2d(4, 6, (3, 2), stride=(2, 1), groups=2, rng=rng),
        nn.Conv2d(6, 3, 2, padding=1, dilation=2, rng=rng), nn.Flatten(), nn.Linear(3 * 2 * 4, 5, rng=rng),
    ).astype(np.float64)  # fmt: skip
    x = images(2, 2, 20, 17).astype(np.float64)
    for layer, place in (("0", (1, 2, 3)), ("1", (5, 0, 2)), ("2", (0, 1, 3)), ("4", (3,))):
        value, slope = gradient(model, x, layer, place)
        expected = value.reshape(-1, 1, 1, 1) * slope
        np.testing.assert_allclose(deconvnet(model, x, layer, place).numpy(), expected, rtol=1e-9, atol=1e-12)


def test_deconvnet_of_positive_kernels_is_the_answer_times_its_gradient_through_relu_and_pooling() -> None:
    """Where all signals are positive, ReLU in reverse changes nothing. Windows overlap, and have maxima in common."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(3, 4, 3, rng=rng), nn.ReLU(), nn.MaxPool2d(3, stride=2, ceil_mode=True), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(16, 5, rng=rng),
    ).astype(np.float64)  # fmt: skip
    for p in model.parameters():
        p.data = abs(p.numpy())
    x = abs(images(3, 1, 13, 14)).astype(np.float64)
    for layer, place in (("2", (1, 3, 0)), ("5", (3, 1, 1)), ("8", (2,))):
        value, slope = gradient(model.eval(), x, layer, place)
        expected = value.reshape(-1, 1, 1, 1) * slope
        np.testing.assert_allclose(deconvnet(model, x, layer, place).numpy(), expected, rtol=1e-9, atol=1e-12)


def test_switches_put_the_maximum_back_where_it_was() -> None:
    model = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1))
    x = abs(images(2, 3, 9, 8)) + 1
    for row in range(5):
        for column in range(4):
            expected = np.zeros_like(x)
            rows, columns = slice(max(2 * row - 1, 0), 2 * row + 2), slice(max(2 * column - 1, 0), 2 * column + 2)
            window = x[:, 1, rows, columns]
            expected[:, 1, rows, columns] = np.where(window == window.max(axis=(1, 2), keepdims=True), window, 0)
            np.testing.assert_array_equal(deconvnet(model, x, "0", (1, row, column)).numpy(), expected)


def test_relu_in_reverse_lets_only_the_positive_pass() -> None:
    """The pixels of a unit of the second layer are kernels of those maps only that it is raised by."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Conv2d(1, 6, 3, rng=rng), nn.ReLU(), nn.Conv2d(6, 2, 1, rng=rng), nn.ReLU())
    x = images(1, 1, 8, 8)
    first, second = model[0].weight.numpy(), model[2].weight.numpy()
    answers = model(mg.Tensor(x)).numpy()
    channel, row, column = np.unravel_index(answers[0].argmax(), answers.shape[1:])
    expected = np.zeros_like(x)
    kernels = np.maximum(second[channel, :, 0, 0], 0)[:, None, None] * first[:, 0]
    expected[0, 0, row : row + 3, column : column + 3] = answers.max() * kernels.sum(axis=0)
    seen = deconvnet(model, x, "3", (channel, row, column)).numpy()
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "first", "size", "stride"),
    [("features.1", -1, 7, 2), ("features.5", -1, 27, 8), ("features.9", -17, 75, 16)],
)
def test_a_unit_is_projected_onto_its_receptive_field_only(layer: str, first: int, size: int, stride: int) -> None:
    """Row i of the layer sees `size` rows of pixels, from first + stride*i on."""
    model = ZFNet(num_classes=2, in_channels=1, hidden=2, rng=np.random.default_rng(0)).eval()
    x = abs(images(1, 1, 224, 224))
    end = int(layer.partition(".")[2]) + 1
    with mg.no_grad():
        answers = model.features[:end](mg.Tensor(x)).numpy()[0]
    for channel in range(3):
        row, column = (int(i) for i in np.unravel_index(answers[channel].argmax(), answers.shape[1:]))
        assert answers[channel, row, column] > 0
        seen = deconvnet(model, x, layer, (channel, row, column)).numpy()[0, 0]
        seen = np.where(abs(seen) > 1e-6 * abs(seen).max(), seen, 0)  # Winograd's sums of 0 are rounded
        top, left = first + stride * row, first + stride * column
        inside = seen[max(top, 0) : top + size, max(left, 0) : left + size]
        assert inside.any()
        assert np.count_nonzero(inside) == np.count_nonzero(seen)


def test_a_channel_stands_for_its_largest_answer_in_each_image() -> None:
    model, x = small().eval(), images(3, 1, 32, 32)
    answers = model.features[:6](mg.Tensor(x)).numpy()[:, 7]
    seen = deconvnet(model, x, "features.5", 7).numpy()
    for n, answer in enumerate(answers):
        row, column = np.unravel_index(answer.argmax(), answer.shape)
        alone = deconvnet(model, x[n : n + 1], "features.5", (7, int(row), int(column))).numpy()
        np.testing.assert_allclose(seen[n], alone[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("layer", ["features.0", "features.3", "features.9", "features.14", "classifier.2"])
@pytest.mark.parametrize("make", [small, lambda: AlexNetSmall(rng=np.random.default_rng(0))])
def test_any_unit_that_answers_is_projected_to_the_pixels(make: Any, layer: str) -> None:
    model, x = make(), images(2, 1, 32, 32)
    answers, seen = [], []
    handle = dict(model.named_modules())[layer].register_forward_hook(lambda _, x, out: answers.append(out.numpy()))
    model.eval()(x)
    handle.remove()
    for unit in range(5):
        seen.append(deconvnet(model, x, layer, unit).numpy())
        assert seen[-1].shape == x.shape
        assert seen[-1].dtype == np.float32
        assert np.isfinite(seen[-1]).all()
    largest = answers[0].reshape(2, answers[0].shape[1], -1).max(axis=2)[:, :5]
    pictures = np.stack([picture.reshape(2, -1).any(axis=1) for picture in seen], axis=1)
    np.testing.assert_array_equal(pictures, largest != 0)


def test_torchvisions_form_has_a_deconvnet_where_its_mean_keeps_the_size() -> None:
    model = AlexNet2014(num_classes=2, hidden=4, rng=np.random.default_rng(0))
    assert deconvnet(model, images(1, 3, 224, 224), "classifier.1", 1).shape == (1, 3, 224, 224)
    with pytest.raises(UsageError, match=r"knows no reverse of avgpool AdaptiveAvgPool2d"):
        deconvnet(model, images(1, 3, 100, 100), "classifier.1", 1)


def test_the_model_is_left_as_it_was() -> None:
    model, x = small(), images(1, 1, 32, 32)
    model.features.eval()
    modes = [part.training for part in model.modules()]
    seen = deconvnet(model, x, "features.13", 0)
    assert [part.training for part in model.modules()] == modes
    assert all(p.grad is None for p in model.parameters())
    assert not seen.requires_grad
    with pytest.raises(UsageError):
        deconvnet(model, x, "features.13", 48)
    assert all(part._hooks is None or not part._hooks.forward for part in model.modules())


@pytest.mark.parametrize(
    ("layer", "unit", "words"),
    [
        ("features", 0, r"there is no layer 'features', but features\.0, features\.1"),
        ("features.1", 16, r"features\.1 has units of indices below \(16, 32, 32\), not 16"),
        ("features.1", -1, "not -1"),
        ("features.1", (0, 1), r"not \(0, 1\)"),
        ("features.1", (0, 1, 32), r"not \(0, 1, 32\)"),
        ("classifier.2", (0, 1, 2), r"classifier\.2 has units of indices below \(128,\)"),
    ],
)
def test_layers_and_units_that_do_not_exist_are_named(layer: str, unit: int | Sequence[int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        deconvnet(small(), images(1, 1, 32, 32), layer, unit)


class _WithFunction(Module):
    def __init__(self) -> None:
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)

    def forward(self, x: Any) -> mg.Tensor:
        return self.second(F.tanh(self.first(x)))


def test_networks_that_are_no_chains_of_known_layers_are_refused() -> None:
    x = images(1, 3, 32, 32)
    with pytest.raises(UsageError, match="deconvnet: second does not work on the output of the layer in front of it"):
        deconvnet(_WithFunction(), x, "second", 0)
    residual = resnet_cifar.CifarResNet(8).eval()
    last = [path for path, part in residual.named_modules() if isinstance(part, nn.Conv2d)][-1]
    with pytest.raises(UsageError, match="deconvnet"):
        deconvnet(residual, x, last, 0)
    with pytest.raises(UsageError, match="knows no reverse of 1 Tanh"):
        deconvnet(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh()), x, "1", 0)
    with pytest.raises(UsageError, match="knows no reverse of 0 Conv2d"):
        deconvnet(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")), x, "0", 0)
