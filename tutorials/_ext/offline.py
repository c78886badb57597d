"""The site needs no network: a page that loads something from elsewhere is a warning."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

_LOADED = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']((?:https?:)?//[^"']+)""")


def loaded(html: str) -> list[str]:
    """What a page loads from the network when it is opened; links that a reader may follow are not counted.

    >>> loaded('<a href="https://arxiv.org"> <script src="https://cdn.example/x.js">')
    ['https://cdn.example/x.js']
    """
    return _LOADED.findall(html)


def _check(app: Sphinx, error: Exception | None) -> None:
    for page in sorted(Path(app.outdir).rglob("*.html")):
        for address in loaded(page.read_text("utf-8")):
            logging.getLogger(__name__).warning("%s loads %s", page.relative_to(app.outdir), address)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
