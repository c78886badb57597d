"""Receptive fields: the pixels that a unit depends on, and how strongly it depends on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

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
from minigrad.typing import Array, ArrayLike, Function, Shape, Value
from minigrad.viz.activations import Unit, as_images, evaluating, layer_output, unit_index

ELEMENTWISE: Final = frozenset(
    {"alias", "astype", "where", "leaky_relu", "prelu", "hardtanh", "elu", "celu", "selu", "softplus", "softshrink",
     "hardshrink", "threshold", "clip"}
)  # fmt: skip
"""Ops that work element by element and are no UnaryOp or BinaryOp, because they have settings."""

LINEAR: Final = frozenset(
    {"reshape", "permute_dims", "broadcast_to", "sum_to", "concat", "getitem", "pad", "flip", "roll", "sum", "mean",
     "avg_pool", "unfold", "fold", "diagonal", "resample", "conv", "conv_input", "matmul", "linear", "einsum"}
)  # fmt: skip
"""Ops that are linear in each input: with ones for weights, their rules tell which elements depend on which."""


class Box(NamedTuple):
    """A rectangle of pixels: rows from `top` to before `bottom`, columns from `left` to before `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left


def receptive_field(model: Module, shape: Sequence[int], layer: str, unit: Unit | None = None) -> Box:
    """Compute the smallest box around all pixels that a unit depends on, whatever the weights are.

    A blank image runs through the model, and what the unit depends on is followed back op by op: the result of a
    convolution or pooling depends on its window, that of an elementwise op on its element, those of shortcuts and
    branches on all that they combine. The result of an op about which nothing is known depends on everything.

    Args:
        model: the network; it runs in evaluation mode, and is left as it was.
        shape: the shape (C, H, W) of an image.
        layer: the path of a layer.
        unit: (row, column) in the layer's output, or (channel, row, column); of a linear layer, the number of the unit
            (default: None, the middle of the output).

    Returns:
        The box, without what lies in a padding.

    Raises:
        UsageError: there is no such layer or unit, or the unit depends on no pixel.
        ShapeError: the shape is not that of an image.

    >>> from minigrad import nn
    >>> receptive_field(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)), (1, 9, 9), "2", (1, 0))
    Box(top=1, left=0, bottom=6, right=5)
    """
    if len(shape) != 3:
        raise ShapeError(f"receptive_field: shape is that of an image, (C, H, W), got {tuple(shape)}")
    dtypes = [parameter.dtype for parameter in model.parameters()]
    x = Tensor(np.zeros((1, *shape), dtypes[0] if dtypes else np.float32), requires_grad=True)
    with evaluating(model, record=True), trace() as events:
        output = layer_output(model, x, layer, "receptive_field")
    mask = np.zeros(output.shape)
    mask[(0, *_unit_indices(output.shape[1:], unit, "receptive_field"))] = 1
    with no_grad():
        pixels: Array = np.any(_depends_on(output, mask, x, events), axis=(0, 1))
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not rows.size:
        raise UsageError(f"receptive_field: this unit of {layer!r} depends on no pixel, only on padding or constants")
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def effective_field(model: Module, images: ArrayLike, layer: str, unit: Unit | None = None) -> Array:
    """Compute the effective receptive field: the mean size of a unit's gradient at each pixel.

        out[h,w] = mean over n, k of  sum_c |d maps[n,k,i,j] / d images[n,c,h,w]|

    Args:
        model: the network; it runs in evaluation mode, and is left as it was.
        images: the images at which the gradients are taken, (N, C, H, W) or (C, H, W): digits, photographs, or noise.
            Max pooling and ReLU pass only a part of a gradient, so many images show more.
        layer: the path of a layer.
        unit: as for `receptive_field` (default: None, the middle). Without a channel the mean is over all channels,
            with a backward pass for each.

    Returns:
        The field (H, W), with values from 0 on.

    Raises:
        UsageError: there is no such layer or unit, or the images are no floating numbers.
        ShapeError: the images have other dimensions.

    Source: Luo et al. 2016, "Understanding the effective receptive field in deep convolutional neural networks",
    arXiv:1701.04128.
    """
    x, _ = as_images(images, "effective_field")
    with evaluating(model):
        output, pull = vjp(lambda x: layer_output(model, x, layer, "effective_field"), x)
        index = _unit_indices(output.shape[1:], unit, "effective_field")
        channels = range(*index[0].indices(output.shape[1])) if isinstance(index[0], slice) else [index[0]]
        total = np.zeros(x.shape[2:], np.float64)
        for channel in channels:
            seed = np.zeros(output.shape, output.dtype)
            seed[(slice(None), channel, *index[1:])] = 1
            total += np.abs(pull(wrap(seed))[0].numpy()).sum(axis=(0, 1), dtype=np.float64)
    return np.asarray(total / (len(x) * len(channels)))


def _unit_indices(shape: Shape, unit: Unit | None, caller: str) -> tuple[int | slice, ...]:
    """The indices of a unit, a slice for all channels. Shapes: shape without N."""
    if unit is None:
        unit = tuple(n // 2 for n in shape[1:]) if len(shape) == 3 else shape[0] // 2
    if len(shape) == 3 and isinstance(unit, (tuple, list)) and len(unit) == 2:
        return (slice(None), *unit_index((0, *unit), shape, caller)[1:])
    index = unit_index(unit, shape, caller)
    if len(index) != len(shape):
        raise UsageError(
            f"{caller}: a unit of maps has a row and a column, too: (row, column) or (channel, row, column)"
        )
    return index


# ---- which elements depend on which ----------------------------------------------------------------------------


def _depends_on(output: Tensor, mask: Array, x: Tensor, events: Trace) -> Array:
    """The elements of x that the marked elements of the output depend on. Shapes: mask as output -> as x."""
    assert x.node is not None
    nothing = np.zeros(x.shape, bool)
    if output.node is None:
        return nothing
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
        positions = [k for k, parent in enumerate(node.parents) if parent in behind]
        for k, there in zip(positions, _marked_inputs(node, positions, events.of.get(node), marked), strict=True):
            parent = node.parents[k]
            assert parent is not None
            reached[parent] = np.maximum(reached[parent], there) if parent in reached else there
    return np.asarray(reached[x.node] > 0) if x.node in reached else nothing


def _marked_inputs(node: Node, positions: Sequence[int], event: Event | None, mask: Array) -> list[Array]:
    """For each of these inputs, the elements that the marked elements of an op's result depend on."""
    op = node.op
    assert op is not None
    shapes = [parent.shape for k, parent in enumerate(node.parents) if parent is not None and k in positions]
    if isinstance(op, (UnaryOp, BinaryOp)) or op.name in ELEMENTWISE:
        return [_unbroadcast(mask, shape) for shape in shapes]
    if event is not None and op.name in LINEAR:
        inputs = [np.ones(np.shape(x)) if x is not None else None for x in event.inputs]

        def run(*xs: Value) -> Value:
            given = dict(zip(positions, xs, strict=True))
            return op(*[given.get(k, x) for k, x in enumerate(inputs)], **node.settings)

        return _pulled(run, shapes, mask)
    if op.name == "max_pool":
        settings = {name: node.settings[name] for name in ("kernel", "stride", "padding", "dilation")}
        kernel = settings["kernel"]
        views = np.broadcast_to(
            np.expand_dims(mask, tuple(range(2, 2 + len(kernel)))), (*mask.shape[:2], *kernel, *mask.shape[2:])
        )
        return _pulled(lambda y: unfold(y, **settings, count=node.settings["size"]), shapes, views)
    return [np.full(shape if np.ndim(shape) == 1 else (), mask.any(), np.float64) for shape in shapes]


def _pulled(f: Function, shapes: Sequence[Shape], mask: Array) -> list[Array]:
    """The elements with a derivative that is not 0: at ones, derivatives are 0 or far above a rounding error."""
    _, pull = vjp(f, *[np.ones(shape) for shape in shapes])
    return [(found.numpy() > 1e-9).astype(np.float64) for found in pull(wrap(np.array(mask, np.float64)))]


def _unbroadcast(mask: Array, shape: Shape) -> Array:
    """The elements that were broadcast to the marked ones. Shapes: mask (..., N) -> shape."""
    found = mask.max(axis=tuple(range(mask.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return np.asarray(found.max(axis=repeated, keepdims=True))
