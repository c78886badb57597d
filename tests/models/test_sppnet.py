"""SPP-net has the paper's shapes, and one set of weights classifies images of any size and shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from minigrad_models.sppnet import ENTRIES, SMALL_SIZES, RandomSize, SPPNet, small_trunk, sppnet, sppnet_small, zf5

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.data import DataLoader, digits, resize
from minigrad.training import evaluate, fit
from tests.models.gradient import assert_gradients
from tests.models.learning import assert_learns
from tests.models.peer import assert_same


def images(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entries_tell_the_number_of_parameters(entry: Any) -> None:
    with init.skip():
        assert sum(p.size for p in entry.make().parameters()) == entry.parameters


def test_layers_have_the_numbers_of_parameters_of_the_table() -> None:
    with init.skip():
        layers = [layer for layer in sppnet().modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert [sum(p.size for p in layer.parameters()) for layer in layers] == [
        14_208, 614_656, 885_120, 1_327_488, 884_992, 52_432_896, 16_781_312, 4_097_000,
    ]  # fmt: skip


@pytest.mark.parametrize(("side", "sides"), [(224, (110, 55, 27, 13)), (180, (88, 44, 21, 10))])
def test_maps_have_the_papers_sizes(side: int, sides: tuple[int, ...]) -> None:
    with init.skip():
        trunk = zf5()
    x, seen = mg.Tensor(np.zeros((1, 3, side, side), np.float32)), []
    with mg.no_grad():
        for layer in trunk:
            x = layer(x)
            if not seen or seen[-1] != x.shape[1:]:
                seen.append(x.shape[1:])
    a, b, c, d = sides
    assert seen == [
        (96, a, a), (96, b, b), (256, c, c), (256, d, d), (384, d, d), (256, d, d),
    ]  # fmt: skip


def test_cells_of_the_pyramid_are_those_of_the_papers_appendix() -> None:
    maps, levels = images(1, 2, 7, 11), (1, 2, 3, 6)
    expected = []
    for n in levels:
        for channel in maps[0]:
            for i in range(n):
                for j in range(n):
                    rows = slice(math.floor(i * 7 / n), math.ceil((i + 1) * 7 / n))
                    columns = slice(math.floor(j * 11 / n), math.ceil((j + 1) * 11 / n))
                    expected.append(channel[rows, columns].max())
    with init.skip():
        pooled = SPPNet(zf5(), 5, levels, hidden=4).pyramid(mg.Tensor(maps))
    np.testing.assert_array_equal(pooled.numpy()[0], expected)


@pytest.mark.parametrize("levels", [(1,), (1, 2, 3, 6), (4, 2)])
def test_any_pyramid_takes_images_of_any_size(levels: tuple[int, ...]) -> None:
    model = SPPNet(small_trunk(1, 2), 3, levels, hidden=5).eval()
    for size in ((4, 4), (9, 30), (33, 17), (64, 64)):
        assert model(images(2, 1, *size)).shape == (2, 3)


def test_sizes_change_in_training_only() -> None:
    resized = RandomSize(((8, 8), (6, 9)), np.random.default_rng(0))
    x = mg.Tensor(images(2, 1, 8, 10))
    assert {resized(x).shape for _ in range(20)} == {(2, 1, 8, 8), (2, 1, 6, 9)}
    assert resized.eval()(x) is x
    assert RandomSize()(x) is x


def test_the_same_seed_gives_the_same_sizes() -> None:
    resized, x, seen = RandomSize(SMALL_SIZES), mg.Tensor(images(1, 1, 32, 32)), []
    for _ in range(2):
        mg.seed(3)
        seen.append([resized(x).shape for _ in range(8)])
    assert seen[0] == seen[1]


def test_weights_that_learned_from_several_sizes_read_digits_of_other_sizes() -> None:
    mg.seed(0)
    train, test = digits()
    model = sppnet_small(width=8)
    loader = DataLoader(train, batch_size=32, shuffle=True, seed=0)
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.004)
    fit(model, loader, loss=F.cross_entropy, optimizer=optimizer, epochs=6)
    x, target = (np.asarray(array) for array in test[:])
    for size in ((32, 32), (26, 26), (36, 36), (24, 36), (36, 24)):
        assert size == (32, 32) or size not in SMALL_SIZES
        assert evaluate(model, (resize(x, size), target), F.cross_entropy)["accuracy"] > 0.85, size


def test_every_parameter_learns() -> None:
    train, _ = digits()
    x, target = train[:32]
    model = sppnet_small(width=4, dropout=0.0, rng=np.random.default_rng(0))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    assert_learns(model, x, target, optimizer, to=0.9)


def test_same_generator_same_weights() -> None:
    one, two = (sppnet_small(rng=np.random.default_rng(5)).state_dict() for _ in range(2))
    assert all((one[name] == two[name]).all() for name in one)


@pytest.mark.parametrize("size", [(12, 12), (10, 15)])
def test_gradients_are_correct(size: tuple[int, int]) -> None:
    assert_gradients(
        lambda: sppnet_small(3, width=1, sizes=((8, 12),), dropout=0.0, rng=np.random.default_rng(0)),
        images(2, 1, *size),
    )


@pytest.mark.peer
@pytest.mark.parametrize("size", [(32, 32), (21, 38)])
def test_small_form_equals_pytorchs(torch: Any, size: tuple[int, int]) -> None:
    from tests.models import torch_sppnet as peer

    model = sppnet_small(sizes=(), dropout=0.0, rng=np.random.default_rng(0))
    assert_same(model, peer.SPPNet(peer.small_trunk(16), (1, 2, 4), 64, 64, 10), images(4, 1, *size))


@pytest.mark.peer
@pytest.mark.parametrize("size", [(112, 112), (90, 131)])
def test_trunk_of_the_paper_equals_pytorchs(torch: Any, size: tuple[int, int]) -> None:
    from tests.models import torch_sppnet as peer

    levels = (1, 2, 3, 6)
    model = SPPNet(zf5(), 10, levels, hidden=32, dropout=0.0, rng=np.random.default_rng(0))
    assert_same(model, peer.SPPNet(peer.zf5(), levels, 256, 32, 10), images(2, 3, *size))
