"""The floors of the house, read off the source: who imports whom, and what importing minigrad costs.

Every import counts, those inside of functions too; only those for type checkers (`if TYPE_CHECKING`) never run.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import minigrad_models

import minigrad

ROOTS = {"minigrad": Path(minigrad.__file__).parent, "minigrad_models": Path(minigrad_models.__file__).parent}

# A file imports only from its own floor and from those before it here. `minigrad` is the package's own `__init__.py`,
# what users import: the models are written with it alone.
FLOORS = [
    "blas_threads", "errors", "pytorch_names", "typing", "shapes", "domain", "rng", "kernels", "config",
    "autograd", "ops", "fft", "special", "numpy_functions", "numpy_protocol", "dtypes", "array_namespace", "conversion",
    "creation", "sampling", "linalg", "einops", "functional", "init", "distributed", "nn", "optim", "data",
    "compilation", "graph", "cost", "io", "training", "testing", "viz", "diagnosis",
    "minigrad", "minigrad_models", "cli", "__main__",
]  # fmt: skip

# What `minigrad/__init__.py` imports only when it is asked for stands above it, so that it loads without.
LAZY = {
    "compilation", "cost", "data", "diagnosis", "distributed", "einops", "io", "special", "testing", "training", "viz",
}  # fmt: skip

# Loaded by minigrad.kernels when the first large array comes, and only where Numba is installed.
COMPILED_ENDINGS = ("_numba", "simd")

# Each has a file in minigrad/testing, which imports it; nothing else does.
FOREIGN = {"torch", "jax", "autograd", "mygrad", "tinygrad"}

LONG = {
    "autograd/tensor.py": "what a Tensor is cannot be cut without hiding its parts; its operators have their own file",
    "autograd/operators.py": "one line for each operator and method, and there are many",
}


@dataclass(frozen=True)
class File:
    """One source file: the name that it is imported by, and where it stands."""

    module: str
    path: Path

    @property
    def floor(self) -> str:
        root, *rest = self.module.split(".")
        return rest[0] if root == "minigrad" and rest else root

    @property
    def short(self) -> str:
        return str(self.path.relative_to(ROOTS[self.module.split(".")[0]]))

    @property
    def needs_absent_framework(self) -> bool:
        name = self.module.removeprefix("minigrad.testing.")
        return name in FOREIGN and find_spec(name) is None

    @property
    def compiled(self) -> bool:
        return self.path.stem.endswith(COMPILED_ENDINGS)


def files_of(name: str, root: Path) -> Iterator[File]:
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield File(".".join([name, *[part for part in parts if part != "__init__"]]), path)


FILES = [file for name, root in ROOTS.items() for file in files_of(name, root)]
MODULES = {file.module for file in FILES}


@dataclass(frozen=True)
class Import:
    """One imported name: the module, whether it is imported when the file is, and the line."""

    module: str
    at_once: bool
    line: int


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(file: File) -> list[Import]:
    return list(_imports(tree_of(file.path), file, at_once=True))


def _imports(node: ast.AST, file: File, at_once: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, at_once, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = file.module.split(".") if file.path.stem == "__init__" else file.module.split(".")[:-1]
            base = package[: len(package) - child.level + 1] if child.level else []
            module = ".".join([*base, *([child.module] if child.module else [])])
            yield from (Import(f"{module}.{alias.name}", at_once, child.lineno) for alias in child.names)
        elif isinstance(child, ast.Call) and ast.unparse(child.func).endswith("import_module"):
            if isinstance(child.args[0], ast.Constant) and isinstance(child.args[0].value, str):
                yield Import(child.args[0].value, at_once, child.lineno)
            yield from _imports(child, file, at_once)
        else:
            function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(child, file, at_once and not function)


def module_of(name: str) -> str | None:
    """The module of ours that an imported name is, or stands in."""
    parts = name.split(".")
    return next((m for k in range(len(parts), 0, -1) if (m := ".".join(parts[:k])) in MODULES), None)


def floor_of(name: str) -> str | None:
    """The floor of an imported name; `from minigrad import Tensor` is of the package itself."""
    module = module_of(name)
    return None if module is None else File(module, Path()).floor


def upward(file: File) -> list[str]:
    """The imports of a file that lead to a higher floor."""
    if file.module == "minigrad":
        found = [f for f in imports(file) if f.at_once and floor_of(f.module) in LAZY]
    else:
        height = FLOORS.index(file.floor)
        found = [f for f in imports(file) if (floor := floor_of(f.module)) and FLOORS.index(floor) > height]
    return [f"line {f.line}: {file.module} imports {f.module}" for f in found]


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The sets of modules that import each other, by taking away again and again what imports nothing that is left."""
    left = {module: set(targets) - {module} for module, targets in edges.items()}
    for around in (left, None):  # the second time from the other end: what nothing that is left imports
        graph = left if around is not None else _reversed(left)
        while free := [module for module, targets in graph.items() if not targets & graph.keys()]:
            for module in free:
                del graph[module]
        left = {module: left[module] & graph.keys() for module in graph}
    return [sorted(left)] if left else []


def _reversed(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    return {module: {other for other, targets in edges.items() if module in targets} for module in edges}


def test_every_file_belongs_to_a_floor():
    assert {file.floor for file in FILES} <= set(FLOORS)


def test_files_import_only_from_their_own_floor_and_those_below():
    assert [line for file in FILES for line in upward(file)] == []


def test_no_two_files_import_each_other():
    edges = {
        file.module: {m for found in imports(file) if (m := module_of(found.module)) is not None} for file in FILES
    }
    edges["minigrad"] -= {f"minigrad.{name}" for name in LAZY}  # asked for by attribute, when it is complete
    assert circles(edges) == []


def test_the_checks_see_a_wrong_import_and_a_circle(tmp_path):
    path = tmp_path / "shapes.py"
    path.write_text("def f():\n    from minigrad.nn.linear import Linear\n    from . import optim\n")
    file = File("minigrad.shapes", path)
    assert [found.module for found in imports(file)] == ["minigrad.nn.linear.Linear", "minigrad.optim"]
    assert [text.split(" imports ")[1] for text in upward(file)] == ["minigrad.nn.linear.Linear", "minigrad.optim"]
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"c"}}) == [["b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_kernels_know_arrays_only():
    kernels = [file for file in FILES if file.floor == "kernels"]
    known = {floor_of(found.module): file.short for file in kernels for found in imports(file)}
    assert known.keys() <= {"kernels", "errors", "typing", None}, known
    names = {node.id for file in kernels for node in ast.walk(tree_of(file.path)) if isinstance(node, ast.Name)}
    assert "Tensor" not in names


def test_models_are_written_with_the_public_api_only():
    models = [file for file in FILES if file.floor == "minigrad_models"]
    private = [(f.module, m.short) for m in models for f in imports(m)
               if floor_of(f.module) in {"autograd", "kernels", "cli"}]  # fmt: skip
    assert private == []


def test_test_tools_are_imported_in_testing_only():
    others = [file for file in FILES if file.floor != "testing"]
    roots = {found.module.split(".")[0]: file.short for file in others for found in imports(file)}
    assert roots.keys() & {"hypothesis", "pytest", "unittest", "torch"} == set(), roots


def test_only_numpy_is_imported_at_once():
    allowed = {"minigrad", "minigrad_models", "numpy", "threadpoolctl", *sys.stdlib_module_names}
    for file in FILES:
        if not file.compiled and file.floor != "testing":
            at_once = [found.module for found in imports(file) if found.at_once]
            assert {name.split(".")[0] for name in at_once} <= allowed, file.short
            assert [n for n in at_once if (m := module_of(n)) and m.endswith(COMPILED_ENDINGS)] == [], file.short


def loaded_by(code: str) -> set[str]:
    """The modules that are there after a fresh interpreter has run `code`."""
    code += "\nimport sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_of_minigrad_loads_neither_extras_nor_readers():
    loaded = loaded_by("import minigrad")
    extras = {
        "numba", "llvmlite", "tbb", "torch", "matplotlib", "sklearn", "scipy", "safetensors", "graphviz", "pygraphviz",
        "rich", "hypothesis", "einops", "pytest", "PIL", "pooch", "requests", "minigrad_models", "mpi4py",
    }  # fmt: skip
    assert "numpy" in loaded
    assert {name.split(".")[0] for name in loaded} & extras == set()
    assert {name.split(".")[1] for name in loaded if name.startswith("minigrad.")} & (LAZY | {"cli"}) == set()
    assert len([name for name in loaded if name.startswith("minigrad")]) <= 240


def test_readers_are_loaded_when_asked_for():
    assert "minigrad.viz" in loaded_by("import minigrad; minigrad.viz")
    assert "minigrad.diagnosis" in loaded_by("from minigrad import why")


def test_file_has_at_most_300_lines():
    lengths = {file.short: len(file.path.read_text("utf-8").splitlines()) for file in FILES}
    assert {name: n for name, n in lengths.items() if n > 300}.keys() == LONG.keys()


def test_every_file_begins_with_a_docstring():
    assert [file.short for file in FILES if not ast.get_docstring(tree_of(file.path))] == []


def test_exported_names_exist_and_are_sorted_once():
    names = minigrad.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(minigrad, name), name


def test_no_name_hides_a_module():
    """`import a.b as m` gives the module b: nothing else in the package a has the name b."""
    importable = [f for f in FILES if not f.compiled and f.path.stem != "__main__" and not f.needs_absent_framework]
    code = (
        "import sys, types, importlib\n"
        f"for name in {sorted(f.module for f in importable)!r}:\n"
        "    importlib.import_module(name)\n"
        "for name in sorted(sys.modules):\n"
        "    package, _, last = name.rpartition('.')\n"
        "    if name.startswith('minigrad') and package:\n"
        "        if not isinstance(getattr(sys.modules[package], last), types.ModuleType):\n"
        "            print(name)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_every_exported_function_and_class_is_documented():
    missing = [
        name for name in minigrad.__all__ if callable(getattr(minigrad, name)) and not getattr(minigrad, name).__doc__
    ]
    assert missing == []
