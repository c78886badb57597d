"""The arguments and results of a compiled call: taken apart, told from those of other calls, and put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.node import STATE, Leaf, Node
from minigrad.autograd.tensor import Tensor, default_dtype, wrap
from minigrad.compilation.guards import SCALARS, scalar_key
from minigrad.compilation.program import Constant, Nested, Ref
from minigrad.kernels.jit import is_numpy_only
from minigrad.nn import Module
from minigrad.typing import Array


class NoProgramError(Exception):
    """Why a call can have no program."""


class Output(NamedTuple):
    """A Tensor among the results: its value, and the node behind it, freed, if it had one."""

    value: Any
    node: Node | None


class Number(NamedTuple):
    """A Python number among the results: the value that it is read from."""

    value: Ref


class Given(NamedTuple):
    """A result that is one of the arguments itself, by the number of the leaf."""

    leaf: int


class Arguments:
    """The arguments of one call.

    Arrays among them become Tensors (of the same memory): what a function does with an array would not be seen.

    Attributes:
        args, settings: as the function gets them.
        leaves: what stands in the containers.
        key: tells calls apart that need programs of their own; None where there can be none.
        objects: leaves that are neither Tensors nor scalars, by name.
    """

    def __init__(self, args: tuple[Any, ...], settings: dict[str, Any]) -> None:
        self.leaves: list[Any] = []
        self.objects: dict[str, object] = {}
        self._structure: list[Any] = [STATE.recorder is None, default_dtype(), is_numpy_only()]
        self._recorded = False
        self._first: dict[int, int] = {}  # by the id of an array: the first leaf that it is the values of
        self._rebuilt: list[tuple[Any, Any, list[Any]]] = []  # what had arrays in it, what the function gets, its parts
        self.args: tuple[Any, ...] = tuple([self._taken(x, f"argument {k}") for k, x in enumerate(args)])
        self.settings = {name: self._taken(x, name) for name, x in settings.items()}
        self._structure.append(tuple(settings))
        self.key = None if self._recorded else tuple(self._structure)

    @property
    def tensors(self) -> list[Tensor | None]:
        """The leaves that are Tensors, None for the others."""
        return [x if type(x) is Tensor else None for x in self.leaves]

    def _taken(self, x: Any, name: str) -> Any:
        if isinstance(x, np.ndarray):
            x = wrap(x.view(np.ndarray))
        if type(x) is Tensor:
            node, data = x.node, x._data
            self._recorded |= (node is not None and type(node) is not Leaf) or type(data) is not np.ndarray
            first = self._first.setdefault(id(data), len(self.leaves))
            self._structure.append((data.shape, data.dtype, getattr(data, "strides", None), node is None, first))
            self.leaves.append(x)
            return x
        if type(x) in (tuple, list):
            self._structure.append((type(x), len(x)))
            parts = [self._taken(part, name) for part in x]
            return x if all(map(is_, parts, x)) else self._instead_of(x, type(x)(parts))
        if type(x) is dict:
            self._structure.append((dict, tuple(x)))
            items = {key: self._taken(part, f"{name}[{key!r}]") for key, part in x.items()}
            return x if all(map(is_, items.values(), x.values())) else self._instead_of(x, items)
        self.leaves.append(x)
        if x is None or isinstance(x, SCALARS):
            self._structure.append((type(x), scalar_key(x)))
        else:
            self._structure.append((type(x), id(x)))
            self.objects[name] = x
        return x

    def _instead_of(self, original: Any, container: Any) -> Any:
        self._rebuilt.append((original, container, _flat(container)))
        return container

    def shared_with(self, tensors: Mapping[Tensor, str]) -> list[Tensor | None]:
        """For each leaf: the Tensor of those that it is, or whose values it holds."""
        holders = {id(x._data): x for x in tensors}
        return [None if x is None else holders.get(id(x._data)) for x in self.tensors]

    def changed(self) -> bool:
        """Whether the function has changed the containers that it was given."""
        now = Arguments(self.args, self.settings)
        return now.key != self.key or not all(map(is_, now.leaves, self.leaves))

    def give_back(self) -> None:
        """Let changes of rebuilt containers be seen where the call comes from."""
        for original, container, before in self._rebuilt:
            now = _flat(container)
            if len(now) == len(before) and all(map(is_, now, before)):
                continue
            original.clear()
            original.extend(container) if type(original) is list else original.update(container)


def _flat(container: Any) -> list[Any]:
    return [*container, *container.values()] if type(container) is dict else [*container]


def described(
    outputs: Any, arguments: Arguments, known: dict[Tensor, str], number_of: Callable[[Array], int],
    numbers: dict[int, tuple[float, int]],
) -> Nested:  # fmt: skip
    """What a call returned, with references for its Tensors, and for numbers, which are taken out of `numbers`.

    Raises:
        NoProgramError: it is something that no program can return.
    """
    if type(outputs) is Tensor:
        for k, leaf in enumerate(arguments.leaves):
            if leaf is outputs:
                return Given(k)
        if outputs in known:
            return Constant(outputs)
        node = outputs.node
        if node is not None and node.saved is not None:
            raise NoProgramError(
                "it returns a recorded Tensor, whose graph would be missing: call backward() inside, or the function "
                "inside of no_grad(), or return x.detach()"
            )
        return Output(Ref(number_of(outputs._data)), node)
    if type(outputs) in (tuple, list):
        return type(outputs)([described(part, arguments, known, number_of, numbers) for part in outputs])
    if type(outputs) is dict:
        return {key: described(part, arguments, known, number_of, numbers) for key, part in outputs.items()}
    if id(outputs) in numbers:
        return Number(Ref(numbers.pop(id(outputs))[1]))
    if outputs is None or isinstance(outputs, (*SCALARS, Module, type)) or callable(outputs):
        return Constant(outputs)
    raise NoProgramError(f"it returns a {type(outputs).__name__}: return Tensors, in dicts, lists and tuples")


def freed(node: Node | None) -> Node | None:
    """A node such as a backward pass leaves behind: what is computed from it cannot be differentiated any more."""
    if node is None:
        return None
    again = Node.__new__(Node)
    again.plan, again.parents, again.saved, again.settings = node.plan, (), None, node.settings
    again.shape, again.dtype, again.order, again.scope = node.shape, node.dtype, node.order, node.scope
    return again
