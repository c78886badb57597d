"""Receptive fields: which pixels a unit can see, and which of them it minds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from minigrad.autograd.backward import toposort
from minigrad.autograd.elementwise import BinaryOp, UnaryOp
from minigrad.autograd.node import Node
from minigrad.autograd.tensor import Tensor, no_grad, wrap
from minigrad.autograd.trace import Event, Trace, trace
from minigrad.autograd.transforms import vjp
from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from minigrad.ops import unfold
from minigrad.typing import Array
from minigrad.viz.probe import images_of, output_at, place_of, untouched

BY_ELEMENT: Final = frozenset(
    {"alias", "astype", "where", "leaky_relu", "prelu", "hardtanh", "elu", "celu", "selu", "softplus", "softshrink",
     "hardshrink", "threshold", "clip"}
)  # fmt: skip
"""Ops that work element by element and are no UnaryOp or BinaryOp, because they have settings."""

LINEAR: Final = frozenset(
    {"reshape", "permute_dims", "broadcast_to", "sum_to", "concat", "getitem", "pad", "flip", "roll", "sum", "mean",
     "avg_pool", "unfold", "fold", "diagonal", "resample", "conv", "conv_input", "matmul", "linear", "einsum"}
)  # fmt: skip
"""Ops that are linear in each input: with ones for weights, their own rules say who sees whom."""


class Box(NamedTuple):
    """A rectangle of pixels: rows from `top` to before `bottom`, columns from `left` to before `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left


def receptive_field(model: Module, shape: Sequence[int], layer: str, unit: Sequence[int] | int | None = None) -> Box:
    """The smallest box around all pixels that a unit can see, whatever the weights are.

    A blank image runs through the model, and what the unit depends on is followed back op by op: a convolution or
    pooling sees its window, an elementwise op its element, shortcuts and branches together what each of them sees. An
    op of which nothing is known counts as seeing everything.

    Args:
        model: runs in evaluation mode and is left as it was.
        shape: (C, H, W) of an image.
        layer: the path of a layer.
        unit: (row, column) in the layer's output, or (channel, row, column), or the number of one of a full connection;
            the middle unless given.

    Raises:
        UsageError: there is no such layer or unit, or the unit sees no pixel.
        ShapeError: the shape is not that of an image.

    >>> from minigrad import nn
    >>> receptive_field(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)), (1, 9, 9), "2", (1, 0))
    Box(top=1, left=0, bottom=6, right=5)
    """
    if len(shape) != 3:
        raise ShapeError(f"receptive_field: shape is that of an image, (C, H, W), got {tuple(shape)}")
    dtypes = [parameter.dtype for parameter in model.parameters()]
    x = Tensor(np.zeros((1, *shape), dtypes[0] if dtypes else np.float32), requires_grad=True)
    with untouched(model, record=True), trace() as seen:
        output = output_at(model, x, layer, "receptive_field")
    mask = np.zeros(output.shape)
    mask[(0, *_place(output.shape[1:], unit, "receptive_field"))] = 1
    with no_grad():
        pixels: Array = np.any(_seen_from(output, mask, x, seen), axis=(0, 1))
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not rows.size:
        raise UsageError(f"receptive_field: this unit of {layer!r} sees no pixel, only padding or constants")
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def effective_field(model: Module, images: Any, layer: str, unit: Sequence[int] | int | None = None) -> Array:
    """How much a unit minds each pixel: the size of its gradient, in the mean over images and over the unit's channels.

        out[h,w] = mean over n, k of  sum_c |d maps[n,k,i,j] / d images[n,c,h,w]|

    Args:
        model: runs in evaluation mode and is left as it was.
        images: where the gradients are taken: digits, photographs, or noise. Max pooling and ReLU pass some of a
            gradient only, and many images show more of it.
        layer: the path of a layer.
        unit: as for `receptive_field`. Without a channel all channels count, and each costs a backward pass.

    Shapes: images (N, C, H, W) or (C, H, W) -> (H, W).

    Raises:
        UsageError: there is no such layer or unit.

    Source: Luo et al. 2016, "Understanding the effective receptive field in deep convolutional neural networks",
    arXiv:1701.04128.
    """
    x, _ = images_of(images, "effective_field")
    with untouched(model):
        output, pull = vjp(lambda x: output_at(model, x, layer, "effective_field"), x)
        place = _place(output.shape[1:], unit, "effective_field")
        channels = range(*place[0].indices(output.shape[1])) if isinstance(place[0], slice) else [place[0]]
        total = np.zeros(x.shape[2:], np.float64)
        for channel in channels:
            seed = np.zeros(output.shape, output.dtype)
            seed[(slice(None), channel, *place[1:])] = 1
            total += np.abs(pull(wrap(seed))[0].numpy()).sum(axis=(0, 1), dtype=np.float64)
    return np.asarray(total / (len(x) * len(channels)))


def _place(shape: Sequence[int], unit: Any, who: str) -> tuple[Any, ...]:
    """The indices of a unit, a slice for all channels. Shapes: shape without N."""
    if unit is None:
        unit = tuple(n // 2 for n in shape[1:]) if len(shape) == 3 else shape[0] // 2
    if len(shape) == 3 and isinstance(unit, (tuple, list)) and len(unit) == 2:
        return (slice(None), *place_of((0, *unit), shape, who)[1:])
    index = place_of(unit, shape, who)
    if len(index) != len(shape):
        raise UsageError(f"{who}: a unit of maps has a row and a column, too: (row, column) or (channel, row, column)")
    return index


# ---- who sees whom ---------------------------------------------------------------------------------------------


def _seen_from(output: Tensor, mask: Array, x: Tensor, seen: Trace) -> Array:
    """Which elements of x those of the output that the mask marks depend on. Shapes: mask as output -> as x."""
    assert x.node is not None
    blind = np.zeros(x.shape, bool)
    if output.node is None:
        return blind
    nodes = toposort([output.node])
    behind: set[Node] = {x.node}
    for node in reversed(nodes):
        if any(parent in behind for parent in node.parents):
            behind.add(node)
    reached: dict[Node, Array] = {output.node: mask}
    for node in nodes:
        if node is x.node or node not in behind or node not in reached:
            continue
        marked = reached.pop(node)
        places = [k for k, parent in enumerate(node.parents) if parent in behind]
        for k, there in zip(places, _inputs_seen(node, places, seen.of.get(node), marked), strict=True):
            parent = node.parents[k]
            assert parent is not None
            reached[parent] = np.maximum(reached[parent], there) if parent in reached else there
    return np.asarray(reached[x.node] > 0) if x.node in reached else blind


def _inputs_seen(node: Node, places: Sequence[int], event: Event | None, mask: Array) -> list[Array]:
    """For the inputs at these places, which elements the marked ones of an op's result depend on."""
    op = node.op
    assert op is not None
    shapes = [parent.shape for k, parent in enumerate(node.parents) if parent is not None and k in places]
    if isinstance(op, (UnaryOp, BinaryOp)) or op.name in BY_ELEMENT:
        return [_unbroadcast(mask, shape) for shape in shapes]
    if event is not None and op.name in LINEAR:
        inputs = [np.ones(np.shape(x)) if x is not None else None for x in event.inputs]

        def run(*xs: Any) -> Any:
            given = dict(zip(places, xs, strict=True))
            return op(*[given.get(k, x) for k, x in enumerate(inputs)], **node.settings)

        return _pulled(run, shapes, mask)
    if op.name == "max_pool":
        settings = {name: node.settings[name] for name in ("kernel", "stride", "padding", "dilation")}
        views = np.broadcast_to(mask[:, :, None, None], (*mask.shape[:2], *settings["kernel"], *mask.shape[2:]))
        return _pulled(lambda y: unfold(y, **settings, count=node.settings["size"]), shapes, views)
    return [np.full(shape if np.ndim(shape) == 1 else (), mask.any(), np.float64) for shape in shapes]


def _pulled(f: Any, shapes: Sequence[Sequence[int]], mask: Array) -> list[Array]:
    """The pullback of a function of ones, all of whose derivatives are 0, or far above a rounding error."""
    _, pull = vjp(f, *[np.ones(shape) for shape in shapes])
    return [(found.numpy() > 1e-9).astype(np.float64) for found in pull(wrap(np.array(mask, np.float64)))]


def _unbroadcast(mask: Array, shape: Sequence[int]) -> Array:
    """Which elements were repeated into the marked ones. Shapes: mask (..., N) -> shape, which broadcasts to it."""
    found = mask.max(axis=tuple(range(mask.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return np.asarray(found.max(axis=repeated, keepdims=True))
