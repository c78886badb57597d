"""Broken and hostile ONNX files, made of valid ones: flipped bits, cut ends, and messages with other fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

HUGE = (0, -1, 1, 2, 7, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63), 100_000)
NUMBERS = (0.0, -1.0, float("nan"), float("inf"), 1e30, 1e-30)


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """With a few bits of other value."""
    data = bytearray(content)
    for place in rng.integers(0, len(data), int(rng.integers(1, 8))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Without its end, or without a piece."""
    start, end = sorted(rng.integers(0, len(content) + 1, 2))
    return content[:start] if rng.random() < 0.5 else content[:start] + content[end:]


def overwritten(content: bytes, rng: np.random.Generator) -> bytes:
    """With bytes of its own copied to another place, or random ones."""
    data = bytearray(content)
    size = int(rng.integers(1, min(len(data), 64) + 1))
    start, target = rng.integers(0, len(data) - size + 1, 2)
    piece = data[start : start + size] if rng.random() < 0.5 else rng.integers(0, 256, size, np.uint8).tobytes()
    data[target : target + size] = piece
    return bytes(data)


def rewritten(content: bytes, rng: np.random.Generator) -> bytes:
    """With other fields in its messages: names, sizes, types, attributes, nodes."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    for _ in range(int(rng.integers(1, 4))):
        _change(model, rng)
    return model.SerializeToString()


def _change(model: Any, rng: np.random.Generator) -> None:
    graph = model.graph
    changes: list[Callable[[], object]] = [
        lambda: _number(model.opset_import, "version", rng),
        lambda: _tensor(graph.initializer, rng),
        lambda: _tensor(graph.initializer, rng),
        lambda: _node(graph, rng),
        lambda: _node(graph, rng),
        lambda: _attribute(graph, rng),
        lambda: _attribute(graph, rng),
        lambda: _attribute(graph, rng),
        lambda: _repeat(graph.initializer, rng),
        lambda: _repeat(graph.node, rng),
        lambda: _repeat(graph.input, rng),
        lambda: _remove(graph.initializer, rng),
        lambda: _remove(graph.node, rng),
        lambda: _remove(graph.input, rng),
        lambda: _constants(graph, rng),
    ]
    changes[int(rng.integers(len(changes)))]()


def _one(items: Any, rng: np.random.Generator) -> Any:
    return items[int(rng.integers(len(items)))] if len(items) else None


def _number(items: Any, field: str, rng: np.random.Generator) -> None:
    chosen = _one(items, rng)
    if chosen is not None:
        setattr(chosen, field, int(rng.choice(HUGE)))


def _tensor(tensors: Any, rng: np.random.Generator) -> None:
    tensor = _one(tensors, rng)
    if tensor is None:
        return
    kind = int(rng.integers(5))
    if kind == 0:
        tensor.dims.append(int(rng.choice(HUGE)))
    elif kind == 1 and tensor.dims:
        tensor.dims[int(rng.integers(len(tensor.dims)))] = int(rng.choice(HUGE))
    elif kind == 2:
        tensor.data_type = int(rng.integers(-1, 30))
    elif kind == 3:
        tensor.data_location = 1
        location = str(rng.choice(["../../etc/passwd", "/etc/passwd", "x" * 300, "", "a/../b", "/dev/zero", "."]))
        tensor.external_data.add(key="location", value=location)
        tensor.external_data.add(key="length", value=str(rng.choice(HUGE)))
    else:
        tensor.raw_data = tensor.raw_data[: int(rng.integers(0, len(tensor.raw_data) + 1))]


def _node(graph: Any, rng: np.random.Generator) -> None:
    node = _one(graph.node, rng)
    if node is None:
        return
    names = [name for n in graph.node for name in (*n.input, *n.output)] + ["", "nowhere"]
    kind = int(rng.integers(4))
    if kind == 0 and node.input:
        node.input[int(rng.integers(len(node.input)))] = str(_one(names, rng))
    elif kind == 1 and node.output:
        node.output[int(rng.integers(len(node.output)))] = str(_one(names, rng))
    elif kind == 2:
        node.op_type = str(_one([n.op_type for n in graph.node] + ["Loop", "Expand", "Tile", "Range", "Einsum"], rng))
    else:
        node.input.append(str(_one(names, rng)))


def _attribute(graph: Any, rng: np.random.Generator) -> None:
    attribute = _one([a for node in graph.node for a in node.attribute], rng)
    if attribute is None:
        return
    kind = int(rng.integers(4))
    if kind == 0:
        attribute.type = int(rng.integers(0, 15))
    elif kind == 1:
        attribute.name = str(rng.choice(["axis", "pads", "kernel_shape", "strides", "group", "perm", "to", "x"]))
    elif attribute.ints:
        place = int(rng.integers(len(attribute.ints)))
        attribute.ints[place] = int(rng.choice(HUGE))
        if rng.random() < 0.2:
            attribute.ints.append(int(rng.choice(HUGE)))
    else:
        attribute.i, attribute.f = int(rng.choice(HUGE)), float(rng.choice(NUMBERS))


def _constants(graph: Any, rng: np.random.Generator) -> None:
    """Shapes and counts that are constants become huge."""
    integers = [t for t in graph.initializer if t.data_type == 7 and len(t.raw_data) >= 8]
    tensor = _one(integers, rng)
    if tensor is not None:
        array = np.frombuffer(tensor.raw_data[: len(tensor.raw_data) // 8 * 8], np.int64).copy()
        array[int(rng.integers(len(array)))] = int(rng.choice(HUGE))
        tensor.raw_data = array.tobytes()


def _repeat(items: Any, rng: np.random.Generator) -> None:
    chosen = _one(items, rng)
    if chosen is not None:
        items.add().CopyFrom(chosen)


def _remove(items: Any, rng: np.random.Generator) -> None:
    if len(items):
        del items[int(rng.integers(len(items)))]


MUTATIONS = (flipped, cut, overwritten, rewritten, rewritten, rewritten)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A broken file."""
    return MUTATIONS[int(rng.integers(len(MUTATIONS)))](content, rng)
