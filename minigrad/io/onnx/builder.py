"""`Builder`: collects the nodes and weights of an ONNX graph, and gives them names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from minigrad.errors import UsageError
from minigrad.io.onnx import views
from minigrad.io.onnx.values import BATCH_SIZES, Call, Size, Value, same
from minigrad.io.onnx.views import Weight
from minigrad.typing import Array

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

INT64: Final = np.dtype(np.int64)


class Builder:
    """The graph in the making.

    Args:
        opset: the version of the operators.
        weights: parameters and buffers, each as its name and its array, by the identity of the array.
        inputs: the names of the graph's inputs, the first of which has the batch size.

    Attributes:
        nodes: what was emitted, in order.
        initializers: the constants, by name.
    """

    def __init__(self, opset: int, weights: Mapping[int, Weight], inputs: Sequence[str]) -> None:
        self.opset = opset
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self._weights, self._inputs = weights, inputs
        self._taken = {*(name for name, _ in weights.values()), *inputs}
        self._small: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._batch_size: str | None = None
        self._call: Call | None = None

    def begin(self, call: Call) -> None:
        """Let errors and names be of this call from now on."""
        self._call = call

    def emit(self, operator: str, *inputs: str, count: int | None = None, **attributes: Any) -> Any:
        """Add a node.

        Args:
            operator: its name.
            *inputs: the names of values; "" for one that is left out.
            count: the number of results; None (default) for one, whose name is given instead of a list.
            **attributes: those of the operator; None for one that is left out.

        Returns:
            The name of the result, or the names.
        """
        from onnx import helper

        outs = [self.unique(self._path(operator)) for _ in range(count or 1)]
        given = {name: value for name, value in attributes.items() if value is not None}
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        self.nodes.append(helper.make_node(operator, inputs, outs, name=outs[0], **given))
        return outs[0] if count is None else outs

    def _path(self, last: str) -> str:
        path = self._call.path if self._call is not None else ""
        return f"{path}.{last}" if path else last

    def unique(self, name: str) -> str:
        """The name, with a number behind it if it is taken, and taken from now on."""
        found, k = name, 1
        while found in self._taken:
            found, k = f"{name}_{k}", k + 1
        self._taken.add(found)
        return found

    # ---- values ----------------------------------------------------------------------------------------------

    def name(self, value: Value, dtype: np.dtype[Any] | None = None) -> str:
        """The name of a value, which is written as an initializer or cast if need be.

        Raises:
            UsageError: it is a constant that differs between the two runs.
        """
        dtype = value.dtype if dtype is None else np.dtype(dtype)
        if dtype.name not in value.names:
            if value.constant and not (value.trained and value.dtype.name in value.names):
                value.names[dtype.name] = self._constant_of(value, dtype)
            else:
                value.names[dtype.name] = self.cast(value.names[value.dtype.name], dtype)
        return value.names[dtype.name]

    def cast(self, name: str, dtype: np.dtype[Any]) -> str:
        """A value in another dtype."""
        from onnx import helper

        return str(self.emit("Cast", name, to=helper.np_dtype_to_tensor_dtype(dtype)))

    def _constant_of(self, value: Value, dtype: np.dtype[Any]) -> str:
        if not same(value.first, value.second):
            if value.shape != np.shape(value.second) and _uniform(value.first) and _uniform(value.second):
                number = self.constant(np.asarray(value.first).reshape(-1)[0].astype(dtype))
                return str(self.emit("Expand", number, self.shape(value.sizes)))
            self._refuse_changed()
        weight = self._weights.get(id(value.first))
        if weight is not None and dtype == value.dtype:
            return self._initializer(*weight)
        if dtype == value.dtype and (view := views.of_weight(value.first, self._weights.values())) is not None:
            name = self._initializer(*view.weight)
            if view.axes is not None:
                return str(self.emit("Transpose", name, perm=view.axes))
            return str(self.emit("Reshape", name, self.ints(value.shape)))
        return self.constant(np.asarray(value.first).astype(dtype))

    def _refuse_changed(self) -> NoReturn:
        why = (
            "a number or array that was another one in a second run with other inputs, and is no result of ops from "
            "these: it may be random, made by NumPy from values of a Tensor or by x[i] = y, or of the batch size"
        )
        way_out = "compute it with minigrad's ops from the model's inputs, or let it not change"
        if self._call is None:
            raise UsageError(f"ONNX: the model answers with {why}: {way_out}")
        self._call.refuse(f"uses {why}", way_out)

    def constant(self, array: Any, dtype: Any = None) -> str:
        """The name of a constant; small equal ones are the same."""
        array = np.asarray(array, dtype)
        key = (array.dtype.name, array.shape, array.tobytes() if array.size <= 64 else b"")
        if array.size > 64:
            return self._initializer(self.unique(self._path("constant")), array)
        if key not in self._small:
            self._small[key] = self._initializer(self.unique("constant"), array)
        return self._small[key]

    def like(self, value: Value, number: float) -> str:
        """A number in a value's dtype."""
        return self.constant(number, value.dtype)

    def ints(self, numbers: Iterable[int]) -> str:
        """A constant vector of integers."""
        return self.constant(list(numbers), INT64)

    def _initializer(self, name: str, array: Array) -> str:
        from onnx import numpy_helper

        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    # ---- inputs and results of a call --------------------------------------------------------------------------

    def x(self, call: Call, i: int = 0) -> str:
        """The name of an input; "" if it was left out."""
        value = call.inputs[i] if i < len(call.inputs) else None
        return "" if value is None else self.name(value)

    def operands(self, call: Call, dtype: np.dtype[Any] | None = None) -> list[str]:
        """The names of all inputs, in one dtype: the result's unless given."""
        return [self.name(value, dtype or call.out.dtype) for value in call.inputs if value is not None]

    def name_results(self, call: Call, names: Sequence[str]) -> None:
        """Remember what the results of a call are called."""
        for value, name in zip(call.outs, names, strict=True):
            value.names[value.dtype.name] = name

    def outputs(self, values: Mapping[str, Value]) -> list[str]:
        """Give values the names of outputs (which differ where one is taken), and leave out what no output needs.

        Args:
            values: the outputs by name.

        Returns:
            Their names.
        """
        self._call = None
        made = {name for node in self.nodes for name in node.output}
        renamed: dict[str, str] = {}
        names = []
        for wish, value in values.items():
            names.append(self.unique(wish))
            name = self.name(value)
            if name in made and name not in renamed:
                renamed[name] = names[-1]
            else:  # an input, a constant, or one output twice
                self.emit("Identity", name)
                renamed[self.nodes[-1].output[0]] = names[-1]
        for node in self.nodes:
            node.input[:] = [renamed.get(name, name) for name in node.input]
            node.output[:] = [renamed.get(name, name) for name in node.output]
        self._drop_unused(names)
        return names

    def _drop_unused(self, outputs: Iterable[str]) -> None:
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if not wanted.isdisjoint(node.output):
                kept.append(node)
                wanted.update(node.input)
        self.nodes = kept[::-1]
        self.initializers = {name: weight for name, weight in self.initializers.items() if name in wanted}

    # ---- sizes -------------------------------------------------------------------------------------------------

    def shape(self, sizes: Sequence[Size]) -> str:
        """A shape as a vector of integers, computed where it depends on the batch size."""
        if all(size.fixed for size in sizes):
            return self.ints(size.first for size in sizes)
        return str(self.emit("Concat", *[self._size(size) for size in sizes], axis=0))

    def _size(self, size: Size) -> str:
        if size.fixed:
            return self.ints([size.first])
        factor, remainder = divmod(size.second - size.first, BATCH_SIZES[1] - BATCH_SIZES[0])
        rest = size.first - factor * BATCH_SIZES[0]
        if remainder:
            raise UsageError(
                f"ONNX: {self._path('a size')} is {size.first} for {BATCH_SIZES[0]} samples and {size.second} for "
                f"{BATCH_SIZES[1]}, and so no multiple of the batch size: leave out dynamic_batch"
            )
        name = self._batch()
        if factor != 1:
            name = self.emit("Mul", name, self.ints([factor]))
        return self.emit("Add", name, self.ints([rest])) if rest else name

    def _batch(self) -> str:
        """The batch size: the first size of the first input."""
        if self._batch_size is None:
            self._batch_size = self.emit("Shape", self._inputs[0], start=0, end=1)
        return self._batch_size

    def reshape(self, name: str, sizes: Sequence[Size]) -> str:
        """A value in another shape; one size that depends on the batch is inferred."""
        if sum(not size.fixed for size in sizes) == 1 and all(size.first for size in sizes):
            return str(self.emit("Reshape", name, self.ints(size.first if size.fixed else -1 for size in sizes)))
        allow_zero = 1 if any(size == (0, 0) for size in sizes) else None
        return str(self.emit("Reshape", name, self.shape(sizes), allowzero=allow_zero))


def _uniform(x: Any) -> bool:
    """Whether all elements are one number."""
    array = np.asarray(x)
    return array.size > 0 and same(array, np.broadcast_to(array.reshape(-1)[0], array.shape))


def require_opset(opset: int, oldest: int, newest: int) -> None:
    """Refuse versions that are not written.

    Raises:
        UsageError: the opset is too old, or not known to the package onnx.
    """
    if not oldest <= opset <= newest:
        raise UsageError(
            f"ONNX: opset must be from {oldest} to {newest} (the newest of the installed onnx), got {opset}"
        )
