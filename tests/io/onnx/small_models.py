"""Small ONNX models that have many operators: what broken files are made of."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from minigrad import nn
from minigrad.io import to_onnx

FLOAT = TensorProto.FLOAT


def model_of(nodes, inputs=("x",), outputs=("y",), initializers=(), opset=20, shape=(2, 3)):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name in inputs],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(initializers).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def nets(rng):
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.ConvTranspose2d(3, 2, 2, 2),
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Flatten(), nn.Linear(512, 4), nn.LayerNorm(4), nn.Softmax(1),
    )  # fmt: skip
    x = rng.normal(size=(1, 2, 8, 8)).astype(np.float32)
    yield to_onnx(net, x, dynamic_batch=True).SerializeToString(), x
    numbers = {
        "shape": np.array([2, 3, 4]), "many": np.array([2, 1, 2]), "start": np.array([0, 1, 0]), "k": np.array([2]),
        "end": np.array([2, 3, 4]), "pads": np.array([0, 1, 0, 1, 0, 1]), "places": np.array([0, 1]),
        "depth": np.array(4), "values": np.array([0, 1], np.float32), "zero": np.array(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["a"]),
        helper.make_node("Tile", ["a", "many"], ["b"]),
        helper.make_node("Slice", ["b", "start", "end"], ["c"]),
        helper.make_node("Pad", ["c", "pads"], ["d"], mode="constant"),
        helper.make_node("Gather", ["d", "places"], ["e"], axis=1),
        helper.make_node("TopK", ["e", "k"], ["f", "places_of_f"], axis=2),
        helper.make_node("OneHot", ["places", "depth", "values"], ["g"], axis=-1),
        helper.make_node("ReduceMean", ["f"], ["h"], keepdims=0),
        helper.make_node("ConstantOfShape", ["shape"], ["i"]),
        helper.make_node("Range", ["zero", "depth", "depth"], ["j"]),
        helper.make_node("Cast", ["j"], ["jj"], to=1),
        helper.make_node("Sum", ["h", "i"], ["l"]),
        helper.make_node("Einsum", ["g", "g"], ["m"], equation="ij,kj->ik"),
        helper.make_node("ReduceSum", ["m"], ["n"], keepdims=0),
        helper.make_node("ReduceSum", ["jj"], ["o"], keepdims=0),
        helper.make_node("Sum", ["l", "n", "o"], ["y"]),
    ]
    model = model_of(nodes, initializers=numbers, shape=(1, 3, 4))
    yield model.SerializeToString(), rng.normal(size=(1, 3, 4)).astype(np.float32)
    x = rng.normal(size=(3, 2, 4)).astype(np.float32)
    yield sequence_model(rng).SerializeToString(), x
    yield loops().SerializeToString(), x
    yield quantized().SerializeToString(), x


def sequence_model(rng):
    """Recurrent operators, attention, rotations."""

    def weights(*shape):
        return rng.normal(size=shape).astype(np.float32)

    numbers = {
        "w": weights(2, 12, 4), "r": weights(2, 12, 3), "b": weights(2, 24), "lengths": np.array([2, 3], np.int32),
        "w2": weights(1, 9, 3), "r2": weights(1, 9, 3), "w3": weights(1, 3, 3), "r3": weights(1, 3, 3),
        "first": np.array(0), "cos": weights(4, 2), "sin": weights(4, 2), "places": np.array([[0, 1]] * 3),
        "mask": np.ones((2, 2), bool), "peep": weights(2, 9), "one": np.ones(4, np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("LSTM", ["x", "w", "r", "b", "lengths", "", "", "peep"], ["a"], hidden_size=3,
                         direction="bidirectional"),
        helper.make_node("Gather", ["a", "first"], ["c"], axis=1),
        helper.make_node("GRU", ["c", "w2", "r2", "", "lengths"], ["", "d"], hidden_size=3, linear_before_reset=1),
        helper.make_node("RNN", ["c", "w3", "r3"], ["", "e"], hidden_size=3, activations=["Relu"], layout=0),
        helper.make_node("Attention", ["x", "x", "x", "mask"], ["f"], q_num_heads=2, kv_num_heads=1 + 1, is_causal=1),
        helper.make_node("RotaryEmbedding", ["f", "cos", "sin", "places"], ["g"], num_heads=1, interleaved=1),
        helper.make_node("RMSNormalization", ["g", "one"], ["h"], axis=-1),
        helper.make_node("ReduceSum", ["d"], ["i"], keepdims=0),
        helper.make_node("ReduceSum", ["e"], ["j"], keepdims=0),
        helper.make_node("Sum", ["h", "i", "j"], ["y"]),
    ]  # fmt: skip
    return model_of(nodes, initializers=numbers, opset=23, shape=(3, 2, 4))


def body(nodes, inputs, outputs):
    values = [helper.make_tensor_value_info(name, kind, None) for name, kind in inputs]
    return helper.make_graph(
        nodes, "body", values, [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs]
    )  # fmt: skip


def loops():
    """A Loop of three turns, and a Scan over the first dimension."""
    flag, number = TensorProto.BOOL, TensorProto.INT64
    turns = body(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Mul", ["v", "half"], ["v2"]),
         helper.make_node("ReduceSum", ["v2"], ["s"], keepdims=0)],
        [("i", number), ("c", flag), ("v", FLOAT)], [("c2", flag), ("v2", FLOAT), ("s", FLOAT)],
    )  # fmt: skip
    sums = body(
        [helper.make_node("Add", ["total", "row"], ["total2"]), helper.make_node("Identity", ["total2"], ["out"])],
        [("total", FLOAT), ("row", FLOAT)], [("total2", FLOAT), ("out", FLOAT)],
    )  # fmt: skip
    numbers = {"half": np.float32(0.5), "three": np.array(3), "true": np.array(True), "zeros": np.zeros((2, 4), "f4")}
    nodes = [
        helper.make_node("Loop", ["three", "true", "x"], ["a", "b"], body=turns),
        helper.make_node("Scan", ["zeros", "a"], ["c", "d"], body=sums, num_scan_inputs=1),
        helper.make_node("ReduceSum", ["b"], ["e"], keepdims=0),
        helper.make_node("Sum", ["c", "d", "e"], ["y"]),
    ]
    return model_of(nodes, initializers=numbers, shape=(3, 2, 4))


def quantized():
    """Integers of eight bits, and products of them."""
    numbers = {
        "s": np.float32(0.05), "z": np.uint8(120), "w": np.arange(8, dtype=np.uint8).reshape(4, 2),
        "ws": np.array([0.1, 0.2], np.float32), "wz": np.array([3, 4], np.uint8), "so": np.float32(0.2),
        "kernel": np.arange(4, dtype=np.uint8).reshape(2, 2, 1), "blocks": np.full((3, 2, 2), 0.1, np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearMatMul", ["q", "s", "z", "w", "ws", "wz", "so", "z"], ["m"]),
        helper.make_node("DequantizeLinear", ["m", "ws", "wz"], ["a"], axis=2),
        helper.make_node("QLinearConv", ["q", "s", "z", "kernel", "s", "z", "so", "z"], ["c"]),
        helper.make_node("ConvInteger", ["c", "kernel", "z"], ["d"]),
        helper.make_node("DynamicQuantizeLinear", ["x"], ["e", "es", "ez"]),
        helper.make_node("MatMulInteger", ["e", "w", "ez", "wz"], ["f"]),
        helper.make_node("QuantizeLinear", ["x", "blocks"], ["g"], axis=2, block_size=2),
        helper.make_node("DequantizeLinear", ["g", "blocks"], ["h"], axis=2, block_size=2),
        *[helper.make_node("Cast", [name], [f"{name}f"], to=1) for name in "df"],
        *[helper.make_node("ReduceSum", [name], [f"{name}s"], keepdims=0) for name in ("a", "df", "ff", "h")],
        helper.make_node("Sum", ["as", "dfs", "ffs", "hs"], ["y"]),
    ]
    return model_of(nodes, initializers=numbers, opset=21, shape=(3, 2, 4))
