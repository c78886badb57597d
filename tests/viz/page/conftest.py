"""A headless Chromium for all tests of the page, and visits in which nothing may go wrong and nothing leave."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minigrad.viz.page import page
from tests.viz.page.sample import document, levels


def missing(what: str) -> None:
    """Skip, but not where a browser was promised."""
    if os.environ.get("MINIGRAD_BROWSER") == "required":
        pytest.fail(f"{what} is missing, and MINIGRAD_BROWSER=required")
    pytest.skip(f"the page is tested in a browser, and {what} is missing")


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


class Visit:
    """A page in a browser, with all that it complained of and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.failures: dict[str, str] = {}
        page.on("console", lambda message: self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: (self.problems.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.failures.update({request.url: request.failure}))

    def item(self, key: str) -> Any:
        return self.page.locator(f'.item[data-key="{key}"]')

    @property
    def keys(self) -> list[str]:
        """What is drawn at the level that is shown."""
        found: list[str] = self.page.eval_on_selector_all(".item", "items => items.map(item => item.dataset.key)")
        return found

    def having(self, name: str) -> set[str]:
        """The items of a class."""
        script = "(items, name) => items.filter(i => i.classList.contains(name)).map(i => i.dataset.key)"
        return set(self.page.eval_on_selector_all(".item", script, name))

    @property
    def path(self) -> list[str]:
        found: list[str] = self.page.locator("#path li").all_inner_texts()
        return found

    @property
    def panel(self) -> str:
        text: str = self.page.locator("#panel").inner_text()
        return text

    @property
    def focused(self) -> str | None:
        key: str | None = self.page.evaluate("document.activeElement.dataset.key ?? null")
        return key

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, measure: str) -> None:
        self.page.locator("#measure").select_option(measure)

    def step(self, number: int) -> None:
        self.page.locator("#step").fill(str(number))

    def enter(self, *keys: str) -> None:
        for key in keys:
            self.item(key).dblclick()


@pytest.fixture(scope="session")
def context(browser: Any) -> Callable[..., Any]:
    """A window of such settings, without network. They are kept: it takes longer to open one than to test in it."""
    kept: dict[str, Any] = {}

    def open_it(**settings: Any) -> Any:
        key = repr(sorted(settings.items()))
        if key not in kept:
            kept[key] = browser.new_context(offline=True, **settings)
            kept[key].set_default_timeout(10_000)
        return kept[key]

    return open_it


@pytest.fixture
def visit(context: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Open HTML from a file; in the end there were no problems, and no request but for the file."""
    path = tmp_path / "g.html"
    visits = []

    def open_it(html: str | None = None, place: str = "", **settings: Any) -> Visit:
        path.write_text(html or page(document(), levels()), encoding="utf-8", newline="\n")
        plain = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", "color_scheme": "light"}
        visits.append(Visit(context(**{**plain, **settings}).new_page()))
        visits[-1].page.goto(path.as_uri() + place)
        return visits[-1]

    yield open_it
    for visit in visits:
        assert visit.problems == []
        assert {request.partition("#")[0] for request in visit.requests} == {path.as_uri()}
        visit.page.close()
