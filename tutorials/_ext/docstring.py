"""Docstrings as reStructuredText.

The docstrings of minigrad are plain text in Google's style: backticks are code, what is indented stays as it is, and
`*`, `|` and `_` are mathematics. Here that becomes reStructuredText, which autodoc wants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from sphinx.application import Sphinx

SECTIONS: Final = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Yields": "Yields",
    "Raises": "Raises",
}
"""Headings with what they are shown as; each is followed by indented lines."""

WORDS: Final = ("Shape", "Shapes", "Source")
"""Paragraphs that begin with one of these and a colon are shown like a section."""

_CODE = re.compile(r"`([^`]+)`")
_ENTRY = re.compile(r"^(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*): +(\S.*)$", re.DOTALL)
_INSIDE = re.compile(rf" (?=(?:{'|'.join(WORDS)}): )")
_ITEM = re.compile(r"^([-*]|\d+\.) +")


def restructured(lines: Sequence[str]) -> list[str]:
    """A docstring, without the indentation of its code, as lines of reStructuredText.

    >>> restructured(["|x| to the power of `n`."])
    ['\\\\|x\\\\| to the power of \\\\ ``n``\\\\ .', '']
    """
    return list(_blocks(list(lines)))


def inline(text: str) -> str:
    """A piece of running text: code in backticks, and all else as it stands.

    >>> inline("`minigrad.grad` of x_ * y")
    '\\\\ :py:obj:`minigrad.grad`\\\\  of x\\\\_ \\\\* y'
    """
    parts = _CODE.split(text)
    marked = (_code(part) if k % 2 else re.sub(r"([\\*|_`])", r"\\\1", part) for k, part in enumerate(parts))
    return "\\ ".join(marked)  # the space is not shown; without it "`x`s" would be no code


def _code(text: str) -> str:
    return f":py:obj:`{text}`" if re.fullmatch(r"minigrad(\.\w+)+", text) else f"``{text.strip()}``"


def _blocks(lines: list[str]) -> Iterator[str]:
    """Each block of a text, followed by an empty line."""
    while lines:
        if not lines[0].strip():
            lines.pop(0)
        elif lines[0].rstrip().removesuffix(":") in SECTIONS and lines[0].rstrip().endswith(":"):
            name = lines.pop(0).strip().removesuffix(":")
            yield from _section(name, _take(lines, lambda line: not line.strip() or line.startswith(" ")))
        elif lines[0].startswith(">>>"):
            yield from [*_take(lines, lambda line: bool(line.strip())), ""]
        elif lines[0].startswith(" "):
            yield from ["::", "", *_literal(_take(lines, lambda line: not line.strip() or line.startswith(" "))), ""]
        elif _ITEM.match(lines[0]):
            yield from [*_list(_take(lines, lambda line: bool(_ITEM.match(line)) or line.startswith(" "))), ""]
        else:
            text = " ".join(_take(lines, lambda line: bool(line.strip()) and line[0] != " " and not _ITEM.match(line)))
            for part in _INSIDE.split(text):
                yield from [_paragraph(part), ""]


def _take(lines: list[str], wanted: object) -> list[str]:
    """Remove the first line, and those after it that are wanted, and give them."""
    assert callable(wanted)
    count = next((k for k, line in enumerate(lines) if k and not wanted(line)), len(lines))
    taken, lines[:count] = lines[:count], []
    return taken


def _paragraph(text: str) -> str:
    word, colon, rest = text.partition(":")
    if colon and word in WORDS and rest.strip():
        return f":{word}: {inline(rest.strip())}"
    if text.startswith("::"):
        return inline(text[2:].strip())
    text = text[:-1] if text.endswith("::") else text
    return ("\\" if re.match(r"[-+=~^#.:>]", text) else "") + inline(text)


def _literal(lines: list[str]) -> list[str]:
    """Indented lines, with four spaces."""
    least = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return [("    " + line[least:]).rstrip() for line in lines]


def _list(lines: list[str]) -> Iterator[str]:
    """Items, the lines of each as one."""
    starts = 0
    keyed = []
    for line in lines:
        starts += bool(_ITEM.match(line))
        keyed.append((starts, line.strip()))
    for _, item in groupby(keyed, key=lambda pair: pair[0]):
        mark, _, text = " ".join(line for _, line in item).partition(" ")
        yield f"{mark} {inline(text.strip())}"


def _section(name: str, lines: list[str]) -> Iterator[str]:
    """A heading with its entries, `name: text`, or with text."""
    least = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    lines = [line[least:] for line in lines]
    yield f":{SECTIONS[name]}:"
    if name in ("Returns", "Yields"):
        body = list(_blocks(lines))
    else:
        body = [line for entry in _entries(lines) for line in (f"- {_entry(name, entry)}", "")]
    yield from [("    " + line).rstrip() for line in body]
    yield ""


def _entries(lines: list[str]) -> Iterator[str]:
    """Each entry begins at the margin; what is indented, or comes after an empty line, continues it."""
    while lines:
        yield " ".join(line.strip() for line in _take(lines, lambda line: not line or line.startswith(" "))).strip()


def _entry(section: str, text: str) -> str:
    found = _ENTRY.match(text)
    if found is None:
        return inline(text)
    names = found[1].split(", ")
    shown = [f":py:exc:`~minigrad.{name}`" if section == "Raises" else f"``{name}``" for name in names]
    return f"{', '.join(shown)}: {inline(found[2])}"


def _convert(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _convert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
