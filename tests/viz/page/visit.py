"""A visit to a page: its parts by name, its errors and its requests."""

import os
from typing import Any, NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip, but not where a browser was promised."""
    if os.environ.get("MINIGRAD_BROWSER") == "required":
        pytest.fail(f"{what} is missing, and MINIGRAD_BROWSER=required")
    pytest.skip(f"the page is tested in a browser, and {what} is missing")


class Visit:
    """A page in a browser, with its errors and its requests."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.failures: dict[str, str] = {}
        self.watchers = {
            "console": lambda message: self.problems.append(message.text),
            "pageerror": lambda error: self.problems.append(str(error)),
            "dialog": lambda dialog: (self.problems.append(dialog.message), dialog.dismiss()),
            "request": lambda request: self.requests.append(request.url),
            "requestfailed": lambda request: self.failures.update({request.url: request.failure}),
        }
        for event, watcher in self.watchers.items():
            page.on(event, watcher)

    def end(self) -> None:
        """Stop watching."""
        for event, watcher in self.watchers.items():
            self.page.remove_listener(event, watcher)

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

    def choose(self, quantity: str) -> None:
        self.page.locator("#quantity").select_option(quantity)

    def step(self, number: int) -> None:
        self.page.locator("#step").fill(str(number))

    def enter(self, *keys: str) -> None:
        for key in keys:
            self.item(key).dblclick()
