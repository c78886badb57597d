"""GoogLeNet has torchvision's names and numbers, the paper's shapes, and auxiliary classifiers that only train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from minigrad_models.googlenet import (
    ENTRIES,
    BasicConv2d,
    GoogLeNet,
    GoogLeNetOriginal,
    GoogLeNetOutputs,
    Inception,
    PlainConv2d,
)

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.data import digits
from tests.models.direction import assert_gradients_along
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def images(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def small(aux_logits: bool = True, **settings: Any) -> GoogLeNet:
    settings = {"in_channels": 1, "divisor": 8, "small_images": True, "rng": np.random.default_rng(0), **settings}
    return GoogLeNet(10, aux_logits, **settings)


@pytest.mark.parametrize(
    ("make", "with_aux", "without"),
    [(GoogLeNet, 13_004_888, 6_624_904), (GoogLeNetOriginal, 13_378_280, 6_998_552)],
)
def test_parameters_are_as_many_as_published(make: type, with_aux: int, without: int) -> None:
    with init.skip():
        for aux_logits, count in ((True, with_aux), (False, without)):
            assert sum(p.size for p in make(aux_logits=aux_logits).parameters()) == count


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entries_tell_the_number_of_parameters(entry: Any) -> None:
    with init.skip():
        assert sum(p.size for p in entry.make().parameters()) == entry.parameters


@pytest.mark.parametrize("make", [GoogLeNet, GoogLeNetOriginal])
def test_stages_have_the_shapes_of_the_papers_table(make: type) -> None:
    model, shapes = make(8, divisor=8), {}
    for name, part in model.named_children():
        part.register_forward_hook(lambda _module, _x, out, name=name: shapes.update({name: out.shape[1:]}))
    model(images(1, 3, 224, 224))
    expected = {
        "conv1": (64, 112), "maxpool1": (64, 56), "conv3": (192, 56), "maxpool2": (192, 28),
        "inception3a": (256, 28), "inception3b": (480, 28), "maxpool3": (480, 14), "inception4a": (512, 14),
        "inception4b": (512, 14), "inception4c": (512, 14), "inception4d": (528, 14), "inception4e": (832, 14),
        "maxpool4": (832, 7), "inception5a": (832, 7), "inception5b": (1024, 7), "avgpool": (1024, 1),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == {
        name: (width // 8, side, side) for name, (width, side) in expected.items()
    }
    assert shapes["fc"] == shapes["aux1"] == shapes["aux2"] == (8,)


@pytest.mark.parametrize(("make", "kernel"), [(GoogLeNet, 3), (GoogLeNetOriginal, 5)])
def test_third_branch_has_kernels_5x5_in_the_paper_only(make: type, kernel: int) -> None:
    with init.skip():
        state = make(aux_logits=False).state_dict()
    assert state["inception4b.branch3.1.conv.weight"].shape == (64, 24, kernel, kernel)


def test_training_answers_three_times_and_evaluation_once() -> None:
    model, x = small(), images(2, 1, 32, 32)
    output = model(x)
    assert isinstance(output, GoogLeNetOutputs)
    assert [scores.shape for scores in output] == [(2, 10)] * 3
    assert model.eval()(x).shape == (2, 10)
    assert small(aux_logits=False)(x).shape == (2, 10)


def test_loss_has_three_tenths_of_each_auxiliary_loss() -> None:
    model, target = small(), np.array([3, 1])
    output = model(images(2, 1, 32, 32))
    main, late, early = [F.cross_entropy(scores, target).item() for scores in output]
    assert model.loss(output, target).item() == pytest.approx(main + 0.3 * late + 0.3 * early)
    assert model.loss(output.logits, target).item() == pytest.approx(main)


def test_auxiliary_outputs_come_from_their_own_places() -> None:
    model = small(dropout_aux=0.0)
    output = model(images(2, 1, 32, 32))
    for scores, below, above in (
        (output.aux_logits1, model.inception4a, model.inception4b),
        (output.aux_logits2, model.inception4d, model.inception4e),
    ):
        model.zero_grad()
        scores.sum().backward(retain_graph=True)
        assert all(p.grad is not None for p in below.parameters())
        assert all(p.grad is None for p in above.parameters())


def test_initial_weights_are_normal_and_small() -> None:
    model = GoogLeNet(10, divisor=4, rng=np.random.default_rng(0))
    weight, bias = model.inception5b.branch2[1].conv.weight.numpy(), model.fc.bias.numpy()
    assert abs(weight.mean()) < 1e-3
    assert weight.std() == pytest.approx(0.01, rel=0.03)
    assert bias.std() > 0.01
    assert np.abs(bias).max() <= 1 / np.sqrt(256)


def test_original_keeps_the_size_of_signals() -> None:
    model = GoogLeNetOriginal(10, aux_logits=False, divisor=4, rng=np.random.default_rng(0)).eval()
    x = images(1, 3, 64, 64)
    spread = []
    for name in ("conv1", "inception3b", "inception4e", "inception5b"):
        getattr(model, name).register_forward_hook(lambda _module, _x, out: spread.append(out.numpy().std()))
    model(x)
    assert all(0.05 < value < 10 for value in spread), spread


def test_same_generator_same_weights() -> None:
    one, two = small().state_dict(), small().state_dict()
    assert all((one[name] == two[name]).all() for name in one)


@pytest.mark.parametrize("conv", [BasicConv2d, PlainConv2d])
def test_gradients_of_a_module_are_correct(conv: Any) -> None:
    assert_gradients(lambda: Inception(3, (2, 2, 3, 1, 2, 2), conv, 5), images(2, 3, 4, 4))


@pytest.mark.family
def test_gradients_of_the_network_are_correct() -> None:
    assert_gradients_along(lambda: small(divisor=16, dropout=0.0, dropout_aux=0.0), images(2, 1, 32, 32))


@pytest.mark.parametrize("aux_logits", [True, False])
def test_training_on_digits_lowers_the_loss(aux_logits: bool) -> None:
    train, _ = digits()
    x, target = train[:32]
    model, losses = small(aux_logits), []
    optimizer = mg.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    for _ in range(10):
        optimizer.zero_grad()
        loss = model.loss(model(mg.Tensor(x)), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.peer
@pytest.mark.parametrize("aux_logits", [True, False])
@pytest.mark.parametrize("make", [GoogLeNet, GoogLeNetOriginal])
def test_names_and_shapes_equal_torchvisions(torch: Any, make: type, aux_logits: bool) -> None:
    from tests.models.torch_googlenet import GoogLeNet as Peer

    with init.skip(), torch.device("meta"):
        ours, theirs = make(aux_logits=aux_logits), Peer(aux=aux_logits, batch_norm=make is GoogLeNet)
    shapes = {name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}
    assert {name: array.shape for name, array in ours.state_dict().items()} == shapes


@pytest.mark.peer
@pytest.mark.parametrize("make", [GoogLeNet, GoogLeNetOriginal])
def test_outputs_and_gradients_equal_pytorchs_in_float64(torch: Any, make: type) -> None:
    """At full size, where float32 rounding would choose other pixels in some of the many poolings."""
    from tests.models.torch_googlenet import GoogLeNet as Peer

    model = make(10, divisor=8, dropout=0.0, dropout_aux=0.0, rng=np.random.default_rng(0)).astype(np.float64)
    peer = Peer(10, divisor=8, batch_norm=make is GoogLeNet).double()
    assert_same(model, peer, images(2, 3, 224, 224).astype(np.float64), rtol=1e-8)


@pytest.mark.peer
@pytest.mark.parametrize(("make", "aux_logits"), [(GoogLeNet, True), (GoogLeNetOriginal, False)])
def test_outputs_and_gradients_equal_pytorchs_in_float32(torch: Any, make: type, aux_logits: bool) -> None:
    from tests.models.torch_googlenet import GoogLeNet as Peer

    settings = {"divisor": 8, "dropout": 0.0, "dropout_aux": 0.0, "rng": np.random.default_rng(0)}
    model = make(10, aux_logits=aux_logits, **settings)
    assert_same(model, Peer(10, aux_logits, 8, make is GoogLeNet), images(8, 3, 64, 64))
