"""The ResNets have the papers' shapes and numbers of parameters, torchvision's names, and correct gradients."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from minigrad_models import entry, resnet, resnet_cifar, resnet_v2
from minigrad_models.resnet import BasicBlock, Bottleneck, ResNet
from minigrad_models.resnet_cifar import CifarResNet, PlainBlock, PreActCifarResNet, ZeroPadded
from minigrad_models.resnet_v2 import PreActBlock, PreActBottleneck, PreActResNet

import minigrad as mg
from minigrad import init, nn
from minigrad.cost import summary
from minigrad.data import digits
from minigrad.errors import UsageError
from minigrad.nn import Module
from tests.models.gradient import assert_gradients
from tests.models.learning import assert_learns

ENTRIES = (*resnet.ENTRIES, *resnet_v2.ENTRIES, *resnet_cifar.ENTRIES)


def images(*shape: int) -> mg.Tensor:
    return mg.Tensor(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def count(model: Module) -> int:
    return sum(p.size for p in model.parameters())


# ---- numbers of parameters -----------------------------------------------------------------------------------------


def added_up(counts: tuple[int, ...], bottleneck: bool) -> int:
    """The parameters of v2: in a block, each convolution has a norm in front; only shortcuts have none."""
    total, c = 3 * 64 * 49 + 2 * 64, 64
    for i, blocks in enumerate(counts):
        w = 64 * 2**i
        o = 4 * w if bottleneck else w
        for k in range(blocks):
            total += (c * w + 9 * w * w + w * o + 4 * w) if bottleneck else (9 * c * w + 9 * w * w + 2 * w)
            total += 2 * c if (i, k) != (0, 0) else 0
            total += c * o if k == 0 and c != o else 0
            c = o
    return total + 2 * c + (c + 1) * 1000


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_networks_for_cifar_have_the_papers_numbers_of_parameters(depth: int, millions: float) -> None:
    with init.skip():
        parameters = count(CifarResNet(depth))
        assert float(f"{parameters / 1e6:.2g}") == millions
        assert count(CifarResNet(depth, residual=False)) == parameters, "shortcuts have none"


# As torchvision tells them.
PARAMETERS = {
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}  # fmt: skip


@pytest.mark.parametrize("given", ENTRIES, ids=lambda e: e.name)
def test_entries_tell_their_numbers_of_parameters(given: Any) -> None:
    assert entry(given.name) is given
    with init.skip():
        model = given.make()
    assert count(model) == given.parameters
    assert model.fc.weight.shape[0] == given.classes
    assert model.conv1.weight.shape[1] == given.input_shape[0]


def test_networks_for_imagenet_have_torchvisions_numbers_of_parameters() -> None:
    assert {e.name: e.parameters for e in resnet.ENTRIES} == PARAMETERS


def test_networks_of_v2_have_the_numbers_of_parameters_that_their_layers_add_up_to() -> None:
    numbers = [added_up(counts, depth >= 50) for depth, counts in resnet_v2.BLOCKS.items()]
    assert [e.parameters for e in resnet_v2.ENTRIES] == numbers


# ---- shapes --------------------------------------------------------------------------------------------------------


def outputs(model: Module, x: mg.Tensor) -> dict[str, tuple[int, ...]]:
    """The shapes that the network's own parts give for one image."""
    model.eval()
    with mg.no_grad():
        rows = summary(model, x.shape).rows
    return {row.path: row.output_shapes[0][1:] for row in rows if row.depth == 1}


@pytest.mark.parametrize(("make", "expansion"), [(partial(ResNet, 18), 1), (partial(PreActResNet, 50), 4)])
def test_stages_for_imagenet_have_the_papers_shapes(make: Any, expansion: int) -> None:
    with init.skip():
        shapes = outputs(make(), images(1, 3, 224, 224))
    expected = {
        "conv1": (64, 112, 112), "maxpool": (64, 56, 56), "layer1": (64 * expansion, 56, 56),
        "layer2": (128 * expansion, 28, 28), "layer3": (256 * expansion, 14, 14), "layer4": (512 * expansion, 7, 7),
        "avgpool": (512 * expansion, 1, 1), "fc": (1000,),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


@pytest.mark.parametrize("make", [CifarResNet, PreActCifarResNet])
def test_stages_for_cifar_have_the_papers_shapes(make: Any) -> None:
    shapes = outputs(make(20), images(1, 3, 32, 32))
    expected = {
        "conv1": (16, 32, 32), "layer1": (16, 32, 32), "layer2": (32, 16, 16), "layer3": (64, 8, 8),
        "avgpool": (64, 1, 1), "fc": (10,),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


@pytest.mark.parametrize(("depth", "billions"), [(18, 1.8), (50, 4.1)])
def test_multiply_adds_are_the_papers(depth: int, billions: float) -> None:
    """The paper says 1.8 and 3.8 billions; the latter becomes 4.1 with the stride in the 3x3 convolution."""
    with init.skip():
        table = summary(ResNet(depth), (1, 3, 224, 224))
    assert round(table.total("mult_adds") / 1e9, 1) == billions


def test_depth_for_cifar_is_6n_plus_2() -> None:
    for depth in (2, 18, 21):
        with pytest.raises(UsageError, match=f"6n \\+ 2.*not {depth}"):
            CifarResNet(depth)


# ---- names ---------------------------------------------------------------------------------------------------------


def norm(path: str) -> list[str]:
    return [f"{path}.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]


@pytest.mark.parametrize(
    ("depth", "counts", "convolutions"), [(18, (2, 2, 2, 2), 2), (50, (3, 4, 6, 3), 3), (101, (3, 4, 23, 3), 3)]
)
def test_state_has_torchvisions_names(depth: int, counts: tuple[int, ...], convolutions: int) -> None:
    expected = ["conv1.weight", *norm("bn1")]
    for i, blocks in enumerate(counts, start=1):
        for k in range(blocks):
            path = f"layer{i}.{k}"
            for j in range(1, convolutions + 1):
                expected += [f"{path}.conv{j}.weight", *norm(f"{path}.bn{j}")]
            if k == 0 and (i > 1 or convolutions == 3):
                expected += [f"{path}.downsample.0.weight", *norm(f"{path}.downsample.1")]
    with init.skip():
        assert list(ResNet(depth).state_dict()) == [*expected, "fc.weight", "fc.bias"]


# ---- initial weights -----------------------------------------------------------------------------------------------


def test_convolutions_begin_normal_with_variance_2_over_fan_out() -> None:
    model = ResNet(18, width=16, rng=np.random.default_rng(0))
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.weight.size > 1000:
            w = module.weight.numpy()
            assert abs(w.std() * np.sqrt(w.shape[0] * w[0, 0].size / 2) - 1) < 0.1
            assert abs((np.abs(w) < w.std()).mean() - 0.683) < 0.06, "normal, not uniform"
    bound = 1 / np.sqrt(model.fc.weight.shape[1])
    assert 0.95 * bound < np.abs(model.fc.weight.numpy()).max() <= bound


@pytest.mark.parametrize(("depth", "last"), [(18, "bn2"), (50, "bn3")])
def test_zero_init_residual_begins_with_blocks_that_add_nothing(depth: int, last: str) -> None:
    model = ResNet(depth, width=8, zero_init_residual=True, rng=np.random.default_rng(0))
    blocks = [m for m in model.modules() if isinstance(m, BasicBlock | Bottleneck)]
    for block in blocks:
        names = [name for name, part in block.named_children() if isinstance(part, nn.BatchNorm2d)]
        assert {name: getattr(block, name).weight.numpy().any() for name in names} == {n: n != last for n in names}
    x = mg.Tensor(np.abs(images(2, blocks[1].conv1.in_channels, 4, 4).numpy()))
    np.testing.assert_array_equal(blocks[1](x).numpy(), x.numpy())
    assert all(name in dict(model.named_parameters()) for name in ("layer1.0.bn2.weight", "layer4.1.bn2.weight"))


@pytest.mark.parametrize("make", [partial(ResNet, 18, width=8), partial(PreActResNet, 18, width=8),
                                  partial(CifarResNet, 20), partial(PreActCifarResNet, 20)])  # fmt: skip
def test_same_generator_same_weights(make: Any) -> None:
    one, two = (make(rng=np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


# ---- blocks --------------------------------------------------------------------------------------------------------


def test_shortcut_without_parameters_keeps_every_second_pixel_and_adds_channels_of_zeros() -> None:
    x = images(2, 3, 6, 4)
    out = ZeroPadded(3, 8, 2)(x).numpy()
    assert out.shape == (2, 8, 3, 2)
    np.testing.assert_array_equal(out[:, :3], x.numpy()[:, :, ::2, ::2])
    assert not out[:, 3:].any()


def silenced(block: Module) -> Module:
    """A block whose convolutions give nothing."""
    for part in block.modules():
        if isinstance(part, nn.Conv2d):
            part.weight.data = np.zeros(part.weight.shape, np.float32)
    return block.eval()


@pytest.mark.parametrize("make", [partial(BasicBlock, 8, 8), partial(Bottleneck, 8, 2)])
def test_blocks_that_have_nothing_to_add_give_the_relu_of_their_input(make: Any) -> None:
    x = images(2, 8, 4, 4)
    np.testing.assert_array_equal(silenced(make())(x).numpy(), np.maximum(x.numpy(), 0))


@pytest.mark.parametrize("make", [partial(PreActBlock, 8, 8), partial(PreActBottleneck, 8, 2)])
def test_blocks_of_v2_that_have_nothing_to_add_give_their_input(make: Any) -> None:
    x = images(2, 8, 4, 4)
    np.testing.assert_array_equal(silenced(make())(x).numpy(), x.numpy())


def test_plain_blocks_have_no_way_around() -> None:
    assert not silenced(PlainBlock(8, 8))(images(2, 8, 4, 4)).numpy().any()


def test_gradient_reaches_the_first_stage_of_v2_as_it_is() -> None:
    model = PreActCifarResNet(20, in_channels=1, width=4, rng=np.random.default_rng(0))
    blocks = [silenced(block) for block in model.layer1]
    x = mg.Tensor(images(2, 4, 4, 4).numpy(), requires_grad=True)
    out = x
    for block in blocks:
        out = block(out)
    g = images(2, 4, 4, 4).numpy()
    out.backward(g)
    np.testing.assert_array_equal(x.grad.numpy(), g)


# ---- gradients and training ----------------------------------------------------------------------------------------


def small(make: Any, *args: int, **settings: Any) -> Module:
    return make(*args, num_classes=3, in_channels=1, width=2, rng=np.random.default_rng(0), **settings)


@pytest.mark.parametrize(
    "make",
    [partial(CifarResNet, 8), partial(CifarResNet, 8, residual=False), partial(PreActCifarResNet, 8)],
    ids=["residual", "plain", "v2"],
)
def test_gradients_for_cifar_are_correct(make: Any) -> None:
    assert_gradients(partial(small, make), images(2, 1, 8, 8).numpy())


@pytest.mark.parametrize(("module", "make"), [(resnet, ResNet), (resnet_v2, PreActResNet)])
def test_gradients_for_imagenet_are_correct(module: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.BLOCKS, 10, (1, 1, 1, 1))
    assert_gradients(partial(small, make, 10), images(2, 1, 34, 34).numpy())


@pytest.mark.parametrize("block", [Bottleneck, PreActBottleneck])
def test_gradients_of_bottlenecks_are_correct(block: type) -> None:
    def make() -> Module:
        shortcut = nn.Conv2d(3, 8, 1, 2, rng=np.random.default_rng(1))
        return block(3, 2, 2, shortcut)

    assert_gradients(make, images(2, 3, 4, 4).numpy())


@pytest.mark.parametrize("name", [e.name for e in ENTRIES if e.small])
def test_small_networks_learn_digits(name: str) -> None:
    mg.seed(0)
    chosen = entry(name)
    model, (x, target) = chosen.make(), (array[:32] for array in digits()[0].arrays)
    assert x.shape[1:] == chosen.input_shape
    optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
    assert_learns(model, x, target, optimizer, steps=8)


# ---- PyTorch -------------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (partial(ResNet, 18), {"counts": (2, 2, 2, 2)}),
        (partial(ResNet, 50), {"counts": (3, 4, 6, 3), "bottleneck": True}),
        (partial(PreActResNet, 18), {"counts": (2, 2, 2, 2), "preactivation": True}),
        (partial(PreActResNet, 50), {"counts": (3, 4, 6, 3), "preactivation": True, "bottleneck": True}),
        (partial(CifarResNet, 20), {"counts": (3, 3, 3), "cifar": True}),
        (partial(CifarResNet, 20, residual=False), {"counts": (3, 3, 3), "cifar": True, "residual": False}),
        (partial(PreActCifarResNet, 20), {"counts": (3, 3, 3), "cifar": True, "preactivation": True}),
    ],
    ids=["18", "50", "18-v2", "50-v2", "cifar20", "plain20", "cifar20-v2"],
)
def test_outputs_and_gradients_equal_pytorchs(make: Any, settings: dict[str, Any], torch: Any) -> None:
    """Gradients in float64: in float32 rounding turns a ReLU on or off here and there, in PyTorch as well."""
    from tests.models.peer import assert_same
    from tests.models.torch_resnet import PeerResNet

    size = 32 if "cifar" in settings else 64
    x = images(4, 3, size, size).numpy().copy()
    model = make(num_classes=10, in_channels=3, width=8, rng=np.random.default_rng(0))
    peer = PeerResNet(width=8, channels=3, classes=10, **settings)
    assert_same(model.astype(np.float64), peer.double(), x.astype(np.float64), rtol=1e-9)
    model, peer = model.astype(np.float32), peer.float()
    for training in (False, True):
        out = model.train(training)(x).numpy()
        expected = peer.train(training)(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(out, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())
