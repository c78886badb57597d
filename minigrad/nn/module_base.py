"""What a module consists of: its attributes, registered by what they are, and the tree of its submodules.

    parameter               a Tensor that requires gradients: it is trained
    buffer                  a Tensor that belongs to the state but is not trained, such as a running mean
    non-persistent buffer   a buffer that the state dict leaves out, because it can be made again
    module                  a submodule

What `forward` assigns and what had been made before the call, an input kept for inspection for instance, is data: it
is none of these. What is made within the call is registered like anywhere else.

The attribute names joined by dots are the paths (`hidden.weight`) that state dicts, errors, graphs and tables use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Literal, Self, TypeVar, cast

from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.nn.attribute import CONTAINERS, check_container, check_hides_no_method, is_variable, running_call
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import ArrayLike

Kind = Literal["parameter", "buffer", "non-persistent buffer", "module"]
M = TypeVar("M", bound="ModuleBase[Any]")
"""The class of submodules: `Module`, which the next file makes of this one."""

PARAMETERS: tuple[Kind, ...] = ("parameter",)
BUFFERS: tuple[Kind, ...] = ("buffer", "non-persistent buffer")
STATE: tuple[Kind, ...] = ("parameter", "buffer")


def Parameter(data: ArrayLike) -> Tensor:
    """A variable for a module to train: a Tensor that requires gradients.

    Args:
        data: its values, in any shape; numbers and lists get the default dtype.

    Returns:
        A Tensor in the shape of `data`.

    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """
    return Tensor(data, requires_grad=True)


class ModuleBase(ExplainedKeywords, Generic[M]):
    """The registers of a module, and the ways through the tree of its submodules."""

    _kinds: dict[str, Kind]
    _name: str

    def __new__(cls, *args: object, **given: object) -> Self:
        """Make the registers before `__init__` runs, so that no subclass has to call super().__init__()."""
        module = super().__new__(cls, *args, **given)
        module.__dict__.update(_kinds={}, _name="", _hooks=None, training=True)
        return module

    # ---- registering -----------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: object) -> None:
        kind = self._kinds.get(name)
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
            return
        if isinstance(value, (ModuleBase, Tensor)) or not callable(value):
            check_hides_no_method(self, name, value)
        if kind is None and self._is_data(value):
            pass
        elif isinstance(value, ModuleBase):
            self._kinds[name] = "module"
            value._set_name(name)
        elif is_variable(value):
            self._kinds[name] = "parameter"
        elif isinstance(value, Tensor) and kind == "parameter":
            raise UsageError(
                f"{type(self).__name__}.{name} is a parameter, and can only be replaced by another variable: assign "
                f"nn.Parameter(values) to train the new values, or assign values to {name}.data"
            )
        elif kind in BUFFERS and not (value is None or isinstance(value, Tensor)):
            raise UsageError(
                f"{type(self).__name__}.{name} is a buffer, and can only be replaced by a Tensor or None, "
                f"not by a {type(value).__name__}: assign minigrad.Tensor(values)"
            )
        elif isinstance(value, CONTAINERS):
            check_container(self, name, value, ModuleBase)
            self._kinds.pop(name, None)
        elif value is not None and (not isinstance(value, Tensor) or kind == "module"):
            self._kinds.pop(name, None)
        self.__dict__[name] = value

    def _is_data(self, value: object) -> bool:
        """Whether a module or variable is only kept: assigned while this module runs, and not made in that call."""
        call = running_call(self)
        if call is None:
            return False
        if isinstance(value, ModuleBase):
            return value._name != ""
        return isinstance(value, Tensor) and isinstance(value.node, Leaf) and value.node.order < call.began

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._kinds.pop(name, None)

    def _set_name(self, name: str) -> None:
        """Learn the name of the attribute that holds this module. One that is shared keeps its first name."""
        self.__dict__["_name"] = self._name or name

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Keep a Tensor that belongs to the state but is not trained, such as a running mean.

        Args:
            name: of the attribute.
            value: the Tensor, in any shape; None keeps its place.
            persistent: whether the state dict has it (default True).

        Raises:
            UsageError: the value is neither a Tensor nor None, or a method has the name.
        """
        if value is not None and not isinstance(value, Tensor):
            raise UsageError(
                f"{type(self).__name__}: the buffer {name!r} must be a Tensor or None, not a {type(value).__name__}"
            )
        check_hides_no_method(self, name, value)
        self._kinds[name] = "buffer" if persistent else "non-persistent buffer"
        self.__dict__[name] = value

    def register_parameter(self, name: str, value: Tensor | None) -> None:
        """Keep a parameter under a name that may be computed.

        Args:
            name: of the attribute.
            value: a Tensor that requires gradients, in any shape; None keeps its place.

        Raises:
            UsageError: the value is no variable, or a method has the name.
        """
        if value is not None and not is_variable(value):
            raise UsageError(
                f"{type(self).__name__}: {name!r} must be a variable to be a parameter: use nn.Parameter(values)"
            )
        check_hides_no_method(self, name, value)
        self._kinds[name] = "parameter"
        self.__dict__[name] = value

    def add_module(self, name: str, module: M | None) -> None:
        """Keep a submodule under a name that may be computed.

        Args:
            name: of the attribute.
            module: the submodule; None keeps its place.

        Raises:
            UsageError: a method has the name.
        """
        setattr(self, name, module)

    # ---- the tree --------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, M]]:
        """The direct submodules with their attribute names."""
        names = [name for name, kind in self._kinds.items() if kind == "module"]
        return ((name, self.__dict__[name]) for name in names if self.__dict__[name] is not None)

    def children(self) -> Iterator[M]:
        """The direct submodules."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "", *, once: bool = True) -> Iterator[tuple[str, M]]:
        """This module and all below it with their paths, parents before children.

        Args:
            prefix: the path of this module itself (default "").
            once: whether a module that is shared comes once, under its first path (default True), or under each path.
        """
        stack: list[tuple[str, M, tuple[M, ...]]] = [(prefix, cast("M", self), ())]
        seen = set()
        while stack:
            path, module, ancestors = stack.pop()
            if (once and module in seen) or module in ancestors:
                continue
            seen.add(module)
            for name, value in module.__dict__.items():
                if name != "_kinds" and isinstance(
                    value, CONTAINERS
                ):  # something may have been added to it since it was assigned
                    check_container(module, name, value, ModuleBase)
            yield path, module
            lineage = (*ancestors, module)
            below = [(f"{path}.{name}" if path else name, child, lineage) for name, child in module.named_children()]
            stack += reversed(below)

    def modules(self) -> Iterator[M]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def _named_tensors(
        self, kinds: tuple[Kind, ...], *, once: bool, recurse: bool = True, prefix: str = ""
    ) -> Iterator[tuple[str, Tensor]]:
        seen = set()
        for path, module in self.named_modules(prefix, once=once) if recurse else [(prefix, self)]:
            for name, kind in list(module._kinds.items()):
                tensor = module.__dict__[name]
                if kind in kinds and tensor is not None and not (once and tensor in seen):
                    seen.add(tensor)
                    yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """All parameters with their paths; one that is shared comes once, under its first path.

        Args:
            prefix: comes in front of each path, with a dot (default "").
            recurse: whether those of submodules come too (default True).
        """
        return self._named_tensors(PARAMETERS, once=True, recurse=recurse, prefix=prefix)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """All parameters, each once.

        Args:
            recurse: whether those of submodules come too (default True).
        """
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths, those that the state dict leaves out too.

        Args:
            prefix: comes in front of each path, with a dot (default "").
            recurse: whether those of submodules come too (default True).
        """
        return self._named_tensors(BUFFERS, once=True, recurse=recurse, prefix=prefix)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once.

        Args:
            recurse: whether those of submodules come too (default True).
        """
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    # ---- by path ---------------------------------------------------------------------------------------------

    def get_submodule(self, path: str) -> M:
        """The module at a path.

        Args:
            path: names joined by dots, such as "features.3"; an empty path is this module.

        Raises:
            UsageError: there is none.
        """
        module = cast("M", self)
        for name in path.split(".") if path else ():
            children = dict(module.named_children())
            if name not in children:
                known = ", ".join(children) or "no submodules"
                raise UsageError(f"{type(self).__name__} has no module {path!r}: {type(module).__name__} has {known}")
            module = children[name]
        return module

    def get_parameter(self, path: str) -> Tensor:
        """The parameter at a path.

        Args:
            path: names joined by dots, such as "features.3.weight".

        Raises:
            UsageError: there is none.
        """
        return self._tensor_at(path, PARAMETERS, "parameter")

    def get_buffer(self, path: str) -> Tensor:
        """The buffer at a path.

        Args:
            path: names joined by dots, such as "norm.running_mean".

        Raises:
            UsageError: there is none.
        """
        return self._tensor_at(path, BUFFERS, "buffer")

    def _tensor_at(self, path: str, kinds: tuple[Kind, ...], noun: str) -> Tensor:
        parent, _, name = path.rpartition(".")
        tensors = dict(self.get_submodule(parent)._named_tensors(kinds, once=True, recurse=False))
        if name not in tensors:
            known = ", ".join(tensors) or f"no {noun}s"
            raise UsageError(f"{type(self).__name__} has no {noun} {path!r}: its owner has {known}")
        return tensors[name]
