"""Inception-v4 has the paper's shapes and number of parameters, and the names of its usual implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from minigrad_models.inception import ENTRIES, Concat, InceptionC, InceptionV4, inception_a, inception_b, reduction_a

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.data import digits
from tests.models.direction import assert_gradients_along
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def images(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def small(**settings: Any) -> InceptionV4:
    settings = {"unit": 4, "counts": (1, 2, 1), "strides": (1, 1, 2), **settings}
    return InceptionV4(10, 1, rng=np.random.default_rng(0), **settings)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entries_tell_the_number_of_parameters(entry: Any) -> None:
    with init.skip():
        assert sum(p.size for p in entry.make().parameters()) == entry.parameters


def test_paper_size_network_has_42_679_816_parameters() -> None:
    with init.skip():
        assert sum(p.size for p in InceptionV4().parameters()) == 42_679_816


def test_stages_have_the_shapes_of_the_papers_figures() -> None:
    """With an eighth of the widths, and one module of each kind."""
    model, shapes = InceptionV4(7, unit=4, counts=(1, 1, 1)).eval(), []
    for part in model.features:
        part.register_forward_hook(lambda _module, _x, out: shapes.append(out.shape[1:]))
    with mg.no_grad():
        assert model(images(1, 3, 299, 299)).shape == (1, 7)
    expected = [
        (32, 149), (32, 147), (64, 147), (160, 73), (192, 71), (384, 35), (384, 35), (1024, 17), (1024, 17),
        (1536, 8), (1536, 8),
    ]  # fmt: skip
    assert shapes == [(width // 8, side, side) for width, side in expected]


def test_small_form_has_modules_of_all_kinds_on_maps_larger_than_a_pixel() -> None:
    model, shapes = small(), []
    for part in model.features:
        part.register_forward_hook(lambda _module, _x, out: shapes.append(out.shape[1:]))
    assert model(images(2, 1, 32, 32)).shape == (2, 10)
    assert [s[1] for s in shapes] == [30, 28, 28, 26, 24, 11, 11, 5, 5, 5, 2, 2]
    assert shapes[-1] == (192, 2, 2)


def test_a_concat_joins_its_branches_in_the_order_given() -> None:
    from minigrad.nn import Lambda

    joined = Concat(two=Lambda(lambda x: 2 * x), one=Lambda(lambda x: x))
    x = images(1, 3, 2, 2)
    np.testing.assert_array_equal(joined(mg.Tensor(x)).numpy(), np.concatenate([2 * x, x], axis=1))
    assert [name for name, _ in joined.named_children()] == ["two", "one"]


def test_same_generator_same_weights() -> None:
    one, two = small().state_dict(), small().state_dict()
    assert all((one[name] == two[name]).all() for name in one)


@pytest.mark.parametrize(
    ("make", "channels"), [(inception_a, 12), (reduction_a, 12), (inception_b, 32), (InceptionC, 48)]
)
def test_gradients_of_a_module_are_correct(make: Any, channels: int) -> None:
    assert_gradients(lambda: make(1), images(2, channels, 3, 3))


@pytest.mark.family
def test_gradients_of_the_network_are_correct() -> None:
    assert_gradients_along(lambda: small(unit=2, counts=(1, 1, 1), dropout=0.0), images(2, 1, 32, 32))


def test_training_on_digits_lowers_the_loss() -> None:
    train, _ = digits()
    x, target = train[:32]
    model, losses = small(unit=2), []
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(mg.Tensor(x)), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.peer
def test_names_and_shapes_equal_the_usual_implementations(torch: Any) -> None:
    from tests.models.torch_inception import InceptionV4 as Peer

    with init.skip(), torch.device("meta"):
        ours, theirs = InceptionV4(), Peer()
    shapes = {name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}
    assert {name: array.shape for name, array in ours.state_dict().items()} == shapes


@pytest.mark.peer
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-4), (np.float64, 1e-8)])
def test_outputs_and_gradients_equal_pytorchs(torch: Any, dtype: Any, rtol: float) -> None:
    from tests.models.torch_inception import InceptionV4 as Peer

    counts = (1, 1, 1)
    model = InceptionV4(10, unit=4, counts=counts, dropout=0.0, rng=np.random.default_rng(0)).astype(dtype)
    peer = Peer(10, 8, counts).to(torch.float64 if dtype is np.float64 else torch.float32)
    assert_same(model, peer, images(4, 3, 107, 107).astype(dtype), rtol)
