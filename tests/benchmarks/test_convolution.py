"""The benchmark of convolutions: the layers of a network, all three directions of each, and their sums."""

import numpy as np
import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.convolution import DIRECTIONS, Layer, arrays, layers, line, minigrad_call, summary, torch_call

STRIDED = Layer((2, 6, 11, 9), (4, 3, 3, 2), (2, 1), (1, 0), (1, 2), 2)
VOLUMES = Layer((2, 4, 5, 6, 7), (4, 2, 3, 1, 2), (2, 1, 1), (1, 0, 1), (1, 2, 1), 2)
both = pytest.mark.parametrize("layer", [STRIDED, VOLUMES], ids=str)


def test_the_layers_of_a_network_are_those_of_its_forward_pass():
    plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    assert layers("lenet5") == {
        Layer((64, 1, 32, 32), (6, 1, 5, 5), **plain): 1,
        Layer((64, 6, 14, 14), (16, 6, 5, 5), **plain): 1,
    }


@both
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_call_gives_what_its_direction_says(direction, layer):
    x, w, g = arrays(layer)
    assert minigrad_call(direction, layer, x, w, g)().shape == {"forward": g, "to x": x, "to w": w}[direction].shape


@pytest.mark.peer
@pytest.mark.parametrize("channels_last", [False, True])
@both
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_both_sides_compute_the_same(direction, channels_last, layer):
    pytest.importorskip("torch")
    theirs = torch_call(direction, layer, *arrays(layer), channels_last=channels_last)()
    found = theirs if direction == "forward" else next(part for part in theirs if part is not None)
    ours = minigrad_call(direction, layer, *arrays(layer))()
    np.testing.assert_allclose(found.numpy(), ours, rtol=1e-4, atol=1e-4)


def test_a_layer_counts_as_often_as_it_is_called_and_the_first_needs_no_gradient_of_images():
    rows = [
        {"layer": "a", "calls": 1, "forward": [0.001, 0.002], "to w": [0.001, 0.001]},
        {"layer": "b", "calls": 3, "forward": [0.001, 0.001], "to x": [0.002, 0.001], "to w": [0.001, 0.001]},
    ]
    assert line(rows[0]).split() == ["1", "x", "a", "1.00", "2.00", "0.50", "-", "1.00", "1.00", "1.00"]
    assert summary("net", rows).split() == [
        "net", "4.00", "5.00", "0.80", "6.00", "3.00", "2.00", "4.00", "4.00", "1.00", "all", "14.00", "12.00", "1.17",
    ]  # fmt: skip


def test_a_side_runs_in_a_process_of_its_own(capsys):
    assert main(["convolution", "--models", "lenet5", "--rounds", "1", "--seconds", "0"]) == 0
    first, second, total = (row.split() for row in capsys.readouterr().out.splitlines() if row)
    assert first[:4] == ["1", "x", "64x1x32x32,", "6x1x5x5"]
    assert len(second) == len(first) == 7
    assert total[0] == "lenet5"
