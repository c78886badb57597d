"""Derivatives of what has been recorded: which nodes matter, the cotangents that they begin with, and what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.node import Node
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.errors import DTypeError, ShapeError


def seed(out: Tensor, g: Any) -> Tensor:
    """The cotangent of a result, as the engine has it: given, or 1 for a single number.

    Raises:
        ShapeError: g is missing or has another shape.
        DTypeError: g is missing for a complex number, or is complex for a real one.
    """
    if g is None:
        if out.dtype.kind == "c":
            raise DTypeError("backward from a complex Tensor needs a cotangent g: a loss is real, as abs(z) or z.real")
        if out.size != 1:
            raise ShapeError(
                f"backward from a Tensor of shape {out.shape} needs a cotangent g of that shape: "
                "give one, or reduce the Tensor first (.sum(), .mean())"
            )
        return wrap(np.ones(out.shape, out.dtype))
    cotangent = like(out, g, "the cotangent g")
    return conjugated(cotangent) if cotangent.dtype.kind == "c" else cotangent


def like(x: Tensor, given: Any, what: str) -> Tensor:
    """A cotangent or tangent of x: in its shape and dtype.

    Raises:
        ShapeError: it has another shape.
        DTypeError: it is complex, but x is real.
    """
    found: Tensor = given if isinstance(given, Tensor) else Tensor(given)
    if found.shape != x.shape:
        raise ShapeError(f"{what} has shape {found.shape}, but the Tensor has shape {x.shape}")
    if found.dtype is x.dtype:
        return found
    if found.dtype.kind == "c" and x.dtype.kind != "c":
        raise DTypeError(f"{what} is complex, but the Tensor is real ({x.dtype}): give its real part")
    return found if found.dtype == x.dtype else found.astype(x.dtype)


def seeds_of(outs: Sequence[Tensor], gs: Sequence[Tensor], *, record: bool) -> dict[Node, Any]:
    """The cotangents of recorded results by node: those of one that stands twice added up, constants left out."""
    seeds: dict[Node, Any] = {}
    for out, g in zip(outs, gs, strict=True):
        if out.node is not None:
            part = g if record else g._data
            seeds[out.node] = seeds[out.node] + part if out.node in seeds else part
    return seeds


def leading_to(targets: frozenset[Node], nodes: list[Node]) -> list[Node]:
    """Those of the nodes (newest first) from which a target can be reached, targets included."""
    leading = set(targets)
    for node in reversed(nodes):
        if any(parent in leading for parent in node.parents):
            leading.add(node)
    return [node for node in nodes if node in leading]


def gradient_of(x: Tensor, reached: dict[Node, Any]) -> Tensor:
    """The gradient of a Tensor, as users see it: zeros where nothing arrived."""
    gradient: Tensor = conjugated(_arrived(x, reached))
    return gradient


def _arrived(x: Tensor, reached: dict[Node, Any]) -> Tensor:
    cotangent = reached.get(x.node) if x.node is not None else None
    if cotangent is None:
        return wrap(np.zeros(x.shape, x.dtype))
    return cotangent if isinstance(cotangent, Tensor) else wrap(cotangent)


def pull_back_tensors(
    outs: Sequence[Tensor], cotangents: Sequence[Tensor], targets: Sequence[Tensor], *, record: bool = False
) -> list[Tensor]:
    """J'u of recorded results, inside of the engine: the cotangent of each target, or zeros. The graph is kept.

    Args:
        outs: recorded Tensors; one that is constant adds nothing.
        cotangents: one for each of them, in its shape.
        targets: the Tensors to pull back to.
        record: run the rules on Tensors, recording them.
    """
    seeds = seeds_of(outs, cotangents, record=record)
    wanted = frozenset([x.node for x in targets if x.node is not None])
    nodes = leading_to(wanted, toposort(seeds, oldest=min([node.order for node in wanted], default=0)))
    with recording(record):
        reached = pull_back(seeds, nodes, wanted, record=record, keep=True)
    return [_arrived(x, reached) for x in targets]
