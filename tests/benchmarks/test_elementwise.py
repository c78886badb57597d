"""The benchmark of elementwise functions: every function exists, and its figures are told as they are."""

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.chains import CHAINS
from tests.benchmarks.elementwise import FUNCTIONS, arrays, line, minigrad_function, summary


@pytest.mark.parametrize("name", [*FUNCTIONS, *CHAINS])
def test_every_function_takes_its_arrays(name):
    *inputs, g = arrays(name, 4096, "float32")
    out = minigrad_function(name)(*inputs)
    assert out.shape == g.shape
    assert out.dtype == g.dtype


def test_ratios_their_mean_and_the_worst_are_told():
    rows = {"relu": [10.0, 20.0], "exp": [40.0, 20.0], "log": [20.0, 20.0]}
    assert line("relu", 4096, rows["relu"]).split() == ["4096", "relu", "10.0", "us", "20.0", "us", "0.50"]
    assert "mean of ratios 1.00, worst 2.00 (exp)" in summary(4096, rows)


def test_a_side_runs_in_a_process_of_its_own(capsys):
    assert main(["elementwise", "--functions", "relu", "--sizes", "4096", "--rounds", "1", "--threads", "1"]) == 0
    size, name, microseconds, _ = capsys.readouterr().out.split()
    assert (size, name) == ("4096", "relu")
    assert 1 < float(microseconds) < 1e6
