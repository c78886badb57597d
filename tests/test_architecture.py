"""The layers of ARCHITECTURE.md, read off the source: who imports whom, and what importing minigrad costs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import minigrad

ROOT = Path(minigrad.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]
every_file = pytest.mark.parametrize("path", FILES, ids=IDS)

# A file imports only from its own layer and from those above it here.
LAYERS = [
    "errors", "pytorch_names", "shapes", "domain", "kernels", "node", "operators", "guard", "tensor", "result",
    "explain", "rule", "op",
    "elementwise", "ops", "pullback", "autodiff", "rng", "create", "anomaly", "tracer", "checkpoint", "functional",
    "init", "nn", "optim", "data", "graph", "io", "training", "cost", "config", "testing", "viz", "why", "__init__",
    "cli", "__main__",
]  # fmt: skip

# The one deliberate cycle, and the method that leads down into it.
EXCEPTIONS = {("tensor", "ops"), ("tensor", "autodiff")}

# Loaded by minigrad.kernels.jit when the first large array comes, and only where Numba is installed.
COMPILED = {"lanes.py"} | {path.name for path in FILES if path.name.endswith("_numba.py")}

LONG = {
    "tensor.py": "what a Tensor is cannot be cut without hiding its parts; its operators are in operators.py already",
    "operators.py": "one line for each operator and method, and there are many",
    "op.py": "the one place where an op runs and is recorded",
}


@dataclass(frozen=True)
class Import:
    """One imported name: the module, whether it is imported when the file is, and the line."""

    module: str
    at_once: bool
    line: int


def imports(path: Path) -> Iterator[Import]:
    yield from _imports(ast.parse(path.read_text()), path, at_once=True)


def _imports(node: ast.AST, path: Path, at_once: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue  # for type checkers only: it never runs
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, at_once, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = ["minigrad", *path.relative_to(ROOT).with_suffix("").parts][: -child.level] if child.level else []
            base = ".".join([*package, child.module or ""]).strip(".")
            yield from (Import(f"{base}.{alias.name}", at_once, child.lineno) for alias in child.names)
        else:
            yield from _imports(child, path, at_once and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def layer_of_import(module: str) -> str | None:
    """The layer of an imported name of minigrad; `from minigrad import Tensor` is of the package, one of the last."""
    root, *rest = module.split(".")
    if root != "minigrad":
        return None
    return rest[0] if rest and rest[0] in LAYERS else "__init__"


@every_file
def test_file_belongs_to_a_layer(path):
    assert layer_of(path) in LAYERS


@every_file
def test_file_imports_only_from_layers_above(path):
    own = layer_of(path)
    wrong = []
    for found in imports(path):
        layer = layer_of_import(found.module)
        if layer is None or layer == own or (own, layer) in EXCEPTIONS:
            continue
        if LAYERS.index(layer) > LAYERS.index(own):
            wrong.append(f"line {found.line}: {own} imports {found.module}")
    assert wrong == []


@pytest.mark.parametrize(("own", "layer"), sorted(EXCEPTIONS))
def test_exceptions_are_still_needed(own, layer):
    assert any(layer_of_import(found.module) == layer for found in imports(ROOT / f"{own}.py"))


def test_the_check_sees_a_wrong_import(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "shapes.py"
    path.write_text("def f():\n    from minigrad.nn.layer import Linear\n    from . import optim\n")
    assert [found.module for found in imports(path)] == ["minigrad.nn.layer.Linear", "minigrad.optim"]
    with pytest.raises(AssertionError, match=r"shapes imports minigrad\.nn"):
        test_file_imports_only_from_layers_above(path)


@every_file
def test_kernels_know_arrays_only(path):
    if layer_of(path) == "kernels":
        assert {layer_of_import(found.module) for found in imports(path)} <= {"kernels", "errors", None}
        assert "Tensor" not in {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}


@every_file
def test_test_tools_are_imported_in_testing_only(path):
    if layer_of(path) != "testing":
        assert {found.module.split(".")[0] for found in imports(path)} & {
            "hypothesis",
            "pytest",
            "unittest",
            "torch",
        } == set()


@every_file
def test_only_numpy_is_imported_at_once(path):
    if path.name in COMPILED or layer_of(path) == "testing":
        return
    roots = {found.module.split(".")[0] for found in imports(path) if found.at_once}
    allowed = {"minigrad", "numpy", "threadpoolctl"} | ({"models"} if layer_of(path) == "cli" else set())
    assert roots - set(sys.stdlib_module_names) <= allowed
    names = {found.module.split(".")[2] for found in imports(path) if found.module.startswith("minigrad.kernels.")}
    assert {f"{name}.py" for name in names} & COMPILED == set()


def test_import_of_minigrad_loads_no_extra():
    code = "import minigrad, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    extras = {
        "numba", "llvmlite", "tbb", "torch", "matplotlib", "sklearn", "scipy", "safetensors", "graphviz", "pygraphviz",
        "rich", "hypothesis", "pytest", "PIL", "pooch", "requests",
    }  # fmt: skip
    assert "numpy" in loaded
    assert loaded & extras == set()


@every_file
def test_file_has_at_most_300_lines(path):
    name, lines = str(path.relative_to(ROOT)), len(path.read_text().splitlines())
    assert (lines > 300) == (name in LONG), f"{name} has {lines} lines"


@every_file
def test_file_begins_with_a_docstring(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_exported_names_exist_and_are_sorted_once():
    names = minigrad.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(minigrad, name), name


def test_no_exported_name_is_hidden_by_a_module_of_that_name():
    code = (
        "import pkgutil, types, minigrad\n"
        "for found in pkgutil.walk_packages(minigrad.__path__, 'minigrad.'):\n"
        "    if not found.name.endswith(('__main__', '_numba', '.lanes')):\n"
        "        __import__(found.name)\n"
        "print(*[n for n in minigrad.__all__ if isinstance(getattr(minigrad, n), types.ModuleType)])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(found) == ["data", "functional", "init", "nn", "optim"]


def test_every_exported_function_and_class_is_documented():
    missing = [
        name for name in minigrad.__all__ if callable(getattr(minigrad, name)) and not getattr(minigrad, name).__doc__
    ]
    assert missing == []
