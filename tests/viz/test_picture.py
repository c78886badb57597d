"""`viz.graph`: what is drawn of results, models and functions, what is measured, and where it can be saved."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph
from minigrad.viz import Picture, graph

pytest.importorskip("graphviz")


@pytest.fixture
def model() -> nn.Module:
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def images(n: int = 5) -> Any:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def names(picture: Picture) -> list[str]:
    return [node.name for node in picture.graph.nodes]


# ---- what is drawn -----------------------------------------------------------------------------------------------


def test_a_result_is_drawn_as_it_was_recorded() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    picture = graph((x * x).sum(), names={"x": x})
    assert names(picture) == ["x", "multiply", "sum"]
    assert repr(picture) == "<Picture of 3 nodes: x, multiply, sum>"


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


@pytest.mark.parametrize("value", [2, [1, 2], [], [mg.ones(2), mg.ones(2)], ["a", 1.0], None])
def test_other_inputs_are_handed_on_as_they_are(value: Any) -> None:
    seen = []
    graph(lambda x, given: (seen.append(given), x * 2)[1], 1.0, value)
    assert len(seen) == 1
    assert seen[0] is value


def test_a_model_is_left_as_it_was(model: nn.Module) -> None:
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    for p in model.parameters():
        p.grad = mg.ones(p.shape)
    mg.seed(7)
    first = mg.rand(3).tolist()
    mg.seed(7)
    picture = graph(model, images(), color_by="gradient_norm")
    picture.color("forward_time")
    assert picture.column("forward_time") is not None
    assert mg.rand(3).tolist() == first
    assert model.training
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    for p in model.parameters():
        assert p.grad is not None
        np.testing.assert_array_equal(p.grad.data, 1)


def test_what_a_function_uses_is_found_named_and_left_as_it_was() -> None:
    rng = np.random.default_rng(0)

    class Counting(nn.Module):
        def __init__(self) -> None:
            self.norm, self.drop, self.calls = nn.BatchNorm1d(3), nn.Dropout(0.5, rng=rng), 0
            self.seen: list[int] = []

        def forward(self, x: mg.Tensor) -> mg.Tensor:
            self.calls += 1
            self.seen.append(len(x))
            self.last = x  # a variable: now it is registered as a parameter
            return self.drop(self.norm(x))

    used = Counting()
    mean, state = np.array(used.norm.running_mean), rng.bit_generator.state
    picture = graph(lambda x: used(x).sum(), images(), color_by="forward_time")
    assert picture.column("forward_time") is not None
    assert (used.calls, used.seen, hasattr(used, "last")) == (0, [], False)
    assert [name for name, _ in used.named_parameters()] == ["norm.weight", "norm.bias"]
    np.testing.assert_array_equal(np.array(used.norm.running_mean), mean)
    assert rng.bit_generator.state == state
    assert {node.name for node in picture.graph if node.kind == "parameter"} == {"norm.weight", "norm.bias"}

    other = nn.Linear(3, 3)
    several = graph(lambda x: other(used(x)), images())  # whose names would be meant is not clear
    assert not any(node.kind == "parameter" for node in several.graph)


def test_lines_of_calls_are_known_of_what_is_run(model: nn.Module) -> None:
    def twice(x: mg.Tensor) -> mg.Tensor:
        return x + x  # here

    (node,) = [node for node in graph(twice, np.ones(2)).graph if node.kind == "op"]
    source = Path(__file__).read_text().splitlines()
    assert node.site == (__file__, 1 + next(k for k, line in enumerate(source) if line.endswith("# here")))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: graph(mg.exp, 1.0, model=3), "model is the Module that names the parameters, not a int"),
        (lambda: graph(mg.exp, 1.0, names={"x": 1.0}), "names: 'x' stands for a float, and should stand for a Tensor"),
        (lambda: graph(mg.exp, 1.0, depth=-1), "depth is a whole number from 0 on, or None to fold nothing, not -1"),
        (lambda: graph(mg.exp, 1.0, depth="1"), "or None to fold nothing, not '1'"),
        (lambda: graph(3), "takes a Tensor, a Module or a function, not a int"),
        (lambda: graph(mg.ones(2)), "there is no graph behind this Tensor"),
        (lambda: graph(lambda x: 3, np.ones(2)), "returned int"),
        (lambda: graph(nn.Linear(2, 2)), r"Linear takes \(x.*\).*, and 0 inputs .* as in graph\(model, x\)"),
        (lambda: graph(lambda x: x, 1.0, 2.0), r"<lambda> takes \(x\), and 2 inputs were given \(too many"),
        (lambda: graph(lambda x: x.detach(), np.ones(2)), "returned a constant"),
        (lambda: graph(mg.exp, np.ones(2), direction="up"), "forward, backward or both, not 'up'"),
        (
            lambda: graph(mg.exp, np.ones(2), color_by="size"),
            "there is no measure 'size'; there are kind, gradient_norm",
        ),
        (lambda: graph(mg.exp(mg.ones(2, requires_grad=True)), np.ones(2)), "takes no inputs"),
        (lambda: Picture(Graph((), (), (), ()), color_by="flops"), "holds no values to color by flops"),
    ],
)
def test_what_cannot_be_drawn_is_told(call: Any, message: str) -> None:
    with pytest.raises(mg.MinigradError, match=message):
        call()


def test_a_chain_that_nobody_could_read_is_refused_with_advice(tmp_path: Path) -> None:
    x = y = mg.Tensor(1.0, requires_grad=True)
    for _ in range(100_000):
        y = y + x
    picture = graph(y)
    with pytest.raises(mg.UsageError, match=r"100,001 boxes .* fold module calls with depth=1"):
        picture.save(tmp_path / "g.svg")
    with pytest.raises(mg.UsageError, match=r"100,001 boxes side by side"):
        picture.save(tmp_path / "g.html")
    assert list(tmp_path.iterdir()) == []


# ---- measures ----------------------------------------------------------------------------------------------------


def amounts(picture: Picture, measure: str) -> dict[str, Any]:
    column = picture.column(measure)
    assert column is not None
    return {picture.graph.nodes[i].name: amount for i, amount in column.amounts.items()}


def test_gradient_norms_are_those_of_backward(model: nn.Module) -> None:
    model.eval()
    x = mg.Tensor(images(), requires_grad=True)
    model(x).sum().backward()
    expected = {name: np.linalg.norm(p.grad.data) for name, p in model.named_parameters() if p.grad is not None}
    found = amounts(graph(model, images()), "gradient_norm")
    for name, norm in expected.items():
        assert found[name] == pytest.approx(norm, rel=1e-5)
    assert x.grad is not None
    assert found["input"] == pytest.approx(np.linalg.norm(x.grad.data), rel=1e-5)


def test_values_are_measured() -> None:
    picture = graph(lambda x: mg.relu(x) * 2, np.array([-1.0, 2.0, -3.0, 4.0]))
    assert amounts(picture, "activation_norm") == pytest.approx(
        {"input": 30**0.5, "relu": 20**0.5, "multiply": 80**0.5}
    )
    assert amounts(picture, "activation_zeros") == {"input": 0, "relu": 0.5, "multiply": 0.5}
    assert amounts(picture, "gradient_zeros") == {"input": 0.5, "relu": 0, "multiply": 0}


def test_a_result_that_nobody_traced_is_measured_as_far_as_its_graph_kept_it() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    picture = graph(mg.exp(mg.sin(x) + 1).sum(), names={"x": x})
    assert amounts(picture, "gradient_norm").keys() == {"x", "sin", "add", "exp", "sum"}
    assert amounts(picture, "activation_norm").keys() == {"x", "exp", "sum"}  # no rule asks for the others
    assert amounts(picture, "backward_time").keys() == {"sin", "add", "exp", "sum"}
    assert picture.column("forward_time").amounts == {}  # type: ignore[union-attr]


def test_memory_counts_each_kept_array_once_and_no_parameters() -> None:
    layer = nn.Linear(4, 4, bias=False)
    found = amounts(graph(lambda x: mg.tanh(mg.tanh(layer(x))), np.ones((2, 4), np.float32), model=layer), "memory")
    assert found == {"linear": 0, "tanh": 32}  # of two, the last by this name; linear keeps the input and the weight
    x = mg.ones((2, 4), requires_grad=True)
    y = mg.exp(x)
    assert sum(amounts(graph(y * y, names={"x": x}), "memory").values()) == 32


def test_multiply_adds_are_those_of_the_cost_table(model: nn.Module) -> None:
    assert amounts(graph(model, images()), "flops")["linear"] == 5 * 4 * 2


def test_times_are_positive_and_of_ops_alone(model: nn.Module) -> None:
    picture = graph(model, images())
    for measure in ("forward_time", "backward_time"):
        found = amounts(picture, measure)
        assert all(seconds > 0 for seconds in found.values())
        assert "0.weight" not in found
        assert "linear" in found


def test_folded_modules_show_sums_or_their_last_op(model: nn.Module) -> None:
    picture = graph(model, images()).fold(0)
    (box,) = [item for item in picture.view.items if item.call is not None]
    for measure in ("flops", "memory"):
        column = picture.column(measure)
        assert column is not None
        assert column.joined(box.nodes) == sum(column.amounts.values())  # type: ignore[arg-type]
    column = picture.column("gradient_norm")
    assert column is not None
    assert column.joined(box.nodes) == pytest.approx(10**0.5)  # ones at the output


def test_vanishing_and_exploding_gradients_are_told_apart() -> None:
    def chain(x: mg.Tensor, factor: float) -> mg.Tensor:
        for _ in range(20):
            x = x * factor
        return x

    for factor in (0.1, 10.0):
        picture = graph(chain, np.ones(2), factor, color_by="gradient_norm")
        colors = [line.split('fillcolor="')[1][:7] for line in picture.dot.splitlines() if "fillcolor" in line]
        assert len(set(colors)) > 15
        ends = colors[0], colors[-1]
        assert ends == (("#440154", "#fee825") if factor < 1 else ("#fee825", "#440154"))


def test_a_gradient_that_is_not_finite_has_a_color_of_its_own() -> None:
    picture = graph(lambda x: mg.log(x).sum(), np.array([0.0, 1.0]), color_by="gradient_norm")
    assert "#cc79a7" in picture.dot
    assert "inf" in picture.dot


def test_a_freed_graph_is_told(tmp_path: Path) -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    picture = graph(y)
    y.backward()
    picture.save(tmp_path / "g.svg")
    with pytest.raises(mg.GraphError, match="freed by a backward pass since"):
        picture.color("gradient_norm").save(tmp_path / "h.svg")


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph"), ("json", b'{"fo')],
)
def test_suffix_decides_the_format(suffix: str, magic: bytes, tmp_path: Path) -> None:
    path = graph(mg.exp, np.ones(2)).save(tmp_path / f"g.{suffix}")
    assert path.read_bytes().startswith(magic)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(mg.UsageError, match=r"as svg, png, pdf, dot, html, json, not as 'g.bmp'"):
        graph(mg.exp, np.ones(2)).save(tmp_path / "g.bmp")


def test_notebooks_get_the_picture_or_the_reason_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = graph(mg.exp, np.ones(2))
    assert "</svg>" in picture._repr_mimebundle_()["image/svg+xml"]
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    bundle = picture._repr_mimebundle_()
    assert bundle.keys() == {"text/plain"}
    assert "minigrad[graph]" in bundle["text/plain"]
    y = mg.exp(mg.ones(2, requires_grad=True)).sum()
    colored = graph(y, color_by="gradient_norm")
    y.backward()
    assert "freed by a backward pass" in colored._repr_mimebundle_()["text/plain"]


def test_the_data_holds_everything(model: nn.Module, tmp_path: Path) -> None:
    picture = graph(model, images(), title="<b>")
    data = json.loads(picture.save(tmp_path / "g.json").read_text())
    assert (data["format"], data["version"], data["title"]) == ("minigrad graph", 1, "<b>")
    assert [node["name"] for node in data["nodes"]] == names(picture)
    assert [tuple(edge) for edge in data["edges"]] == list(picture.graph.edges)
    linear = next(node for node in data["nodes"] if node["name"] == "linear")
    assert dict(linear["rule"]).keys() == {"x", "w", "b"}
    assert sum(linear["values"]["counts"]) == 20
    assert linear["site"]["file"].endswith("picture.py") or linear["site"]["file"].endswith("run.py")
    assert sorted(node["step"] for node in data["nodes"]) == list(range(len(data["nodes"])))
    assert data["calls"][0]["measures"]["flops"] == 5 * (3 * 4 + 4 * 2)


def test_a_step_of_backward_comes_right_after_the_last_op_that_adds_to_it() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    picture = graph(model, images())
    assert picture.record is not None
    order = sorted(picture.record.backward.steps.items(), key=lambda pair: pair[1])
    told = [picture.graph.nodes[picture.record.nodes.index(node)].name for node, _ in order]
    assert told[0] == "linear"
    assert set(told[1:3]) == {"2.weight", "2.bias"}
    assert told[3:5] == ["tanh", "linear"]
    assert set(told[5:]) == {"0.weight", "0.bias", "input"}


def test_numbers_that_are_not_finite_are_written_as_words(tmp_path: Path) -> None:
    picture = graph(lambda x: mg.log(x).sum(), np.array([0.0, 1.0]))
    data = json.loads(picture.save(tmp_path / "g.json").read_text())
    log = next(node for node in data["nodes"] if node["name"] == "log")
    assert log["measures"]["activation_norm"] == "inf"
    assert log["values"]["bad"] == 1
