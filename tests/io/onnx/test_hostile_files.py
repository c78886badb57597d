"""Files are data: broken and hostile ones are refused in words, quickly, and without large allocations."""

import os
import tracemalloc
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import DataError, UsageError
from minigrad.io import from_onnx, onnx_operator

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from tests.io.onnx.mutations import mutated  # noqa: E402
from tests.io.onnx.small_models import body, model_of, nets, quantized  # noqa: E402

FLOAT = TensorProto.FLOAT
FILES = 10_000 if os.environ.get("MINIGRAD_PROFILE", "dev") == "intense" else 200
LARGEST = 2**16


def test_mutated_files_are_refused_or_run(rng, tmp_path, monkeypatch):
    """No other error than ours, and no allocation much larger than the limit."""
    monkeypatch.setattr("minigrad.io.onnx.importer.node.MAX_RUNS", 3000)
    seeds = list(nets(rng))
    for content, x in seeds:
        assert np.isfinite(from_onnx(onnx.ModelProto.FromString(content))(x).numpy()).all()
    path = tmp_path / "broken.onnx"
    ran = 0
    tracemalloc.start()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for i in range(FILES):
            content, x = seeds[i % len(seeds)]
            path.write_bytes(mutated(content, rng))
            try:
                from_onnx(path, max_elements=LARGEST)(x)
                ran += 1
            except mg.MinigradError:
                continue
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0 < ran < FILES / 2
    assert peak < 64 * LARGEST * 8


BOMBS = {
    "constant": [helper.make_node("ConstantOfShape", ["huge"], ["y"])],
    "expand": [helper.make_node("Expand", ["one", "huge"], ["y"])],
    "tile": [helper.make_node("Tile", ["ones", "huge"], ["y"])],
    "range": [helper.make_node("Range", ["zero", "end", "step"], ["y"])],
    "doubled": [helper.make_node("Concat", [f"x{i}", f"x{i}"], [f"x{i + 1}"], axis=0) for i in range(60)]
    + [helper.make_node("Identity", ["x60"], ["y"])],
    "outer": [
        helper.make_node("Tile", ["row", "many"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ],
    "onehot": [helper.make_node("OneHot", ["places", "depth", "pair"], ["y"])],
    "pads": [helper.make_node("Pad", ["ones", "pads"], ["y"])],
    "resize": [helper.make_node("Resize", ["ones", "", "factors"], ["y"])],
    "spread": [helper.make_node("ConvTranspose", ["image", "image"], ["y"], strides=[2**30, 2**30], pads=[0] * 4)],
    "many": [helper.make_node("ConstantOfShape", ["large"], [f"c{i}"]) for i in range(40)]
    + [helper.make_node("Sum", [f"c{i}" for i in range(40)], ["y"])],
}
NUMBERS = {
    "huge": np.array([2**20, 2**20]), "one": np.ones((1, 1), np.float32), "ones": np.ones((2, 2), np.float32),
    "zero": np.array(0.0), "end": np.array(1e30), "step": np.array(1e-3), "x0": np.ones(4, np.float32),
    "row": np.ones((1, 2), np.float32), "many": np.array([1, 2**19]), "places": np.arange(4), "depth": np.array(2**40),
    "pair": np.array([0, 1], np.float32), "pads": np.array([0, 2**40, 0, 0]),
    "factors": np.array([1e8, 1e8], np.float32), "image": np.ones((1, 1, 2, 2), np.float32), "large": np.array([2**20]),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_that_make_large_values_stop_at_the_limit(name):
    nodes = BOMBS[name]
    used = {x for node in nodes for x in node.input} & NUMBERS.keys()
    model = from_onnx(model_of(nodes, inputs=(), initializers={x: NUMBERS[x] for x in used}), max_elements=2**20)
    with pytest.raises(mg.MinigradError, match=r"max_elements=|impossible"):
        model()


@pytest.mark.parametrize("depth", [1, 3])
def test_loops_that_do_not_end_are_stopped(monkeypatch, depth):
    monkeypatch.setattr("minigrad.io.onnx.importer.node.MAX_RUNS", 2000)
    nodes = []
    for k in range(depth):
        inputs = [(f"i{k}", TensorProto.INT64), (f"c{k}", TensorProto.BOOL)]
        nodes = [*nodes, helper.make_node("Identity", [f"c{k}"], [f"d{k}"]), helper.make_node("Relu", ["x"], [f"r{k}"])]
        turn = body(nodes, inputs, [(f"d{k}", TensorProto.BOOL), (f"r{k}", FLOAT)])
        nodes = [helper.make_node("Loop", ["", "true"], [f"y{k}"], body=turn)]
    model = model_of(nodes, outputs=(f"y{depth - 1}",), initializers={"true": np.array(True)})
    with pytest.raises(mg.MinigradError, match="the loops of the graph have computed more than 2,000 nodes"):
        from_onnx(model)(np.ones((2, 3), np.float32))


def test_quantized_models_are_not_trained(rng):
    model, x = from_onnx(quantized()), rng.normal(size=(3, 2, 4)).astype(np.float32)
    with pytest.raises(UsageError, match=r"QuantizeLinear.* it rounds, which has no gradient: call .eval\(\) first"):
        model.train()(x)


def external(location, length=24, offset=0):
    model = model_of([helper.make_node("Add", ["x", "w"], ["y"])], initializers={"w": np.ones((2, 3), np.float32)})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "length": str(length), "offset": str(offset)}.items():
        tensor.external_data.add(key=key, value=value)
    return model


def test_weights_beside_the_file_stay_in_its_folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 64)
    (folder / "weights").write_bytes(np.arange(6, dtype=np.float32).tobytes())
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)

    def read(*settings):
        (folder / "net.onnx").write_bytes(external(*settings).SerializeToString())
        return from_onnx(folder / "net.onnx")

    assert read("weights")(np.zeros((2, 3), np.float32)).tolist() == [[0, 1, 2], [3, 4, 5]]
    for location in (
        "../secret",
        "/etc/passwd",
        str(tmp_path / "secret"),
        "up/../../secret",
        "",
        "a\\b",
        "c:x",
        "x" * 300,
    ):
        with pytest.raises(DataError, match=r"must be named within its folder|cannot be read|no file"):
            read(location)
    for location in ("link", "up/secret"):
        with pytest.raises(DataError, match="a link, and links are not followed"):
            read(location)
    for settings in (("weights", 24, 8), ("weights", 2**40), ("weights", -1), ("nothing",), (".",)):
        with pytest.raises(DataError):
            read(*settings)
    with pytest.raises(DataError, match="load the model from its path"):
        from_onnx(external("weights"))


def wrong(**changes):
    node = helper.make_node("Relu", ["x"], ["y"])
    return model_of(changes.pop("nodes", [node]), **changes)


LARGE = wrong(initializers={"w": np.ones(3, np.float32)})
LARGE.graph.initializer[0].dims[0] = 2**40
CYCLE = [("Add", ["x", "b"], "a"), ("Relu", ["a"], "b")]
REFUSED = {
    "cycle": (
        wrong(nodes=[helper.make_node(op, xs, [y]) for op, xs, y in CYCLE], outputs=("b",)),
        "uses 'b', which no node before it makes: the graph has a cycle",
    ),
    "missing output": (wrong(outputs=("z",)), "the output 'z' of the graph is made by no node"),
    "two of a name": (wrong(nodes=[helper.make_node("Relu", ["x"], ["y"])] * 2), "names must differ"),
    "two inputs": (wrong(inputs=("x", "x")), "two inputs 'x'"),
    "new opset": (wrong(opset=10**6), "opset 1000000, and the installed onnx knows"),
    "old opset": (wrong(opset=3), "7 is the oldest that is read: onnx.version_converter"),
    "inputs": (wrong(nodes=[helper.make_node("Relu", ["x"] * 3, ["y"])]), "has 3 inputs, and takes 1 to 1"),
    "left out": (wrong(nodes=[helper.make_node("Relu", [""], ["y"])]), "leaves out its input 'x'"),
    "larger than the file": (LARGE, "needs 4,398,046,511,104 bytes, and has 12"),
    "unknown": (
        wrong(nodes=[helper.make_node("NonMaxSuppression", ["x", "x"], ["y"], name="n1")]),
        r"ONNX node 'n1' .NonMaxSuppression. is not supported: register what it computes by @minigrad.io.onnx_operator",
    ),
    "empty": (onnx.ModelProto(), "does not tell the version"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told(name):
    model, message = REFUSED[name]
    with pytest.raises((DataError, UsageError), match=message):
        from_onnx(model)


def test_no_file_is_told(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        from_onnx(tmp_path / "nothing.onnx")
    (tmp_path / "text.onnx").write_text("hello, this is no model")
    with pytest.raises(DataError, match="no ONNX file, or is damaged"):
        from_onnx(tmp_path / "text.onnx")


def test_inputs_are_checked(rng):
    model = from_onnx(wrong())
    with pytest.raises(UsageError, match=r"takes 1 inputs .x., got 2"):
        model(np.ones((2, 3)), np.ones(3))
    with pytest.raises(mg.ShapeError, match=r"input 'x' must be of shape .any, 3., got .2, 4."):
        model(np.ones((2, 4), np.float32))
    with pytest.raises(mg.DTypeError, match="must be of float32, got int64"):
        model(np.ones((2, 3), np.int64))
    assert model(np.ones((9, 3), np.float32)).shape == (9, 3)


def test_an_operator_of_one_s_own():
    @onnx_operator("Doubled", domain="test.example")
    def doubled(node, x):
        return x * node.number("by", 2.0)

    nodes = [helper.make_node("Doubled", ["x"], ["y"], domain="test.example", by=3.0)]
    model = model_of(nodes)
    model.opset_import.add(domain="test.example", version=1)
    assert from_onnx(model)(np.ones((2, 3), np.float32)).tolist() == [[3.0] * 3] * 2


def test_branches_and_computed_shapes(rng):
    """A condition on a shape chooses; sizes that are computed from a shape stay integers."""
    inner = [helper.make_graph(
        [helper.make_node(op, ["x"], [f"{op}_out"])], op, [], [helper.make_tensor_value_info(f"{op}_out", FLOAT, None)]
    ) for op in ("Relu", "Neg")]  # fmt: skip
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Greater", ["n", "two"], ["c"]),
        helper.make_node("If", ["c"], ["z"], then_branch=inner[0], else_branch=inner[1]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["m"]),
        helper.make_node("Concat", ["rest", "m"], ["t"], axis=0),
        helper.make_node("Reshape", ["z", "t"], ["y"]),
    ]
    numbers = {"zero": np.array(0), "two": np.array(2), "axis": np.array([0]), "rest": np.array([-1])}
    model = from_onnx(model_of(nodes, initializers=numbers))
    x = rng.normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(x).numpy(), np.maximum(x, 0).reshape(-1, 4))
    np.testing.assert_array_equal(model(x[:2]).numpy(), -x[:2].reshape(-1, 2))


def test_functions_of_the_file_are_written_out():
    body = [helper.make_node("Mul", ["a", "a"], ["b"]), helper.make_node("LeakyRelu", ["b"], ["c"])]
    body[1].attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    function = helper.make_function(
        "mine", "F", ["a"], ["c"], body, [helper.make_opsetid("", 20)], attributes=["slope"]
    )  # fmt: skip
    nodes = [helper.make_node("F", [a], [b], domain="mine", slope=0.5) for a, b in (("x", "h"), ("h", "y"))]
    model = model_of(nodes)
    model.functions.append(function)
    model.opset_import.add(domain="mine", version=1)
    assert from_onnx(model)(np.full((2, 3), 3, np.float32)).tolist() == [[81.0] * 3] * 2
    function.node.add().CopyFrom(helper.make_node("F", ["a"], ["d"], domain="mine"))
    model.functions[0].CopyFrom(function)
    with pytest.raises(DataError, match="calls itself"):
        from_onnx(model)
