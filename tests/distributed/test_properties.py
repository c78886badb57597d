"""Several ranks compute what one process does; each property is proved by real ranks."""

import ast
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("properties.py")
NAMES = [
    node.name
    for node in ast.parse(SCRIPT.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "holds" for d in node.decorator_list)
]


@pytest.fixture(scope="module", params=[2, 4])
def found(request, run_ranks):
    code, output, errors = run_ranks(request.param, SCRIPT)
    assert code == 0, errors
    return json.loads(output)


@pytest.mark.parametrize("name", NAMES)
def test_property(found, name):
    assert found[name] == ""
