"""What a docstring must tell, compared with the signature and the `raise` statements of what it documents.

    Args:     every parameter, with its default: `p: the probability, in [0, 1] (default 0.5).`
    Shapes:   of what a layer, a function of `minigrad.functional` or an op takes and gives
    Raises:   every error that is raised in the function's own source, or in `__init__` and `forward` of a class

The default None, or one that a dataclass makes, may be told in words (`(default: kernel_size)`). An elementwise op of
the derivative table has the form `formula. Shapes: any -> the same.`, in which its settings are named.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

from minigrad import Op, domain, nn

HEADING = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Source|Shapes?|Note)s?: ?(.*)$")
ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*): ")
ONE_LINE = re.compile(r"Shapes: any( \w+)* -> the (same|common one)\.")
LITERAL = r"\([^()]*\)|\"[^\"]*\"|'[^']*'|[\w.]+\([\w.]*\)|-?[\w.+-]*\w(?:/\w+)?"
CLAIMS = (re.compile(rf"\bdefault:? ({LITERAL})"), re.compile(rf"({LITERAL}) unless given"))
OWN_INIT = ("__init__", "__post_init__", "forward")


@dataclass(frozen=True)
class Subject:
    """What is documented: a function or an op, a class with its constructor, or a method of a class."""

    name: str
    value: Any
    owner: type | None = None
    shapes: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def docs(self) -> list[str]:
        """Its docstring, and those of the methods that it overrides."""
        if self.owner is None:
            return [inspect.cleandoc(self.value.__doc__ or "")]
        name = self.value.__name__
        methods = [vars(kind)[name] for kind in self.owner.__mro__ if name in vars(kind)]
        return [inspect.cleandoc(method.__doc__ or "") for method in methods]

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """Those that a caller gives."""
        if not isinstance(self.value, type):
            found = list(inspect.signature(self.value).parameters.values())
            bound = self.owner is not None and not isinstance(vars(self.owner).get(self.value.__name__), staticmethod)
            return found[1:] if bound else found
        init: Any = self.value.__init__
        if not inspect.isfunction(init) or getattr(self.value, "_is_protocol", False):
            return []
        return list(inspect.signature(init).parameters.values())[1:]

    @property
    def sources(self) -> list[Callable[..., Any]]:
        """The functions whose errors it must tell."""
        if isinstance(self.value, type):
            kinds = [kind for kind in self.value.__mro__ if kind.__module__.startswith(("minigrad", "tests"))]
            kinds = [kind for kind in kinds if kind not in nn.Module.__mro__]
            found = [vars(kind).get(name) for kind in kinds for name in OWN_INIT]
            return [function for function in found if inspect.isfunction(function)]
        return [self.value.forward if isinstance(self.value, Op) else self.value]


def faults(subject: Subject) -> Iterator[str]:
    """What the docstring of a subject does not tell, or tells wrongly."""
    docs = subject.docs
    if not docs[0]:
        yield "it has no docstring"
        return
    one_line = isinstance(subject.value, Op) and ONE_LINE.search(" ".join(docs[0].split()))
    for parameter in subject.parameters:
        if one_line:
            yield from _settings_faults(docs[0], parameter.name, subject.value.inputs)
        else:
            yield from _parameter_faults(docs, parameter, is_dataclass(subject.value))
    if subject.shapes and not re.search(r"\bShapes?: \S", docs[0]):
        yield "its shapes are not told under Shapes:"
    told = [error for doc in docs for error in entries(sections(doc).get("Raises", ""))]
    if isinstance(subject.value, type) and hasattr(subject.value, "forward"):
        told += entries(sections(inspect.cleandoc(subject.value.forward.__doc__ or "")).get("Raises", ""))
    raised = {error for source in subject.sources for error in raised_errors(source)}
    yield from (f"{error} is not told under Raises:" for error in sorted(raised - set(told)))


def _settings_faults(doc: str, name: str, inputs: Sequence[str]) -> Iterator[str]:
    """In the form of one line, inputs need no word."""
    if name not in inputs and not re.search(rf"\b{name}\b", doc):
        yield f"the setting {name} is not named"


def _parameter_faults(docs: list[str], parameter: inspect.Parameter, is_data: bool) -> Iterator[str]:
    headings = ("Args", "Attributes") if is_data else ("Args",)  # the arguments of a dataclass are its attributes
    tables = [entries(sections(doc).get(heading, "")) for doc in docs for heading in headings]
    text = next((table[parameter.name] for table in tables if parameter.name in table), None)
    if text is None:
        yield f"{parameter.name} is not told under Args:"
    elif parameter.default is not parameter.empty:
        claims = [claim for pattern in CLAIMS for claim in pattern.findall(text)]
        if parameter.default is None or repr(parameter.default) == "<factory>":  # of a dataclass
            if not claims and not re.search(r"\bNone\b|\bdefault:|unless given", text):
                yield f"what {parameter.name}={parameter.default} means is not told"
        elif not claims:
            yield f"the default of {parameter.name}, {parameter.default!r}, is not told"
        elif not any(_means(claim, parameter.default) for claim in claims):
            yield f"the default of {parameter.name} is {parameter.default!r}, not {claims[0]}"


def _means(text: str, default: object) -> bool:
    """Whether a text says a default: a literal, a quotient or a root, a domain, or the name of a function or class."""
    try:
        value = eval(text.rstrip("."), {"sqrt": math.sqrt, "inf": math.inf, **vars(domain)})
    except (NameError, SyntaxError):
        return text.rstrip(".") == getattr(default, "__name__", None)
    if isinstance(value, (int, float)) and isinstance(default, (int, float)):
        return isinstance(value, bool) == isinstance(default, bool) and math.isclose(value, default)
    return bool(value == default)


def sections(doc: str) -> dict[str, str]:
    """The sections of a docstring in Google's style, each by its heading."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in doc.splitlines():
        if match := HEADING.match(line):
            lines = found.setdefault(match[1], [match[2]])
        elif line.strip() and not line.startswith(" "):
            lines = []
        else:
            lines.append(line)
    return {name: "\n".join(text) for name, text in found.items()}


def entries(section: str) -> dict[str, str]:
    """The entries `name: text`, or `name, name: text`, of a section; their texts may go on in indented lines."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in textwrap.dedent(section).splitlines():
        if match := ENTRY.match(line):
            names = [name.lstrip("*") for name in match[1].split(", ")]
            line = line[match.end() :]
        for name in names:
            found[name] = f"{found.get(name, '')} {line.strip()}"
    return found


def raised_errors(function: Callable[..., Any]) -> set[str]:
    """The names of the errors that are raised in a function's source. NotImplementedError marks an abstract method."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):  # a ufunc, what a dataclass or a Protocol makes, a lambda within a call
        return set()
    if not function.__module__.startswith(("minigrad", "tests")):
        return set()
    raised = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None)
    names = (ast.unparse(exc.func if isinstance(exc, ast.Call) else exc).split(".")[-1] for exc in raised)
    return {name for name in names if name[0].isupper() and name != "NotImplementedError"}


def subjects_of(prefix: str, names: Iterator[tuple[str, Any]], *, methods: bool = True) -> Iterator[Subject]:
    """The functions and classes among named values, and the public methods of the classes."""
    for name, value in names:
        if not callable(value) or (isinstance(value, type) and issubclass(value, Exception)):
            continue
        path, is_class = f"{prefix}.{name}", isinstance(value, type)
        layer = is_class and issubclass(value, nn.Module)
        yield Subject(path, value, shapes=layer and value is not nn.Module)
        if is_class and methods:
            yield from _methods(path, value)


def _methods(path: str, kind: type) -> Iterator[Subject]:
    seen: set[str] = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith(("minigrad", "tests")):
            continue
        for name, value in vars(owner).items():
            function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            if inspect.isfunction(function) and not name.startswith("_") and name not in seen | {"forward"}:
                seen.add(name)
                yield Subject(f"{path}.{name}", function, kind)
