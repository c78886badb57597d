"""What the file of a page holds, seen without a browser."""

import base64
import hashlib
import json
import re

import pytest

from minigrad.viz.page.html import data_block, html_page
from tests.viz.page.sample import EVIL, evil, sample_graph, sample_levels
from tests.viz.page.visit import missing

ELEMENT = re.compile(
    r"<(style|script|script type=\"application/json\" id=\"data\")>(.*?)</(?:style|script)>", re.DOTALL
)


def test_policy_allows_these_scripts_and_styles_only() -> None:
    html = html_page(sample_graph(), sample_levels())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    style, data, script = ELEMENT.findall(html)
    assert data[0].endswith('id="data"')

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert policy[1].split("; ") == [
        "default-src 'none'",
        f"script-src {digest(script[1])}",
        f"style-src {digest(style[1])}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not re.search(r"\b(src|href|style|on\w+)=", re.sub(ELEMENT, "", html))


def test_the_data_comes_through_unchanged() -> None:
    text, seen = evil()
    _, (_, block), _ = ELEMENT.findall(html_page(text, seen))
    data = json.loads(block)
    assert data["graph"] == text
    assert [{name: part for name, part in level.items() if name != "layout"} for level in data["levels"]] == seen
    assert block.isascii()
    assert not set(block) & set("<>&")


def test_markup_of_users_adds_no_element() -> None:
    def elements(html: str) -> list[str]:
        return re.findall(r"<[/!]?[a-z-]+", html.lower())

    assert elements(html_page(*evil())) == elements(html_page(sample_graph(), sample_levels()))
    assert EVIL not in html_page(*evil())


def test_title_may_hold_what_utf_8_cannot_say() -> None:
    text = sample_graph() | {"title": "a\ud800{{data}}"}
    html = html_page(text, sample_levels())
    assert "<title>a&#55296;{{data}} &#183; minigrad</title>" in html
    html.encode("utf-8")


def test_untitled_graphs_have_a_title() -> None:
    assert "<title>graph &#183; minigrad</title>" in html_page(sample_graph() | {"title": ""}, sample_levels())


def test_numbers_that_json_cannot_say_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        data_block({"norm": float("nan")})


def test_levels_of_the_same_form_share_their_layout() -> None:
    seen = sample_levels()
    again = seen[2] | {
        "call": 7,
        "texts": {key: [word[::-1] for word in words] for key, words in seen[2]["texts"].items()},
    }
    _, (_, block), _ = ELEMENT.findall(html_page(sample_graph(), [*seen, again]))
    data = json.loads(block)
    assert [level["layout"] for level in data["levels"]] == [0, 1, 2, 2]
    assert len(data["layouts"]) == 3


def test_a_missing_browser_is_skipped_but_not_where_one_was_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_BROWSER", "required")
    with pytest.raises(pytest.fail.Exception, match="chromium is missing"):
        missing("chromium")
    monkeypatch.delenv("MINIGRAD_BROWSER")
    with pytest.raises(pytest.skip.Exception, match="chromium is missing"):
        missing("chromium")
