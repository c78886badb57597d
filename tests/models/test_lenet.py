"""LeNet-5 has the shapes and the numbers of parameters that its paper gives."""

import numpy as np
import pytest
from minigrad_models.lenet import C3_CONNECTIONS, LeNet5, LeNet5Original, digit_codes, scaled_tanh

import minigrad as mg
from minigrad import functional as F  # noqa: N812


def images(count: int = 2) -> mg.Tensor:
    return mg.Tensor(np.random.default_rng(0).normal(size=(count, 1, 32, 32)).astype(np.float32))


def test_modern_network_has_61706_parameters() -> None:
    assert sum(p.size for p in LeNet5().parameters()) == 61_706


def test_original_layers_have_the_papers_numbers_of_parameters() -> None:
    model = LeNet5Original()
    counts = {name: sum(p.size for p in child.parameters()) for name, child in model.named_children()}
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert sum(counts.values()) == 60_000


def test_modern_stages_have_the_papers_shapes() -> None:
    x, shapes = images(1), []
    model = LeNet5()
    for module in (*model.features, *model.classifier):
        x = module(x)
        shapes.append(x.shape[1:])
    assert [shapes[i] for i in (0, 2, 3, 5)] == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
    assert [shape for shape in shapes if len(shape) == 1] == [(400,), (120,), (120,), (84,), (84,), (10,)]


def test_unconnected_maps_of_c3_do_not_matter() -> None:
    layer = LeNet5Original(np.random.default_rng(0)).c3
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1, 6, 14, 14)).astype(np.float32)
    before = layer(mg.Tensor(x)).numpy()
    for o, seen in enumerate(C3_CONNECTIONS):
        for c in range(6):
            changed = x.copy()
            changed[:, c] += rng.normal(size=(14, 14)).astype(np.float32)
            same = np.allclose(layer(mg.Tensor(changed)).numpy()[:, o], before[:, o], atol=1e-6)
            assert same == (c not in seen)


def test_subsampling_is_coefficient_times_sum_plus_bias() -> None:
    layer = LeNet5Original(np.random.default_rng(0)).s2
    x = np.arange(6 * 4 * 4, dtype=np.float32).reshape(1, 6, 4, 4)
    sums = x.reshape(1, 6, 2, 2, 2, 2).sum(axis=(3, 5))
    coefficient, bias = layer.coefficient.numpy(), layer.bias.numpy()
    expected = sums * coefficient[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(layer(mg.Tensor(x)).numpy(), expected, rtol=1e-5)


def test_scaled_tanh_is_one_at_one() -> None:
    np.testing.assert_allclose(scaled_tanh(mg.Tensor(np.array([-1.0, 0.0, 1.0]))).numpy(), [-1, 0, 1], atol=1e-4)


def test_codes_are_ten_different_pictures_of_plus_and_minus_one() -> None:
    codes = digit_codes()
    assert codes.shape == (10, 84)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    distances = (codes[:, None] != codes[None]).sum(axis=2)
    assert distances[~np.eye(10, dtype=bool)].min() >= 5


def test_original_output_is_the_negative_squared_distance_to_the_codes() -> None:
    model = LeNet5Original(np.random.default_rng(0))
    out = model(images(3)).numpy()
    assert out.shape == (3, 10)
    assert (out <= 0).all()


def test_original_loss_is_equation_9_of_the_paper() -> None:
    model = LeNet5Original(np.random.default_rng(0))
    distances = np.array([[1.0, 4.0, 9.0], [2.0, 0.5, 3.0]])
    target = np.array([0, 2])
    expected = distances[[0, 1], target] + np.log(np.exp(-0.1) + np.exp(-distances).sum(axis=1))
    loss = model.loss(mg.Tensor(-distances), mg.Tensor(target))
    np.testing.assert_allclose(loss.item(), expected.mean(), rtol=1e-6)


@pytest.mark.parametrize("make", [LeNet5, LeNet5Original])
def test_every_parameter_learns(make: type) -> None:
    mg.seed(0)
    model = make()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    target = mg.Tensor(np.array([3, 7, 1, 1]))
    loss_of = getattr(model, "loss", F.cross_entropy)
    before = {name: p.numpy().copy() for name, p in model.named_parameters()}
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = loss_of(model(images(4)), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all((p.numpy() != before[name]).any() for name, p in model.named_parameters())


@pytest.mark.parametrize("make", [LeNet5, LeNet5Original])
def test_same_generator_same_weights(make: type) -> None:
    one, two = (make(np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.peer
def test_outputs_and_gradients_equal_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = LeNet5(np.random.default_rng(0))
    peer = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    with torch.no_grad():
        for theirs, ours in zip(peer.parameters(), model.parameters(), strict=True):
            theirs.copy_(torch.from_numpy(ours.numpy().copy()))
    x, target = images(16), np.arange(16) % 10
    loss = F.cross_entropy(model(x), mg.Tensor(target))
    peer_loss = nn.functional.cross_entropy(peer(torch.from_numpy(x.numpy().copy())), torch.from_numpy(target))
    np.testing.assert_allclose(loss.item(), peer_loss.item(), rtol=1e-5)
    loss.backward()
    peer_loss.backward()
    for theirs, ours in zip(peer.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-3, atol=1e-6)
