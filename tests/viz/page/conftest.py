"""A headless Chromium for all tests of the page, and visits without errors and requests to the network."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minigrad.viz.page.html import html_page
from tests.viz.page.sample import sample_graph, sample_levels
from tests.viz.page.visit import Visit, missing


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    program = shutil.which("chromium")
    if program is None:
        missing("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def window(browser: Any) -> Callable[..., Any]:
    """A window of such settings, without network. They are kept: it takes longer to open one than to test in it."""
    kept: dict[str, Any] = {}

    def open_it(**settings: Any) -> Any:
        key = repr(sorted(settings.items()))
        if key not in kept:
            kept[key] = browser.new_context(offline=True, **settings).new_page()
            kept[key].set_default_timeout(10_000)
        return kept[key]

    return open_it


@pytest.fixture
def visit(window: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Open HTML from a file; in the end there were no problems, and no request but for the file."""
    path = tmp_path / "g.html"
    visits = []

    def open_it(html: str | None = None, place: str = "", **settings: Any) -> Visit:
        path.write_text(html or html_page(sample_graph(), sample_levels()), encoding="utf-8", newline="\n")
        plain = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", "color_scheme": "light"}
        visits.append(Visit(window(**{**plain, **settings})))
        visits[-1].page.mouse.move(1, 1)
        visits[-1].page.goto(path.as_uri() + place)
        return visits[-1]

    yield open_it
    for visit in visits:
        visit.end()
        assert visit.problems == []
        assert {request.partition("#")[0] for request in visit.requests} == {path.as_uri()}
