"""Products of matrices."""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops
from minigrad.errors import ShapeError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Value

MAX_EINSUM = 2**36
"""How many products one Einsum may compute."""


@onnx_operator("MatMul")
def _(node: Node, x: Value, y: Value) -> Value:
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        raise ShapeError(f"{node.data} needs vectors or matrices, got the shapes {left} and {right}")
    columns = right[-1:] if len(right) > 1 else ()
    node.require_size((*np.broadcast_shapes(left[:-2], right[:-2]), *left[-2:-1], *columns))
    return ops.matmul(x, y)


@onnx_operator("Gemm")
def _(node: Node, a: Value, b: Value, c: Value = None) -> Value:
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if len(shape_of(a)) != 2 or len(shape_of(b)) != 2:
        raise ShapeError(f"{node.data} needs matrices, got the shapes {shape_of(a)} and {shape_of(b)}")
    a = ops.matrix_transpose(a) if node.flag("transA") else a
    rows, columns = shape_of(a)[0], shape_of(b)[0 if node.flag("transB") else 1]
    node.require_size((rows, columns))
    if node.flag("transB") and alpha == beta == 1 and (c is None or shape_of(c) == (columns,)) and _floating(a):
        return ops.linear(a, b, c)
    out = ops.matmul(a, ops.matrix_transpose(b) if node.flag("transB") else b)
    kind = raw(out).dtype.type
    out = out if alpha == 1 else ops.multiply(out, kind(alpha))
    if c is None:
        return out
    if np.broadcast_shapes(shape_of(c), (rows, columns)) != (rows, columns):
        raise ShapeError(f"{node.data}: C of shape {shape_of(c)} does not broadcast to ({rows}, {columns})")
    return ops.add(out, c if beta == 1 else ops.multiply(c, kind(beta)))


def _floating(x: Value) -> bool:
    return raw(x).dtype.kind == "f"


@onnx_operator("Einsum")
def _(node: Node, *xs: Value) -> Value:
    equation = node.text("equation").replace(" ", "")
    terms = equation.partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        shape, letters = shape_of(x), term.replace("...", "")
        for letter, size in zip(letters, shape[len(shape) - len(letters) :], strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
        if "..." in term:
            sizes["..."] = max(math.prod(shape[: len(shape) - len(letters)]), sizes.get("...", 1))
    if math.prod(sizes.values()) > MAX_EINSUM:
        node.refuse(f"{math.prod(sizes.values()):,} products are too many")
    if "->" in equation:
        out = equation.partition("->")[2].replace("...", ".")
        node.require_size([math.prod(sizes["..." if letter == "." else letter] for letter in out)])
    return ops.einsum(equation, *xs)


@onnx_operator("Det")
def _(node: Node, x: Value) -> Value:
    return ops.det(x)
