"""The matrix of conditions: which apply to an op, which a call is in, and what a suite is told."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import REGISTRY, Tensor
from minigrad.testing.coverage import CONDITIONS, Matrix, Observer, applicable
from minigrad.testing.excuse import Excuses
from tests.helper import variable

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _registry():
    """Forget the ops that the suites inside make."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def cells(op: str, run) -> set[str]:
    """The cells of an op that running something fills."""
    observer = Observer()
    with observer.watching():
        run()
    return {condition for name, condition in observer.cells if name == op}


def pulled(f, *variables, create_graph=False, **settings):
    return lambda: mg.sum(f(*variables, **settings)).backward(create_graph=create_graph)


x, row = variable([[1.5, 2.5], [3.5, 4.5]]), variable([5.5, 6.5])
MET = {
    "nothing special": ("multiply", pulled(mg.multiply, x, variable(np.full((2, 2), 7.0))), set()),
    "broadcast": ("multiply", pulled(mg.multiply, x, row), {"broadcast"}),
    "weak number": ("multiply", pulled(lambda x: x * 2.0, x), set()),
    "negative axis": ("sum", pulled(mg.sum, x, axis=-1), {"negative axis"}),
    "negative axes": ("sum", pulled(mg.sum, x, axis=(0, -1), keepdims=True), {"negative axis"}),
    "axis": ("sum", lambda: mg.sum(x, axis=0).backward(np.ones(2)), set()),
    "0-d": ("sin", pulled(mg.sin, variable(1.0)), {"0-d"}),
    "empty": ("sin", pulled(mg.sin, variable(np.ones((0, 2)))), {"empty"}),
    "float32": ("sin", pulled(mg.sin, variable([1.0], np.float32)), {"float32"}),
    "non-contiguous": ("sin", pulled(lambda x: mg.sin(x.mT), x), {"non-contiguous"}),
    "repeated": ("multiply", pulled(mg.multiply, x, x), {"repeated"}),
    "second order": ("sin", pulled(mg.sin, x, create_graph=True), {"second order"}),
    "kink of relu": ("relu", pulled(mg.relu, variable([0.0, 1.0])), {"kink"}),
    "no kink of relu": ("relu", pulled(mg.relu, variable([-1.0, 1.0])), set()),
    "tie of two": ("maximum", pulled(mg.maximum, x, variable([[1.5, 0], [0, 0]])), {"kink"}),
    "tie in a line": ("max", pulled(mg.max, variable([[1.0, 1.0], [2.0, 3.0]]), axis=1), {"kink"}),
    "no tie in a line": ("max", pulled(mg.max, variable([[1.0, 2.0], [1.0, 2.0]]), axis=1), set()),
    "tie anywhere": ("max", pulled(mg.max, variable([[1.0, 2.0], [1.0, 2.0]])), {"kink"}),
}


@pytest.mark.parametrize("case", MET)
def test_condition_is_seen(case):
    op, run, expected = MET[case]
    assert cells(op, run) == expected


def test_call_counts_when_it_is_pulled_back_and_not_before():
    assert cells("sin", lambda: mg.sin(variable(1.0))) == set()
    assert cells("sin", lambda: mg.no_grad()(mg.sin)(variable(1.0))) == set()


def test_calls_inside_of_other_functions_count():
    assert "float32" in cells("exp", pulled(lambda x: mg.log(mg.exp(x)), variable([1.0], np.float32)))
    # A fused op whose backward pass is recorded is replayed from smaller ops.
    logits = variable(np.ones((2, 3)))
    run = pulled(lambda x: mg.softmax_cross_entropy(x, np.array([0, 1])), logits, create_graph=True)
    assert "second order" in cells("log_softmax", run)


def test_op_with_several_results_is_seen():
    assert cells("eigh", lambda: mg.sum(mg.eigh(x)[0]).backward(create_graph=True)) == {"second order"}
    assert cells("eigh", lambda: mg.sum(mg.eigh(variable(np.eye(2), np.float32))[1]).backward()) == {"float32"}


def test_watching_leaves_no_trace():
    from minigrad.autograd import backward as backward_pass
    from minigrad.autograd import transforms

    before = (
        mg.Op.__call__,
        type(mg.sin).__call__,
        type(mg.add).__call__,
        backward_pass.pull_back,
        transforms.pull_back,
    )
    with pytest.raises(ZeroDivisionError), Observer().watching():
        raise ZeroDivisionError
    after = (
        mg.Op.__call__,
        type(mg.sin).__call__,
        type(mg.add).__call__,
        backward_pass.pull_back,
        transforms.pull_back,
    )
    assert before == after


ALWAYS = {"empty", "float32", "non-contiguous", "second order"}
APPLY = {
    "sin": {"0-d"},
    "multiply": {"broadcast", "0-d", "repeated"},
    "sum": {"negative axis", "0-d"},
    "softmax": {"negative axis"},
    "cumulative_sum": {"negative axis"},
    "triu": set(),
    "relu": {"0-d", "kink"},
    "maximum": {"broadcast", "0-d", "repeated", "kink"},
    "conv": {"repeated"},
    "where": {"broadcast", "0-d", "repeated"},
    "concat": {"negative axis", "repeated"},
}


@pytest.mark.parametrize("name", APPLY)
def test_conditions_follow_from_the_facts(name):
    assert set(applicable(REGISTRY[name])) == ALWAYS | APPLY[name]


def test_nothing_applies_to_an_op_without_rules():
    assert applicable(REGISTRY["equal"]) == []


def test_matrix_tells_filled_excused_and_empty_cells_apart():
    matrix = Matrix()
    matrix.add_ops([REGISTRY["sin"], REGISTRY["equal"]])
    other = Matrix()
    other.filled = {("sin", "0-d"), ("sin", "second order")}
    matrix.join(other.as_data())
    states = matrix.states(Excuses({"sin: empty": "why", "sin: 0-d": "stale"}))
    assert {condition: state for (_, condition), state in states.items() if state} == {
        "0-d": "exercised", "empty": "excused", "float32": "empty", "non-contiguous": "empty",
        "second order": "exercised",
    }  # fmt: skip
    assert {op for op, _ in states} == {"sin"}
    *_, line = matrix.lines(states)
    assert line.split() == ["sin", "x", "e", "-", "-", "x"]
    assert len(CONDITIONS) == 9


# ---- a suite -------------------------------------------------------------------------------------------------

FILES = {
    "mylib": """
    from minigrad import op

    @op
    def cube(x):
        return x * x * x

    @cube.vjp("x")
    def _(g, x):
        return g * (3 * x * x)
    """,
    "test_it": """
    import numpy as np
    import pytest
    from mylib import cube
    from minigrad import Tensor, vjp

    def test_numbers():
        assert vjp(cube, 2.0)[1](1.0)[0].item() == 12

    @pytest.mark.parametrize("size", [0, 2])
    def test_sizes(size):
        assert vjp(cube, np.ones(size, np.float32))[1](np.ones(size, np.float32))[0].shape == (size,)

    @pytest.mark.xfail
    def test_that_fails_counts_for_nothing():
        x = Tensor(np.ones((2, 2)), requires_grad=True)
        cube(x.mT).sum().backward(create_graph=True)
        assert False
    """,
}


@pytest.fixture
def suite(pytester):
    """Runs pytest on the files above."""

    def run(*arguments, alone=False):
        pytester.makepyfile(**FILES)
        pytester.syspathinsert()
        start = pytester.runpytest_subprocess if alone else pytester.runpytest_inprocess
        return start("-p", "no:minigrad", "-p", "minigrad.testing.plugin", "-p", "no:cacheprovider", *arguments)

    return run


LINES = [
    "cube * x * x * x * - * -",
    "empty    cube: non-contiguous",
    "empty    cube: second order",
    "1 ops: 3 cells x exercised, 0 e excused, 2 - empty",
]


@pytest.mark.parametrize("workers", [0, 2])
def test_matrix_is_printed_whoever_ran_the_tests(suite, workers):
    result = suite("--grad-coverage", f"-n{workers}", alone=workers > 0)
    assert result.ret == 0
    result.stdout.fnmatch_lines(LINES)
    result.stdout.no_fnmatch_line("multiply *")


def test_strict_fails_on_an_empty_cell_that_no_reason_excuses(suite, pytester):
    assert suite("--grad-coverage=strict", "-n0").ret == 1
    (pytester.path / "tests").mkdir()
    listed = pytester.path / "tests" / "equivalent_mutants.toml"
    listed.write_text('[coverage]\n"cube: non-*" = "no"\n"cube: second order" = "not yet"\n"cube: 0-d" = "old"\n')
    result = suite("--grad-coverage=strict", "-n0")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["excused  cube: second order  (not yet)", "STALE       'cube: 0-d' *", "*0 - empty"])


def test_wrong_word_is_refused(suite):
    result = suite("--grad-coverage=hard", "-n0")
    result.stderr.fnmatch_lines(["*'hard' is none of report, strict; put paths before the option"])


def test_constants_are_no_variables():
    assert cells("multiply", pulled(mg.multiply, x, Tensor([1.0, 2.0]))) == set()
