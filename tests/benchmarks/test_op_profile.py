"""The profile of a step: what is counted, not how long it takes."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.benchmarks import steps
from tests.benchmarks.__main__ import main
from tests.benchmarks.op_profile import profile, table


def convolution_step():
    layer = nn.Conv2d(3, 5, 3, stride=2)
    x = mg.Tensor(np.ones((2, 3, 9, 9), np.float32), requires_grad=True)
    return lambda: layer(x).sum().backward()


def test_each_rule_of_an_op_has_its_row_with_operations_and_bytes():
    rows = {(row.op, row.direction): row for row in profile(convolution_step())}
    operations = 2 * (2 * 5 * 4 * 4) * (3 * 3 * 3)
    size = 4 * (2 * 3 * 9 * 9 + 5 * 3 * 3 * 3 + 5 + 2 * 5 * 4 * 4)
    for direction in ("forward", "to x", "to w", "to b"):
        row = rows["conv", direction]
        assert (row.calls, row.operations, row.bytes) == (1, operations, size)
        assert row.shapes == "2x3x9x9, 5x3x3x3, 5 / 2"
        assert row.seconds > 0
    assert ("sum", "to x") in rows
    assert rows["other", ""].operations == 0


def test_calls_of_one_kind_are_one_row():
    x = mg.Tensor(np.ones(7, np.float32), requires_grad=True)
    row = next(row for row in profile(lambda: mg.exp(mg.exp(x)).sum().backward()) if row.direction == "to x")
    assert row.op in ("exp", "sum")
    assert {row.op: row.calls for row in profile(lambda: mg.exp(mg.exp(x)).sum()) if row.op == "exp"} == {"exp": 2}


def test_steps_that_differ_are_refused():
    x, sizes = mg.Tensor(np.ones(30, np.float32), requires_grad=True), iter(range(1, 30))
    with pytest.raises(RuntimeError, match="the steps are not alike"):
        profile(lambda: mg.exp(x[: next(sizes)]))


def test_the_shares_of_the_table_add_up():
    lines = [*table(profile(convolution_step()), (1e9, 1e9))]
    shares = [float(line.split("ms")[1].rstrip("%")) for line in lines[1 : lines.index("")]]
    assert sum(shares) == pytest.approx(100, abs=1)


def test_steps_with_profile_starts_a_process_for_each_network(monkeypatch):
    commands = []

    class Done:
        returncode = 0

    monkeypatch.setattr(steps.subprocess, "run", lambda command, **_: commands.append(command) or Done)
    assert main(["steps", "--models", "mlp", "update-sgd", "lenet5", "--profile", "--threads", "1"]) == 0
    assert [command[2:] for command in commands] == [
        ["tests.benchmarks.op_profile", "mlp", "1", "table"],
        ["tests.benchmarks.op_profile", "lenet5", "1", "table"],
    ]
