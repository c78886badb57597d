"""What a module consists of: each part is registered under its attribute's name, by what it is.

    parameter   a Tensor that requires gradients: it is trained
    buffer      a Tensor that belongs to the state but is not trained, such as a running mean
    transient   a buffer that the state leaves out, because it can be made again
    module      a submodule

The attribute names joined by dots are the paths (`hidden.weight`) that state dicts, errors, graphs and tables use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError

if TYPE_CHECKING:
    from minigrad.nn.module import Module

Kind = Literal["parameter", "buffer", "transient", "module"]


def Parameter(data: Any) -> Tensor:
    """A variable for a module to train: a Tensor that requires gradients."""
    return Tensor(data, requires_grad=True)


class Parts:
    """The registers of a module, and the ways through the tree of its submodules."""

    _kinds: dict[str, Kind]
    _name: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the registers before `__init__` runs, so that no subclass has to call super().__init__()."""
        module = super().__new__(cls)
        module.__dict__.update(_kinds={}, _name="", _hooks=None, training=True)
        return module

    # ---- registering -----------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        kind = self._kinds.get(name)
        if isinstance(value, Parts):
            self._kinds[name] = "module"
            value._named(name)
        elif _is_variable(value):
            self._kinds[name] = "parameter"
        elif isinstance(value, Tensor) and kind == "parameter":
            raise UsageError(
                f"{type(self).__name__}.{name} is a parameter, and can only be replaced by another variable: assign "
                f"nn.Parameter(values) to train the new values, or assign values to {name}.data"
            )
        elif kind in ("buffer", "transient") and not (value is None or isinstance(value, Tensor)):
            raise UsageError(
                f"{type(self).__name__}.{name} is a buffer, and can only be replaced by a Tensor or None, "
                f"not by a {type(value).__name__}: assign minigrad.Tensor(values)"
            )
        elif (remedy := _remedy(value)) is not None:
            raise UsageError(
                f"{type(self).__name__}.{name}: modules and parameters in a {type(value).__name__} would not be "
                f"found, nor trained: {remedy}"
            )
        elif value is not None and (not isinstance(value, Tensor) or kind == "module"):
            self._kinds.pop(name, None)
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._kinds.pop(name, None)

    def _named(self, name: str) -> None:
        """Learn the name of the attribute that holds this module. One that is shared keeps its first name."""
        self.__dict__["_name"] = self._name or name

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Keep a Tensor that belongs to the state but is not trained, such as a running mean.

        With persistent=False, the state dict leaves it out.
        """
        if value is not None and not isinstance(value, Tensor):
            raise UsageError(
                f"{type(self).__name__}: the buffer {name!r} must be a Tensor or None, not a {type(value).__name__}"
            )
        self._kinds[name] = "buffer" if persistent else "transient"
        self.__dict__[name] = value

    def register_parameter(self, name: str, value: Tensor | None) -> None:
        """Keep a parameter under a name that may be computed; None keeps its place."""
        if value is not None and not _is_variable(value):
            raise UsageError(
                f"{type(self).__name__}: {name!r} must be a variable to be a parameter: use nn.Parameter(values)"
            )
        self._kinds[name] = "parameter"
        self.__dict__[name] = value

    def add_module(self, name: str, module: Module | None) -> None:
        """Keep a submodule under a name that may be computed."""
        setattr(self, name, module)

    # ---- the tree --------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their attribute names."""
        names = [name for name, kind in self._kinds.items() if kind == "module"]
        return ((name, self.__dict__[name]) for name in names if self.__dict__[name] is not None)

    def children(self) -> Iterator[Module]:
        """The direct submodules."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "", *, once: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, parents before children.

        One that is shared comes once, under its first path, or with once=False under each path.
        """
        waiting: list[tuple[str, Parts, tuple[Parts, ...]]] = [(prefix, self, ())]
        seen = set()
        while waiting:
            path, module, above = waiting.pop()
            if (once and module in seen) or module in above:
                continue
            seen.add(module)
            yield path, cast("Module", module)
            outer = (*above, module)
            below = [(f"{path}.{name}" if path else name, child, outer) for name, child in module.named_children()]
            waiting += reversed(below)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def _named_tensors(
        self, kinds: tuple[Kind, ...], *, once: bool, recurse: bool = True, prefix: str = ""
    ) -> Iterator[tuple[str, Any]]:
        seen = set()
        for path, module in self.named_modules(prefix, once=once) if recurse else [(prefix, self)]:
            for name, kind in list(module._kinds.items()):
                tensor = module.__dict__[name]
                if kind in kinds and tensor is not None and not (once and tensor in seen):
                    seen.add(tensor)
                    yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """All parameters with their paths; one that is shared comes once, under its first path.

        The prefix and a dot come in front of each path. With recurse=False, only those of this module itself.
        """
        return self._named_tensors(("parameter",), once=True, recurse=recurse, prefix=prefix)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """All parameters, each once; with recurse=False, only those of this module itself."""
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths, those that the state leaves out too."""
        return self._named_tensors(("buffer", "transient"), once=True, recurse=recurse, prefix=prefix)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    # ---- by path ---------------------------------------------------------------------------------------------

    def get_submodule(self, path: str) -> Module:
        """The module at a path such as "features.3"; an empty path is this module.

        Raises:
            UsageError: there is none.
        """
        module: Any = self
        for name in path.split(".") if path else ():
            children = dict(module.named_children())
            if name not in children:
                known = ", ".join(children) or "no submodules"
                raise UsageError(f"{type(self).__name__} has no module {path!r}: {type(module).__name__} has {known}")
            module = children[name]
        return cast("Module", module)

    def get_parameter(self, path: str) -> Tensor:
        """The parameter at a path such as "features.3.weight".

        Raises:
            UsageError: there is none.
        """
        return self._tensor_at(path, ("parameter",), "parameter")

    def get_buffer(self, path: str) -> Tensor:
        """The buffer at a path such as "norm.running_mean".

        Raises:
            UsageError: there is none.
        """
        return self._tensor_at(path, ("buffer", "transient"), "buffer")

    def _tensor_at(self, path: str, kinds: tuple[Kind, ...], word: str) -> Tensor:
        owner, _, name = path.rpartition(".")
        own = dict(self.get_submodule(owner)._named_tensors(kinds, once=True, recurse=False))
        if name not in own:
            known = ", ".join(own) or f"no {word}s"
            raise UsageError(f"{type(self).__name__} has no {word} {path!r}: its owner has {known}")
        return cast("Tensor", own[name])


def _is_variable(value: Any) -> bool:
    return isinstance(value, Tensor) and isinstance(value.node, Leaf)


def _remedy(value: Any) -> str | None:
    """What to use in place of a list or dict, if parts in it would be lost."""
    if not isinstance(value, (list, tuple, dict)) or not _holds_parts(value):
        return None
    return "use nn.ModuleDict, or an attribute for each" if isinstance(value, dict) else (
        "use nn.ModuleList or nn.Sequential, or an attribute for each"
    )  # fmt: skip


def _holds_parts(value: Any) -> bool:
    """Whether there are modules or variables in a list or dict, or in those in it."""
    inside = value.values() if isinstance(value, dict) else value
    return any(
        _holds_parts(part) if isinstance(part, (list, tuple, dict)) else isinstance(part, Parts) or _is_variable(part)
        for part in inside
    )
