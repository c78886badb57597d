"""Which cases of the families that take long together are run."""

from types import SimpleNamespace

import pytest

from tests.conftest import takes_all_of_families


@pytest.mark.parametrize(
    ("args", "keyword", "mutants", "all_of_them"),
    [
        (["tests"], "", None, False),
        (["tests/ops/test_every_op.py::test_gradients"], "", None, True),
        (["tests"], "exp", None, True),
        (["tests"], "", "", True),  # --grad-mutants of all rules
        (["tests"], "", "exp", True),
    ],
)
def test_all_cases_run_where_tests_are_named_or_mutants_tried(args, keyword, mutants, all_of_them):
    def option(name, default):
        return {"grad_mutants": mutants}.get(name, default)

    config = SimpleNamespace(args=args, option=SimpleNamespace(keyword=keyword), getoption=option)
    assert takes_all_of_families(config) == all_of_them
