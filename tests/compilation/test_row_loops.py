"""The loops of a row, to be read: what is shown is what runs."""

from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.compilation import loop_sources
from minigrad.errors import UsageError
from minigrad.kernels.fusion.loop_file import compiled_loop

pytest.importorskip("numba")


def test_what_is_shown_computes_the_function_and_its_rule():
    sources = loop_sources(mg.ops.silu, np.float64)
    assert sources.keys() == {"forward", "x"}
    rng = np.random.default_rng(0)
    x, g, out, slope = (rng.normal(size=100) for _ in range(4))
    compiled_loop(sources["forward"], "silu_loop")(out, x, 0, 100)
    np.testing.assert_allclose(out, x / (1 + np.exp(-x)), rtol=1e-14)
    compiled_loop(sources["x"], "silu_vjp_x_loop")(slope, g, x, 0, 100)
    variable = mg.Tensor(x, requires_grad=True)
    (expected,) = mg.grad(mg.ops.silu(variable), [variable], mg.Tensor(g))
    np.testing.assert_allclose(slope, expected.numpy(), rtol=1e-13)


def test_one_exponential_serves_the_whole_rule():
    assert loop_sources(mg.ops.silu)["x"].count("= exp_nonpositive(") == 1


def test_settings_are_arguments_and_truth_values_inputs():
    assert "def leaky_relu_loop(result, x0, x1, start, stop)" in loop_sources(mg.ops.leaky_relu)["forward"]
    assert "x1_i if x0_i else x2_i" in loop_sources(mg.ops.where)["forward"]


def test_the_loop_in_the_documentation_is_the_one_that_runs():
    page = (Path(__file__).parents[2] / "tutorials" / "speed.md").read_text("utf-8")
    assert loop_sources(mg.ops.silu)["forward"].split("@compiled")[1].strip() in page


def test_what_no_loop_can_do_is_not_there():
    assert loop_sources(mg.ops.pow, np.float64).keys() == {"y"}  # nothing wider than float64 to compute a power in
    assert loop_sources(mg.ops.add).keys() == {"forward"}  # the rules give g itself


@pytest.mark.parametrize(("op", "dtype"), [(mg.ops.softmax, np.float32), (mg.ops.exp, np.float16)])
def test_other_ops_and_dtypes_are_refused(op, dtype):
    with pytest.raises(
        UsageError, match=f"loops are made of elementwise ops for float32 and float64, not of {op.name}"
    ):
        loop_sources(op, dtype)
