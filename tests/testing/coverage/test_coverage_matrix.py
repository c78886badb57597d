"""The matrix of conditions: filled, excluded and empty cells."""

from minigrad import REGISTRY
from minigrad.testing.coverage.conditions import CONDITIONS
from minigrad.testing.coverage.coverage_matrix import CoverageMatrix
from minigrad.testing.mutation.allowlist import Allowlist


def test_matrix_tells_filled_excluded_and_empty_cells_apart():
    matrix = CoverageMatrix()
    matrix.add_ops([REGISTRY["sin"], REGISTRY["equal"]])
    other = CoverageMatrix()
    other.filled = {("sin", "0-d"), ("sin", "second order")}
    matrix.join(other.as_data())
    states = matrix.states(Allowlist({"sin: empty": "why", "sin: 0-d": "stale"}))
    assert {condition: state for (_, condition), state in states.items() if state} == {
        "0-d": "exercised", "empty": "excluded", "float32": "empty", "non-contiguous": "empty",
        "second order": "exercised",
    }  # fmt: skip
    assert {op for op, _ in states} == {"sin"}
    *_, line = matrix.table(states)
    assert line.split() == ["sin", "x", "e", "-", "-", "x"]
    assert len(CONDITIONS) == 9
