"""Pages of real networks, in light and dark. Their screenshots are left in the folder that pytest keeps."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minigrad_models
import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import main
from minigrad.graph import Graph
from minigrad.viz import Picture, graph
from tests.viz.page.visit import Visit

pytest.importorskip("pygraphviz")
SIZES = {"lenet5": (2, 1, 32, 32), "googlenet": (1, 3, 64, 64), "resnet50": (2, 3, 32, 32)}
NAMES = list(SIZES)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Picture, str]]:
    """The picture of a network, and the HTML that `save` writes of it."""
    folder = tmp_path_factory.mktemp("pages")
    kept: dict[str, tuple[Picture, str]] = {}

    def draw(name: str) -> tuple[Picture, str]:
        if name not in kept:
            mg.seed(0)
            images = np.random.default_rng(0).normal(size=SIZES[name]).astype("float32")
            picture = graph(minigrad_models.create(name), images, title=name)
            kept[name] = picture, picture.save(folder / f"{name}.html").read_text(encoding="utf-8")
        return kept[name]

    return draw


def shoot(seen: Visit, path: Path) -> None:
    """A screenshot that shows something: no picture of one color."""
    seen.page.screenshot(path=path)
    assert path.stat().st_size > 20_000


@pytest.mark.family
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_networks_are_shown(name: str, scheme: str, drawn: Any, visit: Callable[..., Visit], tmp_path: Path) -> None:
    seen = visit(drawn(name)[1], viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    assert seen.path[0] == name
    shoot(seen, tmp_path / f"{name}-{scheme}.png")
    seen.choose("gradient_norm")
    assert len(seen.having("colored")) >= 2
    seen.press("0")
    shoot(seen, tmp_path / f"{name}-{scheme}-gradient.png")


def missed(seen: Visit, ids: list[int]) -> list[int]:
    """Nodes whose address does not lead to where they are selected and told of."""
    found: list[int] = seen.page.evaluate(
        """ids => ids.filter(id => {
            location.hash = "#n" + id;
            dispatchEvent(new PopStateEvent("popstate"));
            const chosen = document.querySelector(".item.selected");
            return !chosen || chosen.dataset.key !== "n" + id || !document.querySelector("#panel h2").textContent;
        })""",
        ids,
    )
    return found


@pytest.mark.parametrize("name", NAMES)
def test_nodes_can_be_gone_to(name: str, drawn: Any, visit: Callable[..., Visit]) -> None:
    picture, html = drawn(name)
    ids = [node.id for node in picture.graph]
    assert missed(visit(html), ids if len(ids) < 100 else ids[::7]) == []


def test_the_whole_backward_pass_of_a_network_lights_all_that_has_a_gradient(
    drawn: Any, visit: Callable[..., Visit]
) -> None:
    picture, html = drawn("lenet5")
    seen = visit(html)
    last = int(seen.page.locator("#step").get_attribute("max"))
    assert last == len(picture.computation.backward.steps)
    seen.step(last)
    assert seen.having("waiting") == set()
    seen.enter("c1")
    assert seen.path[-1] == picture.graph.calls[1].name
    assert seen.having("waiting") == set()


@pytest.mark.parametrize("direction", ["backward", "both"])
def test_backward_graphs_have_pages(direction: Any, visit: Callable[..., Visit], tmp_path: Path) -> None:
    x = mg.Tensor([[0.5, -1.0]], requires_grad=True)
    picture = graph((x.tanh() * x).sum(), names={"x": x}, direction=direction)
    seen = visit(picture.save(tmp_path / "backward.html").read_text(encoding="utf-8"))
    assert missed(seen, [node.id for node in picture.graph]) == []
    assert seen.path[0] == "graph"


def test_a_bare_graph_has_a_page_without_quantities(visit: Callable[..., Visit], tmp_path: Path) -> None:
    x = mg.Tensor(2.0, requires_grad=True)
    picture = Picture(Graph.of(x * x, names={"x": x}))
    seen = visit(picture.save(tmp_path / "bare.html").read_text(encoding="utf-8"))
    assert seen.page.locator("#backward").is_hidden()
    assert seen.page.locator("#quantity").is_hidden()
    assert len(seen.keys) == 2


def test_verdicts_of_a_network(visit: Callable[..., Visit], tmp_path: Path) -> None:
    mg.seed(0)
    picture = graph(
        minigrad_models.create("lenet5"), np.ones((2, 1, 32, 32), np.float32), color_by="verdict", title="lenet5"
    )
    seen = visit(picture.save(tmp_path / "verdict.html").read_text(encoding="utf-8"))
    words = [
        word
        for item in seen.page.locator(".item.colored").all()
        for word in item.locator(".amount").all_text_contents()
    ]
    assert words == ["✓ correct", "✓ correct"]


def test_the_picture_of_the_readme(
    visit: Callable[..., Visit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes into the folder MINIGRAD_TUTORIAL_IMAGES, if that is set."""
    folder = Path(os.environ.get("MINIGRAD_TUTORIAL_IMAGES", tmp_path)).resolve()
    monkeypatch.chdir(tmp_path)
    assert main(["graph", "lenet5", "--data", "digits", "-o", "lenet5.html"]) == 0
    seen = visit(Path("lenet5.html").read_text(encoding="utf-8"), viewport={"width": 1280, "height": 800})
    for name in ("LeNet5", "features"):
        seen.page.locator(".item", has_text=name).first.dblclick()
    seen.choose("gradient_norm")
    seen.step(17)
    seen.page.locator(".item", has_text="Tanh").first.click()
    assert "LeNet5" in seen.path
    assert "∂x = g * (1 - out * out)" in seen.panel  # a layer of one op tells of that
    assert seen.page.locator("#panel .histogram").count() == 2
    assert seen.having("waiting")
    shoot(seen, folder / "page.png")
