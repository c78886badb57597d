"""What the page tells: the panel, colors and their legend, the backward pass, light and dark, narrow and wide."""

import re
from collections.abc import Callable

import pytest

from minigrad.viz.page.html import html_page
from tests.viz.page.sample import EVIL, evil, sample_graph, sample_levels, statistics
from tests.viz.page.visit import Visit

Open = Callable[..., Visit]
pytest.importorskip("pygraphviz")

FILL = "g => getComputedStyle(g.querySelector('.shape')).fill"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[k : k + 2], 16)) for k in (1, 3, 5))})"


def lines(seen: Visit, key: str) -> list[str]:
    found: list[str] = seen.item(key).locator("text").all_text_contents()
    return found


# ---- the panel -----------------------------------------------------------------------------------------------


def test_the_panel_tells_all_of_an_op(visit: Open) -> None:
    seen = visit(place="#n2")
    words = re.sub(r"\s+", " ", seen.panel)
    for expected in (
        "op matmul body.0.matmul x @ y. Source: Knuth",
        "shape 4×2", "type float32", "step of backward 4 of 6",
        "x 4×3", "body.0.weight 3×2", "body.tanh 4×2",
        "axes 1, 0",
        "∂x = g @ y.T", "∂y = x.T @ g",
        "net.py:7 return x @ self.weight",
        "norm of the gradient 0.5", "forward time 20 µs", "verdict ✓ correct error 1e-12",
        "mean 0.5 std 0.25 smallest −1 largest 3 norm 2 zeros 12.5 %",
    ):  # fmt: skip
        assert expected in words


def test_histograms_show_the_counts(visit: Open) -> None:
    seen = visit(place="#n2")
    for name in ("values", "gradient"):
        picture = seen.page.get_by_role("img", name=f"Histogram of the {name} from −1 to 3")
        heights = [float(bar.get_attribute("height")) for bar in picture.locator("rect").all()]
        assert heights == sorted(heights)
        assert heights[0] == 0
        assert heights[10] == pytest.approx(heights[19] * 10 / 19)
        assert picture.locator("title").last.text_content() == "19 elements from 2.8 to 3"


def test_what_is_not_finite_is_pointed_out(visit: Open) -> None:
    seen = visit(place="#n3")
    assert "3 elements are not finite" in seen.panel
    assert re.search(r"norm of the gradient\s+NaN", seen.panel)


def test_a_constant_array_has_facts_and_no_histogram(visit: Open) -> None:
    text = sample_graph()
    text["nodes"][6]["values"] = statistics(low=1.0, high=1.0, counts=[5])
    text["nodes"][6]["gradient"] = statistics("nan", mean="nan", std="nan", low="nan", high="nan", counts=[])
    seen = visit(html_page(text, sample_levels()), place="#n6")
    assert seen.page.locator(".histogram").count() == 0
    assert seen.panel.count("NaN") == 5


def test_the_panel_tells_of_a_module_what_is_in_it(visit: Open) -> None:
    words = re.sub(r"\s+", " ", visit(place="#c0").panel)
    assert "Sequential body" in words
    assert "ops 2 parameter tensors 1 parameters 6" in words
    assert "forward time 30 µs verdict ✗ wrong" in words


def test_inputs_and_readers_in_the_panel_lead_there(visit: Open) -> None:
    seen = visit(place="#n2")
    seen.page.locator("#panel").get_by_role("button", name="body.tanh").click()
    assert (seen.path, seen.focused) == (["sample", "body"], "n3")
    seen.page.locator("#panel").get_by_role("button", name="body.0.matmul").click()
    assert (seen.path, seen.focused) == (["sample", "body", "0 Linear"], "n2")


# ---- colors --------------------------------------------------------------------------------------------------


def test_amounts_are_colored_in_their_order_and_written(visit: Open) -> None:
    seen = visit()
    seen.choose("forward_time")
    assert seen.item("n6").evaluate(FILL) == rgb("#fee825")  # the largest: the yellow end
    assert lines(seen, "n6") == ["sum", "40 µs"]
    assert lines(seen, "c0") == ["body Sequential", "30 µs"]
    assert seen.having("colored") == {"c0", "n6"}
    assert seen.having("unknown") == {"n0", "n4", "n5"}
    legend = seen.page.locator("#legend")
    assert legend.locator(".ticks span").all_text_contents() == ["0 s", "20 µs", "40 µs"]
    assert "unknown" in legend.inner_text()
    seen.choose("kind")
    assert seen.having("colored") | seen.having("unknown") == set()
    assert lines(seen, "n6") == ["sum", "scalar"]


def test_logarithmic_scales_have_equal_ratios_and_what_is_not_finite_a_color_of_its_own(visit: Open) -> None:
    seen = visit(place="#in0")
    seen.choose("gradient_norm")
    assert seen.item("n3").evaluate(FILL) == rgb("#cc79a7")
    assert lines(seen, "n3") == ["tanh", "NaN"]
    assert "not finite" in seen.page.locator("#legend").inner_text()
    seen.press("Escape")
    low, middle, high = seen.page.locator("#legend .ticks span").all_text_contents()
    assert float(middle) / float(low) == pytest.approx(float(high) / float(middle), rel=0.02)


def test_classes_have_their_colors_and_marks(visit: Open) -> None:
    seen = visit()
    seen.choose("verdict")
    assert seen.item("c0").evaluate(FILL) == rgb("#d55e00")
    assert seen.item("n5").evaluate(FILL) == rgb("#009e73")
    assert lines(seen, "c0") == ["body Sequential", "✗ wrong"]
    assert seen.page.locator("#legend .entry").all_inner_texts() == ["✓ correct", "✗ wrong", "unknown"]
    seen.enter("c0")
    assert seen.item("n3").evaluate(FILL) == rgb("#d55e00")
    assert seen.item("c1").evaluate(FILL) == rgb("#009e73")


def test_the_menu_begins_with_the_color_of_the_picture(visit: Open) -> None:
    seen = visit(html_page(sample_graph() | {"color_by": "verdict"}, sample_levels()))
    assert seen.page.locator("#quantity").input_value() == "verdict"
    assert seen.page.locator("#quantity option").all_text_contents() == [
        "kind", "norm of the gradient", "forward time", "verdict",
    ]  # fmt: skip
    assert seen.having("colored") == {"c0", "n5"}


def test_the_legend_of_kinds_names_what_is_seen(visit: Open) -> None:
    seen = visit()
    legend = seen.page.locator("#legend .entry")
    assert legend.all_inner_texts() == [
        "op", "module", "variable", "constant", "output", "not recorded", "marked path",
    ]  # fmt: skip
    seen.enter("c0", "c1")
    assert legend.all_inner_texts() == ["op", "parameter", "outside"]


@pytest.mark.parametrize("quantity", ["forward_time", "gradient_norm", "verdict"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colored_text_has_contrast(visit: Open, quantity: str, scheme: str) -> None:
    seen = visit(color_scheme=scheme)
    seen.choose(quantity)
    for key in seen.having("colored"):
        colors = seen.item(key).evaluate("g => ['.shape', '.name'].map(s => getComputedStyle(g.querySelector(s)).fill)")
        assert contrast(*colors) >= 4.5


def contrast(*colors: str) -> float:
    """The ratio of WCAG 2.2."""

    def luminance(color: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted(map(luminance, colors))
    return (light + 0.05) / (dark + 0.05)


# ---- the backward pass ---------------------------------------------------------------------------------------


def test_nodes_light_up_as_their_cotangents_arrive(visit: Open) -> None:
    seen = visit()
    ring = "g => getComputedStyle(g.querySelector('circle')).stroke"
    plain = seen.item("c0").evaluate(ring)
    assert seen.having("lit") | seen.having("waiting") == set()
    for step, lit, now in ((1, {"n6"}, {"n6"}), (2, {"n6", "n5"}, {"n5"}), (3, {"n6", "n5", "c0"}, {"c0"})):
        seen.step(step)
        assert (seen.having("lit"), seen.having("current")) == (lit, now)
    assert seen.item("c0").evaluate(ring) == rgb("#d55e00") != plain
    assert seen.having("partly") == {"c0"}  # only tanh of what is inside
    assert seen.having("waiting") == {"n0", "n4"}
    assert lines(seen, "n5") == ["add", "‖g‖ 3"]
    assert lines(seen, "c0") == ["body Sequential", "‖g‖ 1.5"]
    assert seen.page.locator(".edge.flow").count() == 1  # from add, the reader, into body
    seen.enter("c0")
    assert (seen.having("lit"), seen.having("current")) == ({"n3", "o3"}, {"n3"})
    seen.step(6)
    assert seen.having("waiting") == set()
    seen.press("Escape")
    assert seen.having("waiting") == {"n4"}  # a constant has no cotangent
    seen.step(0)
    assert seen.having("lit") | seen.having("waiting") == set()


def test_the_step_is_told_with_its_norm_and_leads_to_its_node(visit: Open) -> None:
    seen = visit()
    assert "6 steps" in seen.page.locator("#now").inner_text()
    seen.step(4)
    words = seen.page.locator("#now").inner_text()
    assert re.fullmatch(r"4 / 6\s+body\.0\.matmul ↗\s+‖g‖ = 0\.5", words)
    assert seen.page.locator("#step").get_attribute("aria-valuetext") == "step 4 of 6: body.0.matmul"
    seen.page.locator("#now button").click()
    assert (seen.path, seen.having("selected"), seen.having("current")) == (
        ["sample", "body", "0 Linear"],
        {"n2"},
        {"n2"},
    )


def test_steps_by_keys(visit: Open) -> None:
    seen = visit()
    seen.press("]", "]", "]", "[")
    assert seen.having("current") == {"n5"}
    seen.press("p")
    seen.page.locator("#play[aria-label^=Pause]").wait_for()
    seen.press("p")
    seen.step(2)
    seen.page.locator("#step").focus()
    seen.press("ArrowRight")
    assert seen.having("current") == {"c0"}


def test_what_lights_up_comes_into_sight(visit: Open) -> None:
    seen = visit()
    stage = seen.page.locator("#stage").bounding_box()
    seen.page.mouse.move(300, 300)
    seen.page.mouse.wheel(40, 2000.5)
    assert seen.item("n6").bounding_box()["y"] + 20 < stage["y"]
    seen.step(1)
    box = seen.item("n6").locator(".shape").bounding_box()
    assert stage["y"] <= box["y"]
    assert stage["x"] <= box["x"]


def test_play_runs_to_the_end_and_pauses(visit: Open) -> None:
    seen = visit(reduced_motion="no-preference")
    play = seen.page.locator("#play")
    play.click()
    assert play.get_attribute("aria-label") == "Pause the backward pass"
    play.click()
    assert play.get_attribute("aria-label") == "Play the backward pass"
    seen.step(4)
    play.click()
    seen.page.locator("#now", has_text="6 / 6").wait_for()
    assert seen.page.locator("#step").input_value() == "6"
    seen.page.locator("#play[aria-label^=Play]").wait_for()
    assert play.get_attribute("aria-label") == "Play the backward pass"


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_less_motion_is_respected(visit: Open, motion: str, moves: bool) -> None:
    seen = visit(reduced_motion=motion)
    seen.step(2)
    running = seen.page.evaluate("document.getAnimations().some(a => a.animationName === 'flow')")
    assert running == moves
    seen.page.evaluate("Element.prototype.animate = () => { window.animated = true; }; null")
    seen.enter("c0")
    assert bool(seen.page.evaluate("window.animated")) == moves


def test_without_a_backward_pass_there_is_no_slider(visit: Open) -> None:
    text = sample_graph()
    for node in text["nodes"]:
        node["step"] = None
    seen = visit(html_page(text, sample_levels()))
    assert seen.page.locator("#backward").is_hidden()
    seen.press("]", "p")


# ---- light and dark, narrow and wide -------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_follow_the_system_until_they_are_chosen(visit: Open, scheme: str) -> None:
    seen = visit(color_scheme=scheme)
    colors = {"light": "rgb(255, 255, 255)", "dark": "rgb(24, 29, 37)"}
    other = {"light": "dark", "dark": "light"}[scheme]
    assert seen.page.evaluate(BACKGROUND) == colors[scheme]
    seen.page.get_by_role("button", name=f"Switch to {other} colors").click()
    assert seen.page.evaluate(BACKGROUND) == colors[other]
    seen.press("t")
    assert seen.page.evaluate(BACKGROUND) == colors[scheme]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_their_boxes(visit: Open, scheme: str) -> None:
    seen = visit(color_scheme=scheme, place="#in1")
    for key in ("n1", "n2"):
        colors = seen.item(key).evaluate("g => ['.shape', '.name'].map(s => getComputedStyle(g.querySelector(s)).fill)")
        assert contrast(*colors) >= 7
    quiet = seen.page.evaluate("getComputedStyle(document.querySelector('dt')).color")
    assert contrast(quiet, seen.page.evaluate(BACKGROUND)) >= 4.5


@pytest.mark.parametrize("width", [400, 700, 1000, 1600])
def test_everything_fits_into_the_window(visit: Open, width: int) -> None:
    seen = visit(viewport={"width": width, "height": 760})
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    for key in seen.keys:
        box = seen.item(key).locator(".shape").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    seen.item("n5").click()
    panel, item = seen.page.locator("#panel").bounding_box(), seen.item("n5").locator(".shape").bounding_box()
    assert panel["width"] >= 280
    assert panel["x"] + panel["width"] <= width
    below, beside = item["y"] + item["height"] <= panel["y"], item["x"] + item["width"] <= panel["x"]
    assert below or beside
    for name in ("#play", "#query", "#quantity", "#zoom", "#theme"):
        box = seen.page.locator(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    if width < 760:
        seen.page.get_by_role("button", name="Close the details").click()
        assert seen.page.locator("#panel").is_hidden()


def test_what_is_too_wide_is_shortened(visit: Open) -> None:
    seen = sample_levels()
    seen[0]["texts"]["n5"] = ["a_very_long_name_of_an_op_" * 8]
    seen[0]["texts"]["n0"] = ["encoder.layers.17.attention.projection.of.queries.and.keys.weight"]
    at = visit(html_page(sample_graph(), seen))
    assert lines(at, "n5")[0].startswith("a_very_long")
    assert lines(at, "n5")[0].endswith("…")
    assert lines(at, "n0")[0].endswith("queries.and.keys.weight")
    for key in ("n5", "n0"):
        inner, outer = at.item(key).locator("text").first.bounding_box(), at.item(key).locator(".shape").bounding_box()
        assert outer["x"] <= inner["x"]
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]


# ---- safety --------------------------------------------------------------------------------------------------


def test_markup_stays_text_everywhere(visit: Open) -> None:
    seen = visit(html_page(*evil()))
    shown = "document.body.textContent"
    for place in ("#in0", "#in1", "#n2", "#n6", "#c0"):
        seen.page.evaluate("place => { location.hash = place; }", place)
        for quantity in range(4):
            seen.page.locator("#quantity").select_option(index=quantity)
            seen.step(quantity)
        assert EVIL in seen.page.evaluate(shown)
    seen.press("/")
    seen.page.keyboard.type("script")
    assert seen.page.locator("#results [role=option]").count() > 3
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("b").count() == seen.page.locator(".rules b").count()
    assert seen.page.locator("script").count() == 2
    assert seen.page.evaluate("window.pwned") is None
    assert seen.page.locator("[onmouseover], [style*=url]").count() == 0


def test_the_policy_stops_what_is_not_the_page_itself(visit: Open) -> None:
    seen = visit()
    seen.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.pwned = 1";
        document.body.append(script);
        document.body.setAttribute("onclick", "window.pwned = 2");
        document.body.click();
        document.body.setAttribute("style", "color: red");
        const image = document.createElement("img");
        image.src = "https://example.com/x.png";
        document.body.append(image);
    }""")
    assert seen.page.evaluate("fetch('https://example.com').then(() => 'left', () => 'stopped')") == "stopped"
    assert seen.page.evaluate("window.pwned") is None
    assert seen.page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    stopped = [problem for problem in seen.problems if "Content Security Policy" in problem]
    assert len(stopped) >= 5
    assert seen.failures == {
        "https://example.com/x.png": "csp"
    }  # the browser itself stopped it, not the missing network
    seen.problems.clear()
    seen.requests.remove("https://example.com/x.png")
