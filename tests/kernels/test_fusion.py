"""Generated loops: each row of the derivative table against itself in NumPy, forward and backward."""

import itertools
from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd.registry import REGISTRY
from minigrad.kernels import threads
from minigrad.kernels.fusion import loop_file
from minigrad.kernels.fusion.expression import Graph, UntraceableError
from minigrad.kernels.fusion.fused import Fused
from minigrad.kernels.fusion.loop_source import loop_source
from minigrad.kernels.jit import numpy_only
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE, fused

pytest.importorskip("numba")

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, -1e-30, 1.0, -1.0, 3.0, -3.0, 100.0, -100.0, 1e30, -1e30]
REQUIRED = {"threshold": {"threshold": 0.5, "value": 2.0}}
ROWS = [
    op for name, op in sorted(REGISTRY.items())
    if op.elementwise and op.module.startswith("minigrad.ops") and len(op.non_differentiable) < len(op.inputs)
]  # fmt: skip
CASES = [(op, np.float32) for op in ROWS] + [(op, np.float64) for op in ROWS[::3]]  # only constants differ
every_case = pytest.mark.parametrize(("op", "dtype"), CASES, ids=[f"{op.name}-{np.dtype(d)}" for op, d in CASES])
NO_LOOP = {"conj", "from_parts", "imag", "positive", "real"}  # of real numbers, the numbers themselves


def arguments(op, dtype):
    """Special numbers in all combinations, and random ones, as many arrays as the op has inputs."""
    rng, count = np.random.default_rng(0), len(op.inputs)
    grid = np.array(list(itertools.product(SPECIAL, repeat=count))).T
    columns = [np.concatenate([special, 3 * rng.normal(size=4000 - len(special) % 8)]) for special in grid]
    arrays = [column.astype(dtype) for column in columns]
    return [x > 0 if name == "condition" else x for name, x in zip(op.inputs, arrays, strict=True)]


def assert_same(fast, plain, scale=1.0):
    assert fast.dtype == plain.dtype
    eps = np.finfo(plain.dtype).eps
    np.testing.assert_allclose(fast, plain, rtol=64 * eps, atol=16 * eps * scale)


@pytest.mark.family
@every_case
def test_a_loop_gives_what_the_row_gives(op, dtype):
    args, settings = arguments(op, dtype), REQUIRED.get(op.name, {})
    with np.errstate(all="ignore"):
        plain = np.asarray(op.forward(*args, **settings))
        fast = Fused(op.forward, op.name)(*args, **settings)
    if op.name in NO_LOOP or (op.name == "pow" and dtype == np.float64):  # nothing wider than float64 to compute in
        assert fast is NotImplemented
    else:
        assert_same(fast, plain)


@pytest.mark.family
@every_case
def test_a_loop_pulls_back_what_the_rule_and_the_engine_do(op, dtype):
    """With cotangents of 0 at half of the elements, where slopes may be infinite or NaN."""
    args, settings = arguments(op, dtype), REQUIRED.get(op.name, {})
    g = np.random.default_rng(1).normal(size=args[0].shape).astype(dtype)
    g[::2] = 0
    inputs = [mg.Tensor(x, requires_grad=x.dtype.kind == "f") for x in args]
    variables = [x for x in inputs if x.requires_grad]
    gradients = []
    for context in (numpy_only, nullcontext):
        with context(), np.errstate(all="ignore"):
            gradients.append([x.numpy() for x in mg.grad(op(*inputs, **settings), variables, mg.Tensor(g))])
    for plain, fast in zip(*gradients, strict=True):
        assert_same(fast, plain)


# ---- what is traced ----------------------------------------------------------------------------------------------


def graph_of(function, *names):
    graph = Graph(np.dtype(np.float32))
    graph.outputs = [graph.symbol(function(*map(graph.input, names)))]
    return graph


def test_what_is_computed_twice_is_one_line_and_what_nobody_needs_is_none():
    def f(x):
        np.log(x)
        return np.exp(-np.abs(x)) * np.exp(-np.abs(-x))

    source = loop_source(graph_of(f, "x"), "f", ["x"], [], ["out"])
    assert (source.count("exp_nonpositive("), source.count("log(")) == (1, 0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x > 0 else -x,
        lambda x: x + np.arange(3),
        lambda x: np.sum(x),
        lambda x: np.add.reduce(x),
        lambda x: np.cbrt(x),
        lambda x: x * np.float64(2),
        lambda x: x.astype(np.float16),
        lambda x: x[0],
        lambda x: float(x),
    ],
)
def test_what_no_loop_can_do_is_left_to_numpy(f):
    with pytest.raises((UntraceableError, TypeError)):
        graph_of(f, "x")
    assert Fused(f, "f")(np.ones(MIN_FUSED_SIZE, np.float32)) is NotImplemented


def test_the_identity_and_constants_are_no_loops():
    x = np.ones(MIN_FUSED_SIZE, np.float32)
    for f in (lambda x: x, lambda x: np.zeros_like(x), lambda x: +x, lambda x: x > 0 if False else 1.0):
        assert Fused(f, "f")(x) is NotImplemented


def test_a_source_says_what_is_done():
    source = Fused(lambda g, out: g * (1 - out * out), "tanh_vjp", silent=True).source("ff")
    lines = [line.strip() for line in source.splitlines()]
    assert "v2 = x1_i * x1_i" in lines
    assert "v4 = f(1.0) - v2" in lines
    assert any(line.startswith("result[i] = ") for line in lines)


# ---- for which arguments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        (np.ones((64, 64), np.float16),),
        (np.ones((64, 64), int),),
        (np.ones((64, 64), bool),),
        (np.ones((64, 128), np.float32)[:, ::2],),
        (np.ones((64, 64), np.float32), np.ones((64, 64))),
        (np.ones((64, 64), np.float32), np.ones(64, np.float32)),
        (np.ones((64, 64), np.float32), np.float64(2)),
        (np.ones((64, 64), np.float32), None),
        (np.float32(1), 2.0),
    ],
)
def test_other_arguments_are_left_to_numpy(args):
    assert Fused(lambda x, y=1.0: x + y, "plus")(*args) is NotImplemented


@pytest.mark.parametrize(
    "turn",
    [lambda x: x, lambda x: x.transpose(0, 2, 1), lambda x: x.transpose(2, 0, 1), lambda x: x[1:], lambda x: x.T],
)
def test_dense_arrays_are_answered_in_their_own_layout(turn):
    x, y = (turn(np.random.default_rng(k).normal(size=(8, 32, 16)).astype(np.float32)) for k in range(2))
    out = Fused(np.multiply, "times")(x, y)
    np.testing.assert_array_equal(out, x * y)
    assert out.strides == (x * y).strides


def test_parts_of_dense_arrays_are_answered_like_copies_of_them():
    x = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)[:, 3:60]
    np.testing.assert_array_equal(Fused(np.negative, "minus")(x), -x)


def test_numbers_do_not_make_new_loops_and_powers_do():
    x = np.linspace(0.5, 2, MIN_FUSED_SIZE, dtype=np.float32)
    shifted = Fused(lambda x, *, by: x + by, "shifted")
    for by in range(20):
        np.testing.assert_array_equal(shifted(x, by=by), x + np.float32(by))
    assert len(shifted._loops) == 1
    power, x = Fused(np.power, "power"), x.astype(np.float64)
    np.testing.assert_allclose(power(x, 3.0), x**3, rtol=1e-15)
    assert power(x, 2.5) is NotImplemented
    for exponent in range(50, 90):
        assert power(x, float(exponent)) is NotImplemented
    assert len(power._loops) < 20


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elements_beyond_the_limit_of_a_function_are_computed_by_the_c_library(dtype):
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=4099) * 10.0 ** rng.integers(-3, 30, 4099) for _ in range(2))
    x, y = x.astype(dtype), y.astype(dtype)
    wide = x.astype(np.longdouble)
    loop = Fused(lambda x, y: np.sin(x) + np.cos(2 * x) + np.remainder(x, y) / y, "beyond")
    expected = np.sin(wide) + np.cos(2 * wide) + np.remainder(x, y) / y.astype(np.longdouble)
    np.testing.assert_allclose(loop(x, y), expected, atol=8 * np.finfo(dtype).eps)
    near = np.abs(x) < 1e4
    alone = Fused(np.sin, "sin")
    np.testing.assert_array_equal(alone(x)[near], alone(np.where(near, x, 0))[near])  # what is beside does not matter


def test_a_result_takes_no_memory_of_an_input_that_is_needed_again():
    x = mg.Tensor(np.linspace(-1e6, 1e6, MIN_FUSED_SIZE, dtype=np.float32))
    step = mg.compile(lambda x: mg.sin(mg.sqrt(mg.abs(x * 3.0)) * 1e4) + 1.0)
    with mg.no_grad():
        found = [step(x).numpy() for _ in range(4)]
    assert "fused" in {i.kind for i in step.program.instructions}
    np.testing.assert_allclose(found[3], found[0], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["mish", "gelu", "elu", "softplus", "gelu_tanh", "log"])
def test_the_number_of_threads_changes_no_bit(name, dtype, monkeypatch):
    x = np.abs(np.random.default_rng(0).normal(size=(1 << 18) + 77)).astype(dtype)
    f = Fused(REGISTRY[name].forward, name)
    monkeypatch.setattr("minigrad.kernels.fusion.loop.PIECE_COST", 1 << 12)
    runs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        runs.append(f(x))
    np.testing.assert_array_equal(runs[1], runs[0])
    np.testing.assert_array_equal(runs[2], runs[0])


def test_numpy_only_means_no_loop():
    x = np.ones(MIN_FUSED_SIZE, np.float32)
    f = fused(lambda x: x + x, "doubled")
    assert f(x) is not NotImplemented
    with numpy_only():
        assert f(x) is NotImplemented


# ---- on disk -----------------------------------------------------------------------------------------------------

SOURCE = Fused(lambda x: x * 3 + 1, "on_disk").source()


def run(source=SOURCE):
    x = np.arange(8, dtype=np.float32)
    out = np.empty_like(x)
    loop_file.compiled_loop(source, "on_disk_loop")(out, x, 0, 8)
    return out.tolist() == (x * 3 + 1).tolist()


def test_sources_and_machine_code_are_kept_in_one_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_LOOPS", str(tmp_path / "loops"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert run()
    (file,) = (tmp_path / "loops").glob("*.py")
    assert file.read_text() == SOURCE
    assert list((tmp_path / "loops").rglob("*.nbi"))
    assert run()
    file.write_text("raise SystemExit('changed by somebody')")
    assert run()


def test_without_a_folder_loops_are_compiled_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINIGRAD_LOOPS", str(tmp_path / "file" / "loops"))
    assert run()


def test_comparisons_of_large_arrays_give_truth_values():
    x = mg.Tensor(np.linspace(-1, 1, 1 << 13))
    assert (x > 0).dtype == bool
    assert len(x[x > 0]) == 1 << 12


def test_loops_may_use_the_widest_registers(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINIGRAD_LOOPS", str(tmp_path / "file" / "loops"))  # code from the disk cannot be looked at
    loop, x = loop_file.compiled_loop(SOURCE, "on_disk_loop"), np.ones(8, np.float32)
    loop(np.empty_like(x), x, 0, 8)
    (code,) = loop.inspect_llvm().values()
    assert '"prefer-vector-width"="512"' in code
