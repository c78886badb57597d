"""A compiled program as a graph: every instruction, every value that it reads, and what is seen after a call."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation import Program
from minigrad.compilation.memory import flops
from minigrad.errors import UsageError
from minigrad.functional import mse_loss
from minigrad.graph import Graph, GraphNode
from minigrad.viz import graph
from minigrad.viz.json_export import graph_data
from minigrad.viz.program_graph import program_graph, program_picture


def training_step():
    """Dropout, a fused loop (where Numba is installed), running statistics, updates, and a returned loss."""
    mg.seed(0)
    model = nn.Sequential(nn.Linear(8, 128), nn.BatchNorm1d(128), nn.GELU(), nn.Dropout(0.2), nn.Linear(128, 4))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x, y):
        loss = mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


def gradients_that_stay():
    """Gradients of a Tensor of the state and of none else, and results of all kinds in containers."""
    w = mg.Tensor(np.ones(4, np.float32), requires_grad=True)

    def step(x, y):
        w.grad = None
        loss = ((w * x) ** 2).sum() + (x * x).sum()
        loss.backward()
        return {"loss": loss.detach(), "parts": (y, w, float(loss))}

    return step


def updated_twice():
    """Two updates of one parameter, the second with values that the first one has made."""
    model = nn.Linear(4, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        for _ in range(2):
            mse_loss(model(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()

    return step


def inference():
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 4))

    def run(x, y):
        with mg.no_grad():
            return model(x) * 2, y.sum()

    return run


SIZES = {training_step: ((128, 8), (128, 4)), gradients_that_stay: ((4,), (2,)), updated_twice: ((3, 4), (3, 4))}


def compiled(make):
    step = mg.compile(make())
    for k in range(3):
        rng = np.random.default_rng(k)
        step(*[mg.Tensor(rng.normal(size=size).astype(np.float32)) for size in SIZES.get(make, ((3, 4), (3, 4)))])
    assert step.program is not None, step.explain()
    return step


@pytest.fixture(params=[training_step, gradients_that_stay, updated_twice, inference], scope="module")
def programs(request) -> list[Program]:
    return [program for _, program in compiled(request.param).stages]


@pytest.fixture(scope="module")
def step():
    return compiled(training_step)


def calls_of(program: Program):
    """The calls that do something, those inside of fused loops one by one, each with the instruction around it."""
    return [(part, i) for i in program.instructions if i.loads is None for part in i.parts or (i,)]


def ops_of(drawn: Graph) -> list[GraphNode]:
    return [node for node in drawn if node.kind == "op"]


def numbers(node: GraphNode) -> list[int]:
    """The numbers of the values that a node says it makes: its label begins with them."""
    return [int(text) for text in re.findall(r"v(\d+)", re.match(r"(v\d+(, )?)*", node.label)[0])]


def sources(drawn: Graph, node: GraphNode) -> list[GraphNode]:
    edges = sorted((position, start) for start, end, position in drawn.edges if end == node.id)
    assert [position for position, _ in edges] == list(range(len(edges)))
    return [drawn.nodes[start] for _, start in edges]


def test_every_instruction_is_drawn(programs):
    for program in programs:
        drawn = program_graph(program)
        assert [(node.name, numbers(node)) for node in ops_of(drawn)] == [
            (call.name, call.makes) for call, _ in calls_of(program)
        ]
        loads = [(i.makes[0], program.names[i.loads]) for i in program.instructions if i.loads is not None]
        state = {numbers(node)[0]: node.name for node in drawn if node.kind != "op" and numbers(node)}
        assert all(state[number].endswith(name) for number, name in loads)


def test_every_value_that_is_read_leads_to_its_reader(programs):
    for program in programs:
        drawn = program_graph(program)
        for node, (call, _) in zip(ops_of(drawn), calls_of(program), strict=True):
            found = sources(drawn, node)
            for number, source in zip(call.reads, found, strict=False):
                assert number in numbers(source)
            assert len(found) >= len(call.reads)


def test_each_node_comes_behind_its_inputs(programs):
    for program in programs:
        drawn = program_graph(program)
        assert [node.id for node in drawn] == list(range(len(drawn)))
        assert all(start < end for start, end, _ in drawn.edges)


def test_updates_forward_and_backward_are_told_apart(programs):
    for program in programs:
        drawn = program_graph(program)
        for node, (_, around) in zip(ops_of(drawn), calls_of(program), strict=True):
            outermost = drawn.calls[drawn.enclosing(node.call)[-1]].name
            assert outermost == ("updates" if around.writes else "backward" if around.backward else "forward")


def test_fused_loops_hold_the_calls_that_they_replaced(step):
    pytest.importorskip("numba")
    fused = [i for i in step.program.instructions if i.parts]
    assert {i.backward for i in fused} == {False, True}
    drawn = program_graph(step.program)
    loops = [call for call in drawn.calls if call.kind == "fused loop"]
    for loop, instruction in zip(loops, fused, strict=True):
        members = [drawn.nodes[i] for i in drawn.members()[loop.id]]
        assert [node.name for node in members] == [part.name for part in instruction.parts]
        inside = {node.id for node in members}
        entering = [drawn.nodes[a] for a, b, _ in drawn.edges if b in inside and a not in inside]
        assert set(instruction.reads) <= {number for node in entering for number in numbers(node)}
        kept = {number for node in members if "B" in node.label for number in numbers(node)}
        assert kept == set(instruction.makes)


def test_fused_loops_can_be_collapsed(step):
    pytest.importorskip("numba")
    view = graph(step, depth=1).view
    boxes = [view.graph.calls[item.call].name for item in view.items if item.call is not None]
    assert boxes == [i.name for i in step.program.instructions if i.parts]
    whole = graph(step, depth=0).view
    assert {whole.graph.calls[item.call].name for item in whole.items if item.call is not None} == {
        "forward", "backward", "updates"
    }  # fmt: skip


def test_updates_are_labeled_with_what_they_write(step):
    drawn = program_graph(step.program)
    written = [name for i in step.program.instructions for name in (step.program.names[x] for x in i.writes)]
    assert any("running_mean" in name for name in written)
    assert any(name.endswith("weight") for name in written)
    shown = [re.findall(r"updates ([^\s,]+)", drawn.nodes[i].label) for i in drawn.outputs]
    assert sorted(name for names in shown for name in names) == sorted(written)


def test_state_arguments_and_bytes_are_labeled(step):
    drawn = {node.name: node for node in program_graph(step.program)}
    weight = drawn["model.0.weight"]
    assert (weight.kind, weight.shape, weight.dtype) == ("parameter", (128, 8), "float32")
    assert weight.label.endswith("4.1 kB")
    assert drawn["model.1.running_mean"].kind == "constant"
    assert drawn["argument 0"].kind == "variable"
    assert drawn["argument 0"].shape == (128, 8)


def test_python_values_among_the_arguments_are_settings(step):
    settings = [node.settings for node in ops_of(program_graph(step.program))]
    assert {"y": 0.8} in settings  # what dropout keeps, in float32
    assert {"#1": (128, 128)} in settings  # the size of what it draws
    assert {"dtype": "float32"} in settings


def test_results_that_take_the_memory_of_another_value_say_so(step):
    drawn = program_graph(step.program)
    nodes = {number: node for node in drawn for number in numbers(node)}
    taken = {i.makes[0]: i.into for i in step.program.instructions if i.into is not None}
    assert taken
    for number, node in nodes.items():
        found = re.search(r" in v(\d+)", node.label)
        assert (int(found[1]) if found else None) == taken.get(number)


def test_all_that_is_returned_is_an_output():
    drawn = program_graph(compiled(gradients_that_stay).program)
    labels = [(drawn.nodes[i].name, drawn.nodes[i].label) for i in drawn.outputs]
    text = "\n".join(f"{name}: {label}" for name, label in labels)
    for note in ("returned['loss']", "argument 1: returned['parts'][0]", "returned['parts'][2]", "gradient of w"):
        assert note in text
    assert re.search(r"^w: .*returned\['parts'\]\[1\]", text, re.MULTILINE)


def test_a_second_update_takes_what_the_first_has_written():
    drawn = program_graph(compiled(updated_twice).program)
    updates = [node for node in drawn if "updates model.weight" in node.label]
    assert len(updates) == 2
    first, second = updates

    def behind(node: GraphNode) -> set[int]:
        return {node.id}.union(*[behind(source) for source in sources(drawn, node)])

    assert first.id in behind(second)


def test_a_program_is_drawn_as_svg_and_as_a_page(step, tmp_path):
    pytest.importorskip("graphviz")
    picture = graph(step)
    svg = picture.save(tmp_path / "step.svg").read_text()
    page = picture.save(tmp_path / "step.html").read_text()
    for node in picture.graph:
        assert node.name in svg
        assert node.name in page
    assert picture.title == step.program.title
    assert [*graph(step.stages[0][1]).graph] != [*picture.graph]


def test_with_inputs_a_compiled_function_is_run_as_any_other():
    square = mg.compile(lambda x: (x * x).sum())
    picture = graph(square, np.ones(3))
    assert picture.computation is not None
    assert [node.name for node in ops_of(picture.graph)] == ["multiply", "sum"]


def test_what_cannot_be_drawn_is_told(step):
    with pytest.raises(UsageError, match="no program yet: call it until it is replayed"):
        graph(mg.compile(lambda x: x))
    for settings in ({"direction": "backward"}, {"model": nn.ReLU()}, {"names": {"x": mg.Tensor([1.0])}}):
        with pytest.raises(UsageError, match="a program is drawn as it is"):
            graph(step, **settings)
    with pytest.raises(UsageError, match="a program is drawn as it is"):
        graph(step.program, np.ones(3))
    with pytest.raises(UsageError, match="no quantity 'memory'; there are kind, time, bytes, flops"):
        graph(step, color_by="memory")


def test_bytes_and_flops_of_boxes_are_those_of_calls(programs):
    pytest.importorskip("numba")
    for program in programs:
        drawn, amounts = program_picture(program)
        calls = calls_of(program)
        counted = amounts["flops"].amounts if "flops" in amounts else {}
        assert sum(counted.values()) == flops(program)
        for node, (call, around) in zip(ops_of(drawn), calls, strict=True):
            if not around.parts:
                moved = {*call.reads, *call.makes}
                assert amounts["bytes"].amounts[node.id] == sum(program.values[n].nbytes for n in moved)
        for around in [i for i in program.instructions if i.parts]:
            inside = [n for n, (_, of) in zip(ops_of(drawn), calls, strict=True) if of is around]
            moved = {*around.reads, *around.makes}
            total = sum(program.values[n].nbytes for n in moved)
            assert sum(amounts["bytes"].amounts[n.id] for n in inside) == total


def test_boxes_are_colored_by_bytes_flops_and_time():
    step = compiled(training_step)
    with pytest.raises(UsageError, match=r"step\.measure"):
        graph(step, color_by="time")
    with pytest.raises(UsageError, match="there are kind, time, bytes, flops"):
        graph(step, color_by="gradient_norm")
    x, y = (mg.Tensor(np.ones((128, n), np.float32)) for n in (8, 4))
    with pytest.raises(UsageError, match="no program for these arguments"):
        step.measure(x[:3], y[:3])
    assert np.isfinite(step.measure(x, y).item())
    first = step.seconds
    step.measure(x, y)
    assert all(0 <= later <= earlier for later, earlier in zip(step.seconds, first, strict=True))
    picture = graph(step, color_by="time", depth=1)
    assert "ms" in picture.dot or "µs" in picture.dot
    assert picture.color("bytes").measure("bytes").amounts
    assert {each["name"] for each in graph_data(picture)["quantities"]} == {"kind", "time", "bytes", "flops"}
