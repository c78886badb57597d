"""`--grad-coverage`, seen from the suite of another project, run inside of this one."""

import pytest

from minigrad import REGISTRY

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _registry():
    """Forget the ops that the suites inside make."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


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
    "1 ops: 3 cells x exercised, 0 e excluded, 2 - empty",
]


@pytest.mark.parametrize("workers", [0, 2])
def test_matrix_is_printed_whoever_ran_the_tests(suite, workers):
    result = suite("--grad-coverage", f"-n{workers}", alone=workers > 0)
    assert result.ret == 0
    result.stdout.fnmatch_lines(LINES)
    result.stdout.no_fnmatch_line("multiply *")


def test_strict_fails_on_an_empty_cell_that_is_not_on_the_allowlist(suite, pytester):
    assert suite("--grad-coverage=strict", "-n0").ret == 1
    (pytester.path / "tests").mkdir()
    listed = pytester.path / "tests" / "equivalent_mutants.toml"
    listed.write_text('[coverage]\n"cube: non-*" = "no"\n"cube: second order" = "not yet"\n"cube: 0-d" = "old"\n')
    result = suite("--grad-coverage=strict", "-n0")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["excluded cube: second order  (not yet)", "STALE       'cube: 0-d' *", "*0 - empty"])


def test_wrong_word_is_refused(suite):
    result = suite("--grad-coverage=hard", "-n0")
    result.stderr.fnmatch_lines(["*'hard' is none of report, strict; put paths before the option"])
