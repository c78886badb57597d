"""The VGGs have the paper's shapes and numbers of parameters, torchvision's names, and correct gradients."""

from typing import Any

import numpy as np
import pytest
from minigrad_models import entry, vgg
from minigrad_models.vgg import PLANS, VGG

import minigrad as mg
from minigrad import init, nn
from minigrad.data import digits
from minigrad.nn import Module
from tests.models.gradient import assert_gradients
from tests.models.learning import assert_learns

# As torchvision has them.
CONFIGURATIONS: dict[int, list[Any]] = {
    11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    13: [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    16: [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
    19: [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512, "M"],
}


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def narrow(depth: int) -> tuple[tuple[int, ...], ...]:
    """A plan with an eighth of the channels."""
    return tuple([tuple([width // 8 for width in stage]) for stage in PLANS[depth]])


# As torchvision tells them.
PARAMETERS = {
    "vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240,
    "vgg11-bn": 132_868_840, "vgg13-bn": 133_053_736, "vgg16-bn": 138_365_992, "vgg19-bn": 143_678_248,
}  # fmt: skip


@pytest.mark.parametrize("given", vgg.ENTRIES, ids=lambda e: e.name)
def test_networks_have_torchvisions_numbers_of_parameters(given: Any) -> None:
    assert entry(given.name) is given
    assert given.small or given.parameters == PARAMETERS[given.name]
    with init.skip():
        model = given.make()
    assert sum(p.size for p in model.parameters()) == given.parameters
    assert model.classifier[6].weight.shape[0] == given.classes
    assert model.features[0].weight.shape[1] == given.input_shape[0]


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_depth_counts_the_layers_with_weights(depth: int) -> None:
    model = VGG(narrow(depth), hidden=8)
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in model.modules()) == depth
    assert all(m.kernel_size == (3, 3) for m in model.modules() if isinstance(m, nn.Conv2d))


def test_stages_have_the_papers_shapes() -> None:
    x, shapes = mg.Tensor(images(1, 3, 224, 224)), []
    with init.skip(), mg.no_grad():
        for layer in VGG(PLANS[11], hidden=8).features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                shapes.append(x.shape)
    assert shapes == [(1, 64, 112, 112), (1, 128, 56, 56), (1, 256, 28, 28), (1, 512, 14, 14), (1, 512, 7, 7)]


@pytest.mark.parametrize("size", [(32, 32), (40, 70)])
def test_images_may_have_any_size(size: tuple[int, int]) -> None:
    model = VGG(narrow(11), num_classes=5, hidden=8, rng=np.random.default_rng(0)).eval()
    assert model(images(2, 3, *size)).shape == (2, 5)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_state_has_torchvisions_names(depth: int, batch_norm: bool) -> None:
    expected, i = [], 0
    for item in CONFIGURATIONS[depth]:
        if item == "M":
            i += 1
            continue
        expected += [f"features.{i}.weight", f"features.{i}.bias"]
        if batch_norm:
            parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            expected += [f"features.{i + 1}.{part}" for part in parts]
        i += 3 if batch_norm else 2
    expected += [f"classifier.{k}.{part}" for k in (0, 3, 6) for part in ("weight", "bias")]
    with init.skip():
        model = VGG(narrow(depth), batch_norm, hidden=8)
    assert list(model.state_dict()) == expected


def test_initial_weights_are_torchvisions() -> None:
    model = VGG(narrow(16), batch_norm=True, num_classes=10, hidden=64, rng=np.random.default_rng(0))
    for layer in model.modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        assert not layer.bias.numpy().any()
        w = layer.weight.numpy()
        if w.size > 500:
            expected = 0.01 if w.ndim == 2 else np.sqrt(2 / (w.shape[0] * 9))
            assert abs(w.std() / expected - 1) < 0.1
            assert abs((np.abs(w) < w.std()).mean() - 0.683) < 0.06, "normal, not uniform"


def test_same_generator_same_weights() -> None:
    one, two = (VGG(narrow(11), hidden=8, rng=np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("batch_norm", [False, True])
def test_gradients_of_all_parameters_are_correct(batch_norm: bool) -> None:
    def make() -> Module:
        model = VGG(((2, 2), (3,)), batch_norm, 3, 1, grid=2, hidden=4, dropout=0.25, rng=np.random.default_rng(0))
        for layer in model.classifier:
            if isinstance(layer, nn.Linear):  # the usual ones of 0.01 leave gradients near 0
                layer.weight.data = np.random.default_rng(1).normal(size=layer.weight.shape)
        return model

    assert_gradients(make, images(3, 1, 8, 8))


def test_small_network_learns_digits() -> None:
    mg.seed(0)
    chosen = entry("vgg-small")
    model, (x, target) = chosen.make(), (array[:32] for array in digits()[0].arrays)
    assert x.shape[1:] == chosen.input_shape
    optimizer = mg.optim.Adam(model.parameters(), lr=0.003)
    assert_learns(model, x, target, optimizer)


@pytest.mark.peer
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("depth", [11, 16])
def test_outputs_and_gradients_equal_pytorchs(depth: int, batch_norm: bool, torch: Any) -> None:
    """Gradients in float64: in float32 rounding turns a ReLU on or off here and there, in PyTorch as well."""
    from tests.models.peer import assert_same
    from tests.models.torch_vgg import PeerVGG

    x = images(4, 3, 64, 64)
    model = VGG(narrow(depth), batch_norm, 10, grid=3, hidden=32, dropout=0.0, rng=np.random.default_rng(0))
    configuration = [item if item == "M" else item // 8 for item in CONFIGURATIONS[depth]]
    peer = PeerVGG(configuration, batch_norm, 10, grid=3, hidden=32)
    assert_same(model.astype(np.float64), peer.double(), x.astype(np.float64), rtol=1e-9)
    model, peer = model.astype(np.float32), peer.float()
    for training in (False, True):
        out = model.train(training)(x).numpy()
        expected = peer.train(training)(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(out, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())
