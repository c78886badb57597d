"""`NumpyLayer`: a class with `forward` and `backward` whose gradients stand in attributes, as in books that teach.

class Affine:
    def __init__(self, W, b): ...
    def forward(self, x): ...
    def backward(self, dout): ...        # gives dx, and sets self.dW and self.db
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import Pull, as_tuple
from minigrad.testing.frameworks.signature import required_parameters
from minigrad.typing import Array, Function


class NumpyLayer:
    """A layer as a function of its inputs and, behind them, its parameters: `f(x, W, b)`.

    Each call works on a layer of its own, so that nothing is left over from another one.

    Args:
        layer: the class, or an object of it.
        grads: from the attribute of each parameter to that of its gradient, such as {"W": "dW"}.
        **given: what the class is made with, besides the parameters.

    Attributes:
        parameters: the parameters as arrays, where the layer has them before they are given.
        inputs: the names of what `forward` takes.

    Raises:
        UsageError: the layer has no `forward` or no `backward`.
    """

    def __init__(self, layer: Any, grads: Mapping[str, str], **given: Any) -> None:
        self.layer, self.grads, self.given = layer, dict(grads), given
        self.cls: Any = layer if inspect.isclass(layer) else type(layer)
        for method in ("forward", "backward"):
            if not callable(getattr(self.cls, method, None)):
                raise UsageError(
                    f"grads= is for a class with forward and backward, and {self.cls.__name__} has no {method}"
                )
        shown = "".join(f", {name}={value!r}" for name, value in given.items())
        self.__name__ = f"laws.layer({self.cls.__name__}, {self.grads!r}{shown})"
        self.inputs = required_parameters(getattr(self.cls, "forward"))[1:]  # noqa: B009  (a type may have none)
        self.framework = NumpyLayers()
        self.parameters: dict[str, Array] = {}
        if not self.takes_parameters:
            made = self._made({})
            self.parameters = {name: np.asarray(getattr(made, name)) for name in self.grads}

    @property
    def takes_parameters(self) -> bool:
        """Whether the class is made with its parameters."""
        return inspect.isclass(self.layer) and set(self.grads) <= set(required_parameters(self.cls))

    def __call__(self, *inputs: Any) -> Any:
        """The layer's result for these inputs and parameters."""
        return self.run(inputs)[0]

    def run(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        """The result, and the layer that has computed it.

        Args:
            inputs: inputs and parameters.
        """
        count = len(inputs) - len(self.grads)
        parameters = dict(zip(self.grads, inputs[count:], strict=True))
        made = self._made(parameters if self.takes_parameters else {})
        for name, value in parameters.items():
            setattr(made, name, value)
        return made.forward(*inputs[:count]), made

    def _made(self, parameters: Mapping[str, Any]) -> Any:
        return self.layer(**self.given, **parameters) if inspect.isclass(self.layer) else copy.deepcopy(self.layer)

    def argument_names(self, count: int) -> list[str]:
        """The names of inputs and parameters.

        Args:
            count: how many there are.
        """
        return [*self.input_names(count - len(self.grads)), *self.grads]

    def input_names(self, count: int) -> list[str]:
        """The names of inputs.

        Args:
            count: how many there are.
        """
        return self.inputs if count == len(self.inputs) else [f"x{k}" for k in range(count)]


class NumpyLayers(Framework):
    """Layers of NumPy arrays; what they draw from NumPy's global generator is the same in each call."""

    name: ClassVar[str] = "NumPy class"
    value_type = np.ndarray
    hands_out_views: ClassVar[bool] = False

    def constant(self, x: Array) -> Array:
        """The array itself."""
        return x

    def array(self, value: Any) -> Array:
        """The array itself, or that of numbers."""
        return np.asarray(value)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run a NumpyLayer; its `backward` and its attributes pull back."""
        assert isinstance(f, NumpyLayer)
        out, _ = f.run(args)
        several = isinstance(out, (tuple, list))

        def pull(cotangents: Sequence[Array]) -> Sequence[Any]:
            _, layer = f.run(args)
            found = as_tuple(layer.backward(tuple(cotangents) if several else cotangents[0]))
            return [*found, *[getattr(layer, name) for name in f.grads.values()]]

        return as_tuple(out), pull

    def rules(self, x: object) -> Sequence[Function]:
        """The layer's `backward`."""
        return [x.cls.backward] if isinstance(x, NumpyLayer) else []

    @contextmanager
    def context(self) -> Iterator[None]:
        """The same random numbers in each call, and none taken from anyone else."""
        before = np.random.get_state()
        np.random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(before)
