"""The pages of the API: every public name, in the order and under the headings of the files that it is defined in."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module
from itertools import groupby
from types import ModuleType
from typing import Any, Final

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import inspect as sphinx_inspect
from sphinx.util import logging

from minigrad import Op, ops

from .docstring import restructured

PAGES: Final = (
    "minigrad", "minigrad.ops", "minigrad.linalg", "minigrad.fft", "minigrad.special", "minigrad.einops",
    "minigrad.functional", "minigrad.nn", "minigrad.nn.utils", "minigrad.nn.utils.parametrize",
    "minigrad.nn.utils.parametrizations", "minigrad.nn.utils.rnn", "minigrad.optim", "minigrad.init", "minigrad.data",
    "minigrad.training", "minigrad.distributed", "minigrad.viz", "minigrad.diagnosis", "minigrad.compilation",
    "minigrad.cost", "minigrad.io",
    "minigrad.testing", "minigrad.testing.frameworks", "minigrad.domain", "minigrad.typing",
)  # fmt: skip
"""The modules that have a page each. What `minigrad.ops` exports is public as `minigrad.sin`, and so on."""

FIRST: Final = (
    "minigrad.autograd.tensor", "minigrad.creation", "minigrad.autograd.transforms", "minigrad.autograd.op",
    "minigrad.nn.module", "minigrad.nn.container",
)  # fmt: skip
"""Files whose names come first on their page; the others are in the order in which the package imports them."""

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "minigrad.Tensor": (":members:", ":inherited-members: object"),
    "minigrad.nn.Module": (":members:",),
}
"""Options of autodoc for some classes; the others show their own methods, but `forward`."""

OTHERS: Final = (":members:", ":exclude-members: forward")


def page(module: str) -> str:
    """The page of a module: its docstring, and each public name under the heading of its file."""
    return "\n".join(_page(module, "##"))


def public(module: str) -> list[str]:
    """The full public names of a module, other modules left out.

    >>> "minigrad.Tensor" in public("minigrad"), "minigrad.sin" in public("minigrad.ops")
    (True, True)
    """
    names = [name for name in _exported(module) if not inspect.ismodule(_value(f"{module}.{name}"))]
    if module == "minigrad":
        names = [name for name in names if name not in ops.__all__ and name != "__version__"]
    if module not in PAGES:  # what its package exports, too, is on that part of the page
        around = vars(_value(module.rpartition(".")[0]))
        names = [name for name in names if name not in around]
    return sorted([f"{_prefix(module)}.{name}" for name in names], key=lambda name: _rank(_home(name)))


def _rank(home: str) -> int:
    return FIRST.index(home) if home in FIRST else len(FIRST)


def submodules(module: str) -> list[str]:
    """Public modules inside of a module that have no page of their own, such as `minigrad.optim.schedule`."""
    found = [f"{module}.{name}" for name in _exported(module)]
    return [name for name in found if inspect.ismodule(_value(name)) and name not in PAGES]


def _value(name: str) -> Any:
    """What a full name stands for; where a function hides the module that it is defined in, the function."""
    package, _, last = name.rpartition(".")
    return getattr(_value(package), last) if package else import_module(name)


def _exported(module: str) -> list[str]:
    """The names in `__all__`, or else those defined in the module, in the order of the module's own text."""
    loaded = _value(module)
    order = {name: k for k, name in enumerate(vars(loaded))}
    names = getattr(loaded, "__all__", None) or [name for name in order if _defined(loaded, name)]
    return sorted(names, key=lambda name: order.get(name, len(order)))


def _defined(module: ModuleType, name: str) -> bool:
    """Whether a name was defined in a module, not imported: a constant has a text below its definition."""
    value = getattr(module, name)
    here = getattr(value, "__module__", None) == module.__name__ if _is_code(value) else bool(_comment(module, name))
    return here and not name.startswith("_")


def _prefix(module: str) -> str:
    return "minigrad" if module == "minigrad.ops" else module


def _page(module: str, level: str) -> Iterator[str]:
    yield from ["```{eval-rst}", f".. py:module:: {module}", "", *restructured(_text(module).splitlines()), "```", ""]
    for home, names in groupby(public(module), key=_home):
        if home != _value(module).__name__:
            yield from [f"{level} {_title(home)}", ""]
        yield "```{eval-rst}"
        for name in names:
            yield from _directive(name)
        yield from ["```", ""]
    for inner in submodules(module):
        yield from [f"{level} `{inner}`", "", *_page(inner, level + "#")]


def _text(module: str) -> str:
    return inspect.cleandoc(_value(module).__doc__ or "")


def _title(module: str) -> str:
    """The first clause of a module's docstring."""
    return re.split(r"[:;.,] ", " ".join(_text(module).split()) + " ")[0]


def _home(name: str) -> str:
    """The module that a public name is defined in; that of its package for a constant."""
    value, package = _value(name), _value(name.rpartition(".")[0]).__name__
    home = value.module if isinstance(value, Op) else getattr(value, "__module__", package)
    return str(home) if _is_code(value) and str(home).startswith("minigrad") else package


def _is_code(value: object) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, Op)


def _directive(name: str) -> Iterator[str]:
    """What makes autodoc tell of a name; a constant has its text below it, in whatever file that is."""
    value, package = _value(name), name.rpartition(".")[0]
    if inspect.isclass(value):
        options = (":members:", ":undoc-members:") if issubclass(value, Enum) else OPTIONS.get(name, OTHERS)
        yield from [f".. autoclass:: {name}", *[f"   {option}" for option in options], ""]
    elif _is_code(value):
        yield from [f".. autofunction:: {name}", ""]
    else:
        files = [module for key, module in sys.modules.items() if key.startswith(package.split(".")[0])]
        last = name.rpartition(".")[2]
        texts = [_comment(module, last) for module in files if getattr(module, last, None) is value]
        text = next(filter(None, texts), [f"``{textwrap.shorten(repr(value), 80)}``"])
        yield from [f".. py:data:: {last}", f"   :module: {package}", "", *[f"   {line}" for line in text], ""]


def _comment(module: ModuleType, name: str) -> list[str]:
    """The text below the definition of a constant."""
    found = ModuleAnalyzer.for_module(module.__name__).find_attr_docs()
    return restructured(found.get(("", name), []))


def _signature(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returned: str | None
) -> tuple[str, str] | None:
    """A Module is made with the arguments of its `__init__`, whatever stands before that."""
    if what == "class" and signature and signature.startswith("(*args") and inspect.isclass(obj):
        of_init = sphinx_inspect.signature(obj.__init__, bound_method=True)
        return sphinx_inspect.stringify_signature(of_init, show_return_annotation=False, unqualified_typehints=True), ""
    return None


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    """Every public name is on a page."""
    documented = env.domains.python_domain.objects
    for module in [*PAGES, *(inner for outer in PAGES for inner in submodules(outer))]:
        for name in public(module):
            if name not in documented:
                logging.getLogger(__name__).warning("%s is public, and on no page of the API", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-signature", _signature)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
