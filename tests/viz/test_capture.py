"""A model or function is run once, with its inputs as variables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz import Picture, graph


@pytest.fixture
def model() -> nn.Module:
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def images(n: int = 5) -> Any:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def names(picture: Picture) -> list[str]:
    return [node.name for node in picture.graph.nodes]


def test_a_model_is_run_once_with_its_input_as_a_variable(model: nn.Module) -> None:
    picture = graph(model, images())
    assert names(picture)[0] == "0.weight" or "input" in names(picture)
    (variable,) = [node for node in picture.graph if node.kind == "variable"]
    assert (variable.name, variable.shape) == ("input", (5, 3))
    assert {node.name for node in picture.graph if node.kind == "parameter"} == {n for n, _ in model.named_parameters()}


def test_a_function_of_several_inputs_and_results_is_drawn() -> None:
    picture = graph(lambda x, y, k: {"both": [x * y, x + y], "k": k}, np.ones(2), mg.ones(2), 3)
    assert [n.name for n in picture.graph if n.kind == "variable"] == ["input 0", "input 1"]
    assert [picture.graph.nodes[i].name for i in picture.graph.outputs] == ["multiply", "add"]


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), [1.0, 2.0], [[0.5], [1.0]], np.ones(3)])
def test_floating_numbers_in_whatever_form_are_variables(value: Any) -> None:
    (variable,) = [node for node in graph(lambda x: mg.tanh(x) * 2, value).graph if node.kind == "variable"]
    wanted = mg.Tensor(value)
    assert (variable.name, variable.shape, variable.dtype) == ("input", wanted.shape, str(wanted.dtype))


@pytest.mark.parametrize("value", [2, [1, 2], [], ["a", 1.0], {"n": 3}, None])
def test_other_inputs_are_handed_on_as_they_are(value: Any) -> None:
    seen = []
    graph(lambda x, given: (seen.append(given), x * 2)[1], 1.0, value)
    assert len(seen) == 1
    assert seen[0] is value


class Towers(nn.Module):
    """A model of nested inputs, a keyword and several results."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, pair: Any, scale: Any = 1.0) -> Any:
        a, b = (pair["a"], pair["b"]) if isinstance(pair, dict) else pair
        left, right = self.left(mg.exp(a) * scale), self.right(mg.tanh(b))
        return [left, {"both": left + right}]


@pytest.mark.parametrize("container", [list, tuple, lambda pair: dict(zip("ab", pair, strict=True))])
@pytest.mark.parametrize("as_tensors", [False, True])
def test_inputs_in_containers_are_drawn_with_all_that_comes_of_them(container: Any, as_tensors: bool) -> None:
    pair = [images(), images() + 1]
    picture = graph(Towers(), container([mg.Tensor(x) for x in pair] if as_tensors else pair))
    paths = [f"input 0[{key!r}]" for key in ("ab" if isinstance(container(pair), dict) else range(2))]
    assert [node.name for node in picture.graph if node.kind == "variable"] == paths
    assert {"exp", "tanh"} <= set(names(picture))
    assert [picture.graph.nodes[i].name for i in picture.graph.outputs] == ["linear", "add"]


def test_keyword_arguments_are_given_and_drawn() -> None:
    picture = graph(Towers(), [images(), images()], scale=mg.Tensor(2.0), depth=1)
    assert [node.name for node in picture.graph if node.kind == "variable"] == ["input 0[0]", "input 0[1]", "scale"]
    with pytest.raises(mg.UsageError, match="unexpected keyword argument 'scales'"):
        graph(Towers(), [images(), images()], scales=2.0)


def test_results_in_containers_are_drawn_together() -> None:
    left, rest = Towers()([mg.Tensor(images()), mg.Tensor(images())])
    for results in ([left, rest["both"]], (left, rest), {"left": left, **rest}):
        picture = graph(results, depth=1)
        assert [picture.graph.nodes[i].name for i in picture.graph.outputs] == ["linear", "add"]
    with pytest.raises(mg.UsageError, match="takes a Tensor or several"):
        graph([left, "a word"])


def test_lines_of_calls_are_known_of_what_is_run(model: nn.Module) -> None:
    def twice(x: mg.Tensor) -> mg.Tensor:
        return x + x  # here

    (node,) = [node for node in graph(twice, np.ones(2)).graph if node.kind == "op"]
    source = Path(__file__).read_text().splitlines()
    assert node.site == (__file__, 1 + next(k for k, line in enumerate(source) if line.endswith("# here")))
