"""Walking through the page: entering and leaving modules, searching, selecting, with mouse and keyboard."""

from collections.abc import Callable

import pytest

from minigrad.viz.page.html import html_page
from tests.viz.page.sample import sample_graph, sample_levels
from tests.viz.page.visit import Visit

Open = Callable[..., Visit]
pytest.importorskip("pygraphviz")


def test_each_item_and_edge_of_a_level_is_drawn(visit: Open) -> None:
    seen = visit()
    for keys, level in zip(([], ["c0"], ["c1"]), sample_levels(), strict=True):
        seen.enter(*keys)
        assert seen.keys == [item["key"] for item in level["items"]]
        assert seen.page.locator(".edge .line").count() == len(level["edges"])
        labels = [edge["label"] for edge in level["edges"] if edge["label"]]
        assert seen.page.locator(".edge text").all_text_contents() == labels


def test_kinds_have_shapes_of_their_own(visit: Open) -> None:
    seen = visit()
    outlines = {key: seen.item(key).evaluate("g => g.querySelector('.shape').outerHTML") for key in seen.keys}
    assert "<ellipse" in outlines["n0"]
    assert "<rect" in outlines["n5"]
    assert "L" in outlines["n4"]  # the points of a constant
    assert seen.item("c0").locator(".fold").count() == 1
    width = "g => getComputedStyle(g.querySelector('.shape')).strokeWidth"
    assert seen.item("n6").evaluate(width) > seen.item("n5").evaluate(width)  # the output
    dash = "g => getComputedStyle(g.querySelector('.shape')).strokeDasharray"
    assert seen.item("n5").evaluate(dash) == "none"
    assert seen.item("n4").evaluate(dash) != "none"  # not recorded
    seen.enter("c0")
    assert seen.item("i0").evaluate(dash) != "none"


def test_marked_path_stands_out_also_through_modules(visit: Open) -> None:
    seen = visit()
    assert seen.having("marked") == {"c0", "n5"}
    assert seen.page.locator(".edge.marked").count() == 1


@pytest.mark.parametrize("way", ["double click", "mark", "Enter", "Space", "panel"])
def test_a_module_is_entered(visit: Open, way: str) -> None:
    seen = visit()
    module = seen.item("c0")
    if way == "double click":
        module.dblclick()
    elif way == "mark":
        module.locator(".enter").click()
    elif way in ("Enter", "Space"):
        module.focus()
        seen.press(way)
    else:
        module.click()
        seen.page.get_by_role("button", name="Enter", exact=True).click()
    assert seen.keys == ["i0", "c1", "n3", "o3"]
    assert seen.path == ["sample", "body"]
    assert seen.focused == "i0"
    assert seen.page.title() == "body · sample · minigrad"


@pytest.mark.parametrize("key", ["Escape", "Backspace"])
def test_keys_leave_to_the_module_one_came_from(visit: Open, key: str) -> None:
    seen = visit()
    seen.enter("c0", "c1")
    assert seen.path == ["sample", "body", "0 Linear"]
    seen.press(key)
    assert (seen.path, seen.focused) == (["sample", "body"], "c1")
    seen.press(key)
    assert (seen.path, seen.focused) == (["sample"], "c0")
    seen.press(key)
    assert seen.path == ["sample"]


def test_breadcrumb_leaves_any_number_of_modules(visit: Open) -> None:
    seen = visit()
    seen.enter("c0", "c1")
    seen.page.locator("#path").get_by_text("sample").click()
    assert (seen.path, seen.having("selected")) == (["sample"], {"c0"})


def test_back_and_the_address_keep_the_place(visit: Open) -> None:
    seen = visit()
    seen.enter("c0")
    seen.item("n3").click()
    assert seen.page.url.endswith("#n3")
    seen.page.reload()
    assert (seen.path, seen.having("selected")) == (["sample", "body"], {"n3"})
    seen.page.go_back()
    assert seen.path == ["sample"]


def test_a_place_that_is_not_there_is_the_beginning(visit: Open) -> None:
    assert visit(place="#n99").path == ["sample"]


def test_a_model_alone_in_its_level_is_entered_at_once(visit: Open) -> None:
    seen = sample_levels()
    del seen[0]["items"][3:], seen[0]["edges"][1:]
    assert visit(html_page(sample_graph(), seen)).path == ["sample", "body"]


def test_a_port_leads_to_its_node(visit: Open) -> None:
    seen = visit(place="#n2")
    seen.item("i0").dblclick()
    assert (seen.path, seen.focused) == (["sample"], "n0")


# ---- search --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "path", "key"),
    [
        ("weight", ["sample", "body", "0 Linear"], "n1"),
        ("body.0.w", ["sample", "body", "0 Linear"], "n1"),
        ("matm", ["sample", "body", "0 Linear"], "n2"),
        ("PARAMETER", ["sample", "body", "0 Linear"], "n1"),
        ("linear", ["sample", "body"], "c1"),
        ("op body 4×2 tanh", ["sample", "body"], "n3"),
    ],
)
def test_search_goes_to_the_place(visit: Open, words: str, path: list[str], key: str) -> None:
    seen = visit()
    seen.press("/")
    seen.page.keyboard.type(words)
    seen.press("Enter")
    assert (seen.path, seen.focused, seen.having("selected")) == (path, key, {key})
    assert seen.page.locator("#results").is_hidden()


def test_results_are_chosen_with_arrows_and_the_mouse(visit: Open) -> None:
    seen = visit()
    seen.press("/")
    seen.page.keyboard.type("body")
    rows = seen.page.locator("#results").get_by_role("option")
    assert rows.count() == 5  # two modules and what they hold
    seen.press("ArrowDown", "ArrowDown", "ArrowUp")
    assert [row.get_attribute("aria-selected") for row in rows.all()].index("true") == 1
    assert seen.page.locator("#query").get_attribute("aria-activedescendant") == "result-1"
    rows.filter(has_text="tanh").click()
    assert seen.focused == "n3"


def test_search_without_result_says_so_and_escape_closes_it(visit: Open) -> None:
    seen = visit()
    seen.press("/")
    seen.page.keyboard.type("zebra")
    assert seen.page.locator("#results").inner_text() == "Nothing found."
    seen.press("Escape")
    assert seen.page.locator("#results").is_hidden()
    assert seen.path == ["sample"]


# ---- keyboard and mouse --------------------------------------------------------------------------------------


def test_arrows_and_tab_go_from_node_to_node(visit: Open) -> None:
    seen = visit()
    seen.press("ArrowDown")
    assert seen.focused == "n0"
    seen.press("ArrowDown", "ArrowDown", "ArrowDown")
    assert seen.focused == "n6"
    seen.press("ArrowUp", "ArrowUp", "ArrowRight")
    assert seen.focused == "n4"
    seen.press("ArrowLeft")
    assert seen.focused == "c0"
    seen.press("Tab")
    assert seen.focused == "n4"
    seen.press("Enter")
    assert seen.having("selected") == {"n4"}
    assert seen.item("n4").get_attribute("aria-current") == "true"


def test_the_focus_is_seen(visit: Open) -> None:
    seen = visit()
    halo = "g => getComputedStyle(g.querySelector('.halo')).stroke"
    assert seen.item("n0").evaluate(halo) == "none"
    seen.press("ArrowDown")
    assert seen.item("n0").evaluate(halo) != "none"


def test_zoom_by_keys_buttons_and_wheel(visit: Open) -> None:
    seen = visit()

    def zoom() -> float:
        return float(seen.page.locator("#canvas").get_attribute("data-zoom"))

    whole = zoom()
    seen.press("+", "+")
    assert zoom() == pytest.approx(whole * 1.25**2, rel=1e-2)
    seen.press("-")
    assert zoom() == pytest.approx(whole * 1.25, rel=1e-2)
    seen.press("0")
    assert zoom() == whole
    seen.page.get_by_role("button", name="Zoom in").click()
    assert zoom() > whole
    seen.page.get_by_role("button", name="Fit").click()
    seen.page.mouse.move(300, 300)
    seen.page.mouse.wheel(0, -120)
    assert zoom() > whole


def test_the_wheel_zooms_about_the_pointer_and_two_fingers_pan(visit: Open) -> None:
    seen = visit()
    box = seen.item("n6").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen.page.mouse.move(*middle)
    seen.page.mouse.wheel(0, -240)
    after = seen.item("n6").bounding_box()
    assert after["width"] > box["width"] * 1.1
    assert (after["x"] + after["width"] / 2, after["y"] + after["height"] / 2) == pytest.approx(middle, abs=2)
    seen.page.mouse.wheel(13, 7)
    panned = seen.item("n6").bounding_box()
    assert (panned["x"] - after["x"], panned["y"] - after["y"]) == pytest.approx((-13, -7), abs=0.5)


def test_dragging_pans_and_selects_nothing(visit: Open) -> None:
    seen = visit()
    box = seen.item("n5").bounding_box()
    seen.page.mouse.move(box["x"] + 20, box["y"] + 10)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 70, box["y"] + 45, steps=4)
    seen.page.mouse.up()
    after = seen.item("n5").bounding_box()
    assert (after["x"] - box["x"], after["y"] - box["y"]) == pytest.approx((50, 35), abs=0.5)
    assert seen.having("selected") == set()
    seen.item("n5").click()
    assert seen.having("selected") == {"n5"}
    assert seen.page.locator(".edge.near").count() == 3
    seen.page.mouse.click(20, 400)
    assert seen.having("selected") == set()


def test_help_opens_and_closes_without_leaving(visit: Open) -> None:
    seen = visit()
    seen.enter("c0")
    seen.press("?")
    dialog = seen.page.get_by_role("dialog", name="Keys")
    assert "leave the module" in dialog.inner_text()
    seen.press("Escape")
    assert dialog.is_hidden()
    assert seen.path == ["sample", "body"]


def test_all_is_named_for_screen_readers(visit: Open) -> None:
    seen = visit()
    names = [item.get_attribute("aria-label") for item in seen.page.locator(".item").all()]
    assert names == [
        "x, variable, 4×3",
        "body Sequential, module, 2 ops · 6 params",
        "one, constant, scalar",
        "add, op, 4×2",
        "sum, op, scalar, output",
    ]
    unnamed = """elements => elements.filter(e => !(e.getAttribute("aria-label") || e.labels?.length ||
        e.textContent.trim() || e.getAttribute("aria-hidden"))).map(e => e.outerHTML)"""
    assert seen.page.eval_on_selector_all("button, input, select, [role]", unnamed) == []
    assert seen.page.locator("#canvas").get_attribute("aria-label") == "sample: 5 items"
