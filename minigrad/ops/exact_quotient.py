"""The slope of a length at 0: that of `norm(x) ** 2`, which is smooth there, needs g / |x| exactly.

The rule of a length, g * x / |x|, has no value at x = 0, and its subgradient there is 0. For |x|**2, which is x @ x, a
0 is right at first order only: its g is 2 |x|, so that the rule gives 2 x, with the derivative 2. The numbers at x = 0
do not tell, since both g and |x| are 0. The recorded graph does: g is a product, and one of its factors is |x|. Where
it is visibly a multiple, q |x|, the rule is q x; where it is not, the slope is 0, and so are all its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.batched_array import any_true, physical
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.typing import Array, Function, Value

DEPTH = 32
"""How many ops of a cotangent are looked through."""

Quotient = tuple[Any, Array]
"""A Tensor, and for each of its elements the number of the element of the length that it was divided by; or ANY."""

ANY = -1
"""The number for elements that are 0: a multiple of every element of the length."""


def smooth_at_zero(slope: Value, g: Value, x: Value, length: Value, op: str, spread: Function | None = None) -> Value:
    """The slope g * conj(x) / length, and where the length is 0 that of a multiple of it, or else 0.

    At first order all of these are 0 there, so that there is nothing to do.

    Args:
        slope: as it is where the length is not 0.
        g: the cotangent of the length.
        x: what it is the length of.
        length: the length; or x, of which it is the absolute value.
        op: the name of the op whose result the length is.
        spread: repeats what has the length's shape to that of x; the identity unless given.
    """
    if type(slope) is not Tensor or type(length) is not Tensor or physical(length).all():
        return slope

    made = length.node if length is not x else None

    def is_length(node: Node) -> bool:
        if node is made or node.op is None or node.op.name != op:
            return node is made
        return node.parents == (x.node,) and (made is None or node.settings == made.settings)

    found = _quotient(g.node, is_length, DEPTH, {}) if type(g) is Tensor else None
    quotient = found[0] if found is not None and _agree(found[1].ravel(), np.arange(length.size)) else 0.0
    if spread is not None:
        length, quotient = spread(length), spread(quotient) if type(quotient) is Tensor else quotient
    exact = conjugated(x) * quotient
    return operators.ops.where(length == 0, exact, slope) if any_true(length) else exact


def _agree(places: Array, others: Array) -> bool:
    return bool(((places == others) | (places == ANY) | (others == ANY)).all())


def _quotient(
    node: Node | None, is_length: Callable[[Node], bool], depth: int, seen: dict[Node, Quotient | None]
) -> Quotient | None:
    """A recorded value divided by the length, element by element, if its graph shows it to be a multiple."""
    if node is None or not depth:
        return None
    if node not in seen:
        seen[node] = _looked_up(node, is_length, depth, seen)
    return seen[node]


def _looked_up(
    node: Node, is_length: Callable[[Node], bool], depth: int, seen: dict[Node, Quotient | None]
) -> Quotient | None:
    if is_length(node):
        return Tensor(np.ones(node.shape, node.dtype)), np.arange(int(np.prod(node.shape))).reshape(node.shape)
    op, plan = node.op, node.plan
    if op is None or plan is None or node.saved is None or op.name not in QUOTIENTS:
        return None
    parts = [_quotient(parent, is_length, depth - 1, seen) for parent in node.parents]
    if all(part is None for part in parts):
        return None
    saved = dict(zip(plan.saved_names, plan.as_tensors(node), strict=True))
    found = QUOTIENTS[op.name](op, node, parts, saved)
    return None if found is None else (found[0], np.broadcast_to(found[1], node.shape))


# ---- of the result of each op, from those of its inputs ----------------------------------------------------------

Parts = list[Quotient | None]
Saved = dict[str, Any]


def _of_product(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    x, y = parts
    if x is not None:
        return x[0] * saved["y"], x[1]
    return None if y is None else (saved["x"] * y[0], y[1])


def _of_division(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    x = parts[0]
    return None if x is None else (x[0] / saved["y"], x[1])


def _of_sum(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    x, y = parts
    if x is None or y is None or not _agree(x[1], y[1]):
        return None
    return op(x[0], y[0]), np.maximum(x[1], y[1])


def _of_power(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    x, exponent = parts[0], saved["y"]
    if x is None or np.ndim(exponent) > 0 or type(exponent) is Tensor or exponent < 1:
        return None
    return x if exponent == 1 else (x[0] * saved["x"] ** (exponent - 1), x[1])


def _of_sign(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    assert parts[0] is not None
    q, places = parts[0]
    return op(q, **node.settings), places


def _of_sum_to(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    """A sum of multiples of one element of the length is a multiple of it."""
    assert parts[0] is not None
    q, places = parts[0]
    lead = places.ndim - len(node.shape)
    axes = tuple([i for i in range(places.ndim) if i < lead or node.shape[i - lead] == 1])
    first = places.min(axis=axes, keepdims=True)
    return (op(q, **node.settings), first.reshape(node.shape)) if (places == first).all() else None


def _of_scatter(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    """What nothing was added to is 0, a multiple of whatever else is there."""
    assert parts[0] is not None
    q, places = parts[0]
    spread = np.full(node.shape, ANY)
    spread[node.settings["index"]] = places
    return (op(q, **node.settings), spread) if np.array_equal(spread[node.settings["index"]], places) else None


def _of_move(op: Op, node: Node, parts: Parts, saved: Saved) -> Quotient | None:
    assert parts[0] is not None
    q, places = parts[0]
    return op(q, **node.settings), op(places, **node.settings)


QUOTIENTS: dict[str, Callable[[Op, Node, Parts, Saved], Quotient | None]] = {
    "multiply": _of_product, "divide": _of_division, "add": _of_sum, "subtract": _of_sum, "pow": _of_power,
    "negative": _of_sign, "astype": _of_sign, "sum_to": _of_sum_to, "scatter_add": _of_scatter,
    "broadcast_to": _of_move, "reshape": _of_move, "permute_dims": _of_move, "getitem": _of_move,
}  # fmt: skip
