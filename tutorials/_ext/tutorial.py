"""Tutorials as notebooks of the site.

A tutorial is a Python file in Jupytext's percent format. The quick ones are run in full when the site is built. A long
one says so at its top (`full_run: 4 minutes`); it is run in the short form that its test uses, with what it prints
folded away. The environment variable MINIGRAD_SITE_FULL=1 runs all of them in full.
"""

from __future__ import annotations

import os
import re

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

NOTE = """\
:::{{note}}
The text and the pictures on this page are those of the full training, which takes about {time} on two cores. When the site
was built, the cells were run with a shortened one: what they printed then can be unfolded below them, and its numbers
are not those of the text. To see the full ones, run the tutorial: `jupytext --to ipynb` makes a notebook of the file.
:::"""


def read(text: str) -> NotebookNode:
    """The notebook of a tutorial's text, as the site shows it."""
    notebook: NotebookNode = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["mystnb"] = {"code_prompt_show": "What the shortened run printed"}
    time = notebook.metadata.get("full_run")
    for cell in notebook.cells:
        cell.source = _with_stored_picture(cell) if cell.cell_type == "code" else cell.source
    if time and not os.environ.get("MINIGRAD_SITE_FULL"):
        _shorten(notebook, time)
    return notebook


def _shorten(notebook: NotebookNode, time: str) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.setdefault("tags", []).append("hide-output")
    setting = new_code_cell("%env MINIGRAD_TUTORIAL_EPOCHS=3", metadata={"tags": ["remove-cell"]})  # type: ignore[no-untyped-call]  # nbformat has no types
    title, introduction = notebook.cells[0], notebook.cells[0].source
    heading, _, rest = introduction.partition("\n")
    title.source = f"{heading}\n\n{NOTE.format(time=time)}\n{rest}"
    notebook.cells.insert(1, setting)


def _with_stored_picture(cell: NotebookNode) -> str:
    """Pictures are stored beside the text, which shows them: a cell that ends by keeping one shows nothing."""
    return re.sub(r"^(keep\(.*\))\s*\Z", r"\1;", cell.source, flags=re.MULTILINE)
