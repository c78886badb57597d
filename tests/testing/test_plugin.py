"""The plugin, seen from suites of other people: small ones with planted weak tests, run inside of this one."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from hypothesis import settings

from minigrad import REGISTRY
from minigrad.testing.coverage import coverage_session  # noqa: F401  (pytester forgets what is first imported inside)
from minigrad.testing.laws import violation_search
from minigrad.testing.mutation import mutation_run, mutation_session  # noqa: F401

pytest_plugins = ["pytester"]

LIBRARY = """
import minigrad as mg
from minigrad import op

@op
def cube(x):
    return x * x * x

@cube.vjp("x")
def _(g, x):
    return g * (3 * x * x)

@op
def half(x):
    return 0.5 * x

@half.vjp("x")
def _(g):
    return g * 0.5
"""

STRONG = """
import numpy as np
import pytest
from mylib import cube, half
from minigrad import Tensor, vjp

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cube(dtype):
    x = np.array([1.5, -2], dtype)
    (g,) = vjp(cube, x)[1](np.array([1, 2], dtype))
    assert g.dtype == dtype
    np.testing.assert_allclose(g.numpy(), [6.75, 24])

def test_half():
    (g,) = vjp(half, np.ones(2, np.float32))[1](np.array([1, 2], np.float32))
    assert (g.dtype, g.tolist()) == (np.float32, [0.5, 1])
"""

WEAK = """
import numpy as np
from mylib import cube
from minigrad import Tensor

def test_cube_has_a_gradient():
    x = Tensor([1.5, -2.0], requires_grad=True)
    cube(x).sum().backward()
    assert (x.grad.data > 0).all()
"""


@pytest.fixture(autouse=True)
def _as_before():
    """Ops that the suites inside make are forgotten, and Hypothesis's profile is this suite's again."""
    ops = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(ops)
    settings.load_profile(os.environ.get("MINIGRAD_PROFILE", "dev"))


@pytest.fixture
def suite(pytester):
    """Runs pytest on files, inside of this process unless `alone`; with the plugin loaded as an entry point is."""

    def run(*arguments, alone=False, **files):
        pytester.makepyfile(**{"mylib": LIBRARY, **files})
        pytester.syspathinsert()
        start = pytester.runpytest_subprocess if alone else pytester.runpytest_inprocess
        return start("-p", "no:minigrad", "-p", "minigrad.testing.plugin", "-p", "no:cacheprovider", *arguments)

    return run


def test_plugin_is_an_entry_point():
    (found,) = [entry for entry in entry_points(group="pytest11") if entry.name == "minigrad"]
    assert found.value == "minigrad.testing.plugin"


# ---- @gradtest -----------------------------------------------------------------------------------------------

MARKED = """
from mylib import cube

def runs():
    print("laws of cube")

class Wrong:
    def gradtest(self): ...

class Magic:
    def __getattr__(self, name):
        return lambda: 1 / 0

def test_square(x):  # x is no fixture
    return x * x

def refused():
    raise LawViolation("sign is wrong")

class LawViolation(AssertionError): ...

def fails(x): ...

cube.gradtest = runs
test_square.gradtest = lambda: None
fails.gradtest = refused
magic = Magic()
same_cube = cube
"""


def test_each_marked_object_is_one_test(suite):
    result = suite("-v", "-rA", test_marked=MARKED)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines_random(
        ["test_marked.py::cube PASSED*", "test_marked.py::test_square PASSED*", "test_marked.py::fails FAILED*"]
    )
    result.stdout.fnmatch_lines(["laws of cube"])


def test_violation_of_a_law_is_shown_without_a_traceback(suite):
    result = suite(test_marked=MARKED)
    result.stdout.fnmatch_lines(["*_ fails _*", "sign is wrong"])
    result.stdout.no_fnmatch_line("*def refused*")


def test_marked_object_has_the_fixtures_of_every_test(suite):
    result = suite(
        conftest="import pytest\n@pytest.fixture(autouse=True)\ndef before():\n    print('before it')\n",
        test_marked="def f(x): ...\nf.gradtest = lambda: print('the test')\n",
    )
    result.assert_outcomes(passed=1)
    result = suite("-rP")
    result.stdout.fnmatch_lines(["before it", "the test"])


def test_gradtest_of_the_kit_is_collected_and_finds_a_wrong_rule(suite):
    text = """
    from minigrad import op
    from minigrad.testing import gradtest

    @gradtest(examples=5)
    @op
    def {name}(x):
        return x * x

    @{name}.vjp("x")
    def _(g, x):
        return g * {factor} * x
    """
    result = suite(
        test_right=text.format(name="square_right", factor=2), test_wrong=text.format(name="square_wrong", factor=3)
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*square_wrong*", "*constant factor*"])


# ---- --grad-mutants ------------------------------------------------------------------------------------------


def test_strong_suite_kills_every_mutant(suite):
    result = suite("--grad-mutants", "-n0", test_strong=STRONG)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["* mutants: * killed, 0 equivalent, 0 survived. Score: 100.0%"])
    result.stdout.no_fnmatch_line("*SURVIVED*")


def test_weak_suite_lets_mutants_survive_and_says_where(suite):
    result = suite("--grad-mutants", "-n0", test_weak=WEAK)
    assert result.ret == 1
    line = LIBRARY.strip().splitlines().index("    return g * (3 * x * x)") + 1
    result.stdout.fnmatch_lines_random(
        [
            "SURVIVED    cube.x: factor 2  [[]mylib.py:*] no test fails",
            f"SURVIVED    cube.x: factor changed: 3 * x -> 4 * x  [[]mylib.py:{line}] no test fails",
            "SURVIVED    half.x: sign flipped  [[]mylib.py:*] no test runs this rule",
        ]
    )
    result.stdout.no_fnmatch_line("SURVIVED    cube.x: sign flipped*")
    result.stdout.no_fnmatch_line("SURVIVED    cube.x: zero at one element*")


def test_ops_can_be_named(suite):
    result = suite("--grad-mutants=hal*", "-n0", test_strong=STRONG)
    result.stdout.fnmatch_lines(["7 mutants: 7 killed, *"])
    result = suite("--grad-mutants=hlaf", "-n0", test_strong=STRONG)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no op named 'hlaf'*"])


def test_path_after_the_option_is_not_taken_for_a_name(suite):
    result = suite("--grad-mutants", "test_strong.py", test_strong=STRONG)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'test_strong.py' is no name of an op; put paths before the option"])


def test_equivalent_mutants_need_no_killing_and_stale_entries_are_told(suite, pytester):
    (pytester.path / "equal.toml").write_text(
        '[mutants]\n"half.*" = "nobody uses half"\n"cube.x: sign flipped" = "it is killed all the same"\n'
    )
    pytester.makeini("[pytest]\ngrad_equivalent = equal.toml")
    result = suite("--grad-mutants", "-n0", test_weak=WEAK)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["equivalent  half.x: factor 2  (nobody uses half)"])
    result.stdout.fnmatch_lines(["STALE       'cube.x: sign flipped' matches nothing any more"])
    result.stdout.fnmatch_lines(["* mutants: * killed, 7 equivalent, * survived. Score: *"])
    (pytester.path / "equal.toml").write_text('[mutants]\n"half.*" = "nobody uses half"\n"cube.*" = "nor cube"\n')
    assert suite("--grad-mutants", "-n0").ret == 0


def test_allowlist_is_checked(suite, pytester):
    (pytester.path / "equal.toml").write_text('[mutant]\n"half.*" = "why"\n')
    pytester.makeini("[pytest]\ngrad_equivalent = equal.toml")
    result = suite("--grad-mutants", "-n0", test_weak=WEAK)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown table [[]mutant[]]; there are [[]mutants[]] and [[]coverage[]]"])


def test_suite_that_fails_without_mutants_is_told_so(suite):
    result = suite("--grad-mutants", "-n0", test_weak=WEAK + "    assert False\n")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not tried: tests fail without any mutant*"])


def test_test_that_does_not_end_and_one_that_crashes_kill_nothing(suite, monkeypatch):
    monkeypatch.setattr(mutation_run, "TIMEOUT_MARGIN", 0.5)
    result = suite(
        "--grad-mutants=half",
        "-n2",
        test_trap="""
        import os
        import numpy as np
        from mylib import half
        from minigrad import vjp

        def test_half():
            (g,) = vjp(half, np.ones(1))[1](np.ones(1))
            if g.item() == 1:
                while True:
                    pass
            if g.item() == -0.5:
                os._exit(3)
            assert g.item() == 0.5
        """,
    )
    result.stdout.fnmatch_lines_random(
        [
            "SURVIVED    half.x: factor 2  *a test did not end",
            "SURVIVED    half.x: sign flipped  *the process crashed",
            "7 mutants: 3 killed, 0 equivalent, 4 survived. *",
        ]
    )


def test_warnings_that_are_errors_kill_mutants(suite, pytester):
    pytester.makeini("[pytest]\nfilterwarnings = error")
    text = """
    import warnings
    import numpy as np
    from mylib import half
    from minigrad import vjp

    def test_half():
        if vjp(half, np.ones(1))[1](np.ones(1))[0].item() != 0.5:
            warnings.warn("odd")
    """
    result = suite("--grad-mutants=half", "-n0", test_warning=text)
    result.stdout.no_fnmatch_line("SURVIVED    half.x: factor 2*")
    result.stdout.fnmatch_lines(["SURVIVED    half.x: dtype leaked*"])


def test_coverage_and_xdist_are_left_out_of_it(suite):
    result = suite("--grad-mutants", "-n", "2", "--cov=mylib", alone=True, test_strong=STRONG)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["* mutants: * killed, 0 equivalent, 0 survived. Score: 100.0%"])
    result.stdout.no_fnmatch_line("*workers*")
    result.stdout.no_fnmatch_line("*mylib.py *%*")


def test_hypothesis_neither_shrinks_nor_remembers_while_mutants_run(suite):
    text = """
    from hypothesis import Phase, given, settings, strategies as st
    from mylib import half

    def test_half():
        assert settings.default.database is None
        assert Phase.shrink not in settings.default.phases
    """
    result = suite("--grad-mutants=half", "-n0", test_settings=text)
    result.assert_outcomes(passed=1)


def test_gradtest_kills_mutants_without_looking_for_small_examples(suite, monkeypatch):
    def never(*arguments):
        raise RuntimeError("shrinking")

    monkeypatch.setattr(violation_search, "_shrunk", never)
    monkeypatch.setattr(violation_search, "_most_telling", never)
    text = """
    from minigrad.testing import gradtest
    from mylib import cube

    gradtest(examples=10)(cube)
    """
    result = suite("--grad-mutants=cube", "-n0", test_marked=text)
    result.stdout.fnmatch_lines(["*0 equivalent, 0 survived. Score: 100.0%"])


# ---- without the extra ---------------------------------------------------------------------------------------


WITHOUT_HYPOTHESIS = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "hypothesis":
            raise ModuleNotFoundError("No module named 'hypothesis'", name="hypothesis")

sys.meta_path.insert(0, Missing())

import pytest

plugins = ["-p", "no:hypothesispytest", "-p", "no:minigrad", "-p", "minigrad.testing.plugin"]
sys.exit(pytest.main([*plugins, "-n0", *sys.argv[1:]]))
"""


def test_plugin_works_without_hypothesis_and_loads_none(pytester):
    pytester.makepyfile(mylib=LIBRARY, test_strong=STRONG)
    (pytester.path / "without.py").write_text(WITHOUT_HYPOTHESIS)
    for options in ([], ["--grad-coverage"], ["--grad-mutants"]):
        done = subprocess.run(
            [sys.executable, "without.py", *options], cwd=pytester.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3 passed" in done.stdout


def test_plugin_imports_no_hypothesis_until_it_is_used():
    code = "import minigrad.testing.plugin, sys; print('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_kit_says_what_to_install_where_hypothesis_is_missing(pytester):
    text = r"""
    import sys

    import pytest
    from minigrad.errors import MissingExtraError

    def test_it():
        sys.modules["hypothesis"] = None  # pytest may put a finder of its own before `Missing`
        from minigrad.testing import check_grads  # does without
        with pytest.raises(MissingExtraError, match=r'pip install "minigrad\[testing\]"'):
            from minigrad.testing import gradtest
    """
    pytester.makepyfile(test_it=text)
    (pytester.path / "without.py").write_text(WITHOUT_HYPOTHESIS)
    pytester.runpython("without.py").assert_outcomes(passed=1)


def test_kit_has_the_names_that_it_lists():
    from minigrad import testing

    assert all(hasattr(testing, name) for name in testing.__all__)
    assert callable(testing.gradtest)
    with pytest.raises(AttributeError, match="no attribute 'gradtests'"):
        testing.gradtests  # noqa: B018
