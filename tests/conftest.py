"""What all tests share: Hypothesis profiles, and random numbers that begin the same way in each test.

MINIGRAD_PROFILE chooses how many examples a property is tried on: dev (the default), ci, or intense. The first two try
the same examples each time, so that a newcomer's run passes whenever ours did; intense, of a nightly job, tries others.
Of a family of cases that take long together (the marker `family`), dev runs each fifth.

MINIGRAD_PROCESSOR=avx2 lets nothing use AVX-512, so that the kernels for processors without it are tested everywhere.
"""

import os
import sys

from tests.benchmarks.processor import set_processor

if os.environ.get("MINIGRAD_PROCESSOR"):  # before NumPy and Numba are loaded
    set_processor(avx2=os.environ["MINIGRAD_PROCESSOR"] == "avx2")

# Before NumPy is loaded, and for processes that tests start: the threads of BLAS wait for each other by spinning, and
# where several tests run at once, each in a process, that takes several times as long as the products.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")

# A command that tests start would compile all of minigrad again, which takes it longer than most of them do otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is loaded: its functions take Tensors

import numpy as np
import pytest
from _pytest.doctest import DoctestItem
from hypothesis import HealthCheck, settings

import minigrad
from minigrad.autograd.tensor import default_dtype, memory_guard, set_default_dtype

# No deadline: a test machine may be busy, and no test here is about time.
settings.register_profile("dev", max_examples=8, deadline=None, derandomize=True)
settings.register_profile("ci", max_examples=20, deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "intense",
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PROFILE = os.environ.get("MINIGRAD_PROFILE", "dev")
settings.load_profile(PROFILE)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load minigrad's own plugin, which pyproject.toml keeps from being loaded before coverage starts."""
    if not pluginmanager.has_plugin("minigrad"):
        pluginmanager.import_plugin("minigrad.testing.plugin")


def pytest_configure(config: pytest.Config) -> None:
    """Let Hypothesis report a failure: where libcst is installed it is imported for that, and warns on the way."""
    config.addinivalue_line("filterwarnings", "ignore:mypy_extensions.TypedDict is deprecated:DeprecationWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Examples in docstrings run in the file of the function, not in each package that exports it."""
    items[:] = [item for item in items if not _is_example_of_an_export(item)]
    if PROFILE == "dev" and not takes_all_of_families(config):
        families = [item for item in items if item.get_closest_marker("family")]
        left_out = [item for k, item in enumerate(families) if k % 5]
        kept = set(items) - set(left_out)
        items[:] = [item for item in items if item in kept]
        config.hook.pytest_deselected(items=left_out)


def takes_all_of_families(config: pytest.Config) -> bool:
    """Whether tests are named, or mutants tried, of which each case may kill one."""
    named = "::" in " ".join(config.args) or bool(config.option.keyword)
    return named or config.getoption("grad_mutants", None) is not None


def _is_example_of_an_export(item: pytest.Item) -> bool:
    if not isinstance(item, DoctestItem) or item.path.name != "__init__.py":
        return False
    package, _, name = item.name.rpartition(".")
    return hasattr(getattr(sys.modules.get(package), name, None), "__wrapped__")


@pytest.fixture(autouse=True)
def _same_start():
    """Seed minigrad, and undo the process-wide switches that a test may have left on."""
    minigrad.seed(0)
    dtype = default_dtype()
    yield
    set_default_dtype(dtype)
    memory_guard(True)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that is the same in every run."""
    return np.random.default_rng(20261121)


@pytest.fixture
def torch():
    """PyTorch, where it is installed; the test is skipped elsewhere."""
    return pytest.importorskip("torch")
