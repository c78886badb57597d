"""The parts that the documentation site is made of. (`.ci/run` builds all of it, without a warning.)"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import docutils.core
import docutils.nodes
import docutils.parsers.rst.roles
import pytest
from minigrad_models import MODELS

import minigrad
from minigrad import REGISTRY, pytorch_names
from minigrad.pytorch_names import module_table
from tutorials._ext import (
    api,
    derivatives,
    docstring,
    generated,
    mathml,
    networks,
    offline,
    packages,
    pytorch,
    tutorial,
)

ROOT = Path(__file__).parent.parent
SITE = ROOT / "tutorials"
PAGES = sorted(SITE.rglob("*.md"))
TUTORIALS = sorted(SITE.glob("[0-9]*.py"))


def test_every_public_module_has_a_page():
    assert {f"minigrad.{path.stem}" for path in (SITE / "api").glob("*.md")} == {
        *(name for name in api.PAGES if name != "minigrad"),
        "minigrad.minigrad",
        "minigrad.index",
    }
    named = {f"minigrad.{name}" for name in minigrad.__all__ if inspect.ismodule(getattr(minigrad, name))}
    assert named <= set(api.PAGES)


@pytest.mark.parametrize("module", api.PAGES)
def test_every_public_name_is_on_the_page_of_its_module(module):
    path = SITE / "api" / f"{module.removeprefix('minigrad.')}.md"
    text = generated.filled(path.read_text("utf-8"))
    for inner in [module, *api.submodules(module)]:
        for name in api.public(inner):
            package, _, last = name.rpartition(".")
            assert f":: {name}\n" in text or f".. py:data:: {last}\n   :module: {package}\n" in text, name


def test_what_minigrad_exports_is_on_the_page_of_minigrad_or_of_ops():
    told = {name.rpartition(".")[2] for page in ("minigrad", "minigrad.ops") for name in api.public(page)}
    modules = {name for name in minigrad.__all__ if inspect.ismodule(getattr(minigrad, name))}
    assert told == set(minigrad.__all__) - modules - {"__version__"}


def public_objects():
    for page in api.PAGES:
        for module in [page, *api.submodules(page)]:
            for name in api.public(module):
                value = api._value(name)
                yield name, value
                if inspect.isclass(value):
                    yield from ((f"{name}.{k}", v) for k, v in vars(value).items() if not k.startswith("_"))


def test_docstrings_are_read_without_a_warning(capsys):
    for role in ("py:obj", "py:exc"):
        docutils.parsers.rst.roles.register_generic_role(role, docutils.nodes.literal)
    for name, value in public_objects():
        doc = value.__doc__ if isinstance(value.__doc__, str) else ""
        text = "\n".join(docstring.restructured(inspect.cleandoc(doc).splitlines()))
        docutils.core.publish_doctree(text, settings_overrides={"report_level": 2, "halt_level": 5})
        assert capsys.readouterr().err == "", (name, text)


def test_a_docstring_of_every_kind():
    text = """Do it.

    out = x * |y|

- an item
  in two lines

Args:
    x, y: numbers of `minigrad.grad`,
        and more.

Raises:
    ShapeError: they do not fit.

Source: a paper.

>>> 1 + 1
2
"""
    assert docstring.restructured(text.splitlines()) == [
        "Do it.", "",
        "::", "", "    out = x * |y|", "", "",
        "- an item in two lines", "",
        ":Arguments:", "    - ``x``, ``y``: numbers of \\ :py:obj:`minigrad.grad`\\ , and more.", "", "",
        ":Raises:", "    - :py:exc:`~minigrad.ShapeError`: they do not fit.", "", "",
        ":Source: a paper.", "",
        ">>> 1 + 1", "2", "",
    ]  # fmt: skip


def test_the_derivative_table_has_every_op_and_every_rule():
    table = derivatives.tables()
    for op in REGISTRY.values():
        if op.module.startswith("minigrad.ops."):
            assert f"`{op.name} <minigrad.{op.name}>`" in table or f"| `{op.name}`" in table, op
            told = "".join(derivatives.rules(op))
            assert all(f"`{name}`" in told for name in op.inputs), op


def test_every_network_is_in_a_table():
    small, paper = networks.table("small"), networks.table("paper")
    for name, entry in MODELS.items():
        assert f"| `{name}` |" in (small if entry.small else paper)


def test_every_name_of_pytorch_that_an_error_explains_is_in_a_table():
    page = generated.filled((SITE / "from_pytorch.md").read_text("utf-8"))
    for table in pytorch.TABLES.values():
        for theirs, *_ in pytorch_names.rows(table).values():
            assert f"`{theirs}`".replace("|", "\\|") in page, theirs
    tables = {name: text for name, text in vars(module_table).items() if name.isupper() and isinstance(text, str)}
    assert {text for name, text in tables.items() if name.endswith("_ABSENT")} <= set(pytorch.ABSENT.values())
    assert {text for text in tables.values() if text.startswith("\n")} <= set(pytorch.TABLES.values())


def test_the_picture_of_the_parts_shows_no_arrow_upward():
    order = packages.PARTS
    for part in order:
        assert all(order.index(other) < order.index(part) for other in packages.imported_by(part)), part
    assert packages.imported_by("kernels") == set()


def test_long_tutorials_are_shortened_and_say_so(monkeypatch):
    monkeypatch.delenv("MINIGRAD_SITE_FULL", raising=False)
    read = {path.name: tutorial.read(path.read_text("utf-8")) for path in TUTORIALS}
    long = {name for name, notebook in read.items() if "full_run" in notebook.metadata}
    assert 0 < len(long) < len(read)
    for name, notebook in read.items():
        shortened = "MINIGRAD_TUTORIAL_EPOCHS=3" in notebook.cells[1].source
        folded = ["hide-output" in cell.metadata.get("tags", []) for cell in notebook.cells if cell.cell_type == "code"]
        assert shortened == (name in long)
        assert (":::{note}" in notebook.cells[0].source) == (name in long)
        assert all(folded[1:]) if shortened else not any(folded)
    monkeypatch.setenv("MINIGRAD_SITE_FULL", "1")
    assert not any("%env" in cell.source for path in TUTORIALS for cell in tutorial.read(path.read_text("utf-8")).cells)


def test_a_cell_that_keeps_a_picture_leaves_it_to_the_text():
    text = '# %%\nfigure = 1\nkeep(figure, "one")\n\n# %%\nkeep(figure, "two")\nfigure\n'
    sources = [cell.source for cell in tutorial.read(text).cells]
    assert sources == ['figure = 1\nkeep(figure, "one");', 'keep(figure, "two")\nfigure']


@pytest.mark.parametrize("page", [*PAGES, *TUTORIALS], ids=lambda path: path.stem)
def test_pictures_of_a_page_exist(page):
    for line in page.read_text("utf-8").splitlines():
        if "](images/" in line:
            name = line.split("](images/")[1].split(")")[0]
            assert (SITE / "images" / name).exists(), name


def included():
    """The path, and the options, of every piece of code that a page includes."""
    for page in PAGES:
        for path, options in re.findall(r"```\{literalinclude\} (\S+)\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            yield page.parent / path, dict(re.findall(r":([\w-]+): \"?(.*?)\"?$", options, re.MULTILINE))


def test_included_code_is_there():
    assert len(list(included())) >= 5
    for path, options in included():
        text = path.read_text("utf-8")
        names = (
            [node.name for node in ast.walk(ast.parse(text)) if hasattr(node, "name")] if path.suffix == ".py" else []
        )
        assert options.get("pyobject", "") in ["", *names], (path, options)
        assert options.get("start-at", "") in text
        assert options.get("end-before", "") in text


def test_formulas_become_mathml():
    assert mathml.latex2mathml.tex2mathml(r"\frac{\partial z}{\partial x}").startswith("<math")


def test_what_a_page_loads_from_the_network_is_found():
    assert offline.loaded('<link rel="stylesheet" href="//cdn.example/x.css">') == ["//cdn.example/x.css"]
    assert offline.loaded('<img src="_images/x.png"> <a href="https://example.org">') == []
