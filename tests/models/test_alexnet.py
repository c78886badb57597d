"""AlexNet has the papers' shapes, sizes and work, torchvision's names, and correct gradients."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from minigrad_models.alexnet import ENTRIES, AlexNet, AlexNet2014, AlexNetSmall, weighted
from minigrad_models.registry import Entry

import minigrad as mg
from minigrad import init, nn
from minigrad.cost import Summary, summary
from minigrad.data import DataLoader, digits
from minigrad.training import fit
from minigrad.typing import Array
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def images(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def costs(groups: int = 1) -> Summary:
    with init.skip():
        return summary(AlexNet(groups=groups), (1, 3, 227, 227))


@pytest.fixture(scope="module")
def one_tower() -> Summary:
    return costs()


# ---- what the papers say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters"), [("alexnet", 62_378_344), ("alexnet-groups", 60_965_224), ("alexnet-2014", 61_100_840)]
)
def test_networks_have_the_known_numbers_of_parameters(name: str, parameters: int) -> None:
    (entry,) = [entry for entry in ENTRIES if entry.name == name]
    with init.skip():
        assert sum(p.size for p in entry.make().parameters()) == parameters


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entries_tell_what_the_networks_are(entry: Entry) -> None:
    with init.skip():
        model = entry.make()
    assert sum(p.size for p in model.parameters()) == entry.parameters
    layers = weighted(model)
    assert layers[0].in_channels == entry.input_shape[0]
    assert layers[-1].out_features == entry.classes


def test_stages_have_the_papers_shapes(one_tower: Summary) -> None:
    shapes = [row.output_shapes[0][1:] for row in one_tower.rows if row.kind in ("Conv2d", "MaxPool2d", "Linear")]
    assert shapes == [
        (96, 55, 55), (96, 27, 27), (256, 27, 27), (256, 13, 13), (384, 13, 13), (384, 13, 13), (256, 13, 13),
        (256, 6, 6), (4096,), (4096,), (1000,),
    ]  # fmt: skip


def test_first_layer_has_34944_parameters_and_290400_outputs(one_tower: Summary) -> None:
    first = next(row for row in one_tower.rows if row.kind == "Conv2d")
    assert first.parameters == 96 * 11 * 11 * 3 + 96 == 34_944
    assert np.prod(first.output_shapes[0]) == 290_400
    assert first.mult_adds == 290_400 * 363


def test_it_has_62_million_parameters_and_1_billion_multiply_adds(one_tower: Summary) -> None:
    assert round(one_tower.total("parameters") / 1e6, 1) == 62.4
    assert round(one_tower.total("mult_adds") / 1e9, 1) == 1.1
    assert not one_tower.uncounted


@pytest.mark.parametrize(("groups", "work", "parameters"), [(1, 0.948, 0.060), (2, 0.919, 0.038)])
def test_convolutions_are_most_of_the_work_and_few_of_the_parameters(
    groups: int, work: float, parameters: float
) -> None:
    """90 to 95 % of the work, about 5 % of the parameters."""
    table = costs(groups)
    rows = [row for row in table.rows if row.kind == "Conv2d"]
    assert sum(row.mult_adds for row in rows) / table.total("mult_adds") == pytest.approx(work, abs=5e-4)
    assert sum(row.parameters for row in rows) / table.total("parameters") == pytest.approx(parameters, abs=5e-4)


def test_pooling_windows_overlap() -> None:
    with init.skip():
        pools = [layer for layer in AlexNet().features if isinstance(layer, nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(3, 2)] * 3


def test_response_norm_is_the_papers_formula() -> None:
    with init.skip():
        (norm, _) = [layer for layer in AlexNet().features if isinstance(layer, nn.LocalResponseNorm)]
    a = 30 * images(1, 8, 2, 2).astype(np.float64)
    expected = np.empty_like(a)
    for i in range(8):
        near = a[:, max(0, i - 2) : min(7, i + 2) + 1]
        expected[:, i] = a[:, i] / (2 + 1e-4 * (near**2).sum(axis=1)) ** 0.75
    np.testing.assert_allclose(norm(mg.Tensor(a)).numpy(), expected, rtol=1e-10)


def test_groups_keep_apart_what_conv2_conv4_and_conv5_see() -> None:
    with init.skip():
        layers = weighted(AlexNet(groups=2))[:5]
    assert [layer.weight.shape[1] for layer in layers] == [3, 48, 256, 192, 192]
    layers[1].weight.data = images(*layers[1].weight.shape)
    x = images(1, 96, 7, 7)
    changed = x.copy()
    changed[:, :48] = 0
    difference = (layers[1](mg.Tensor(x)) - layers[1](mg.Tensor(changed))).numpy()
    assert difference[:, :128].any()
    assert not difference[:, 128:].any()


def test_initial_weights_are_the_papers() -> None:
    layers = weighted(AlexNet(hidden=64, rng=np.random.default_rng(0)))
    for layer in layers:
        assert layer.weight.numpy().std() == pytest.approx(0.01, rel=0.05)
        assert abs(layer.weight.numpy().mean()) < 0.001
    assert [set(layer.bias.numpy().tolist()) for layer in layers] == [{b} for b in (0, 1, 0, 1, 1, 1, 1, 0)]


# ---- the variant of 2014 -------------------------------------------------------------------------------------------


def test_state_of_2014_has_torchvisions_names_and_shapes() -> None:
    with init.skip():
        state = AlexNet2014().state_dict()
    weights = {
        "features.0": (64, 3, 11, 11), "features.3": (192, 64, 5, 5), "features.6": (384, 192, 3, 3),
        "features.8": (256, 384, 3, 3), "features.10": (256, 256, 3, 3),
        "classifier.1": (4096, 9216), "classifier.4": (4096, 4096), "classifier.6": (1000, 4096),
    }  # fmt: skip
    expected = [(f"{path}.{part}", shape if part == "weight" else shape[:1])
                for path, shape in weights.items() for part in ("weight", "bias")]  # fmt: skip
    assert [(path, array.shape) for path, array in state.items()] == expected


def test_2014_takes_images_of_any_size_from_63_pixels() -> None:
    model = AlexNet2014(num_classes=5, hidden=8).eval()
    for size in ((63, 63), (224, 224), (100, 160)):
        assert model(mg.Tensor(images(1, 3, *size))).shape == (1, 5)
    with init.skip():
        assert summary(model, (1, 3, 224, 224)).rows[1].output_shapes == ((1, 256, 6, 6),)


# ---- the small form ------------------------------------------------------------------------------------------------


def test_small_form_has_the_stages_of_its_description() -> None:
    rows = summary(AlexNetSmall(), (1, 1, 32, 32)).rows
    shapes = [row.output_shapes[0][1:] for row in rows if row.kind in ("Conv2d", "MaxPool2d", "Linear")]
    assert shapes == [
        (16, 32, 32), (16, 15, 15), (32, 15, 15), (32, 7, 7), (48, 7, 7), (48, 7, 7), (32, 7, 7), (32, 3, 3),
        (128,), (128,), (10,),
    ]  # fmt: skip


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_activation_is_behind_each_layer_but_the_last(activation: Any) -> None:
    model = AlexNetSmall(activation=activation)
    kinds = [type(layer) for layer in (*model.features, *model.classifier)]
    for kind, following in pairwise(kinds):
        if kind in (nn.Conv2d, nn.Linear):
            assert following is activation
    assert kinds.count(activation) == 7
    assert kinds[-1] is nn.Linear


def test_same_generator_same_weights() -> None:
    for make in (AlexNetSmall, lambda rng: AlexNet(hidden=8, rng=rng), lambda rng: AlexNet2014(hidden=8, rng=rng)):
        one, two = (make(rng=np.random.default_rng(5)).state_dict() for _ in range(2))
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_small_form_learns_digits(activation: Any) -> None:
    x, target = (array[:128] for array in digits(size=32)[0].arrays)
    model = AlexNetSmall(activation=activation, dropout=0)
    optimizer = mg.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader((x, target), 16, shuffle=True)
    losses = fit(model, loader, loss=mg.functional.cross_entropy, optimizer=optimizer, epochs=3)["loss"]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_gradients_are_correct(activation: Any) -> None:
    def make() -> AlexNetSmall:
        rng = np.random.default_rng(0)
        return AlexNetSmall(3, widths=(2, 3, 2, 2, 3), hidden=4, activation=activation, rng=rng)

    assert_gradients(make, images(2, 1, 32, 32))


# ---- PyTorch -------------------------------------------------------------------------------------------------------


def assert_same_as(network: Any, model: AlexNet | AlexNet2014, size: int) -> None:
    """In float64: among 800,000 ReLUs, rounding to float32 switches some on or off, and their gradients jump.

    The weights are He's: with the paper's, gradients are too small to be compared.
    """
    rng = np.random.default_rng(0)
    for layer in weighted(model):
        layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)
    x = images(2, 3, size, size)
    with mg.no_grad():
        single = model.eval()(x).numpy()
    assert_same(model.astype(np.float64), network.double(), x.astype(np.float64), rtol=1e-10)
    with mg.no_grad():
        exact = model.eval()(x.astype(np.float64)).numpy()
    np.testing.assert_allclose(single, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


@pytest.mark.peer
@pytest.mark.parametrize("groups", [1, 2])
def test_outputs_and_gradients_equal_pytorchs(torch: Any, groups: int) -> None:
    from tests.models.torch_alexnet import alexnet

    assert_same_as(alexnet(64, groups), AlexNet(groups=groups, hidden=64, dropout=0), 227)


@pytest.mark.peer
@pytest.mark.parametrize("size", [224, 160])
def test_outputs_and_gradients_of_2014_equal_pytorchs(torch: Any, size: int) -> None:
    from tests.models.torch_alexnet import alexnet_2014

    assert_same_as(alexnet_2014(64), AlexNet2014(hidden=64, dropout=0), size)
