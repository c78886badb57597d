"""Containers that are lists: `Sequential`, whose modules are called one after the other, and `ModuleList`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, Self, overload

from minigrad.errors import UsageError
from minigrad.nn.module import Module


class ListContainer(Module):
    """Modules under their positions for names, and the methods of a list."""

    def _set_item(self, name: str, module: object) -> None:
        """Register a module, or say which item is none."""
        if not isinstance(module, Module):
            kind = type(self).__name__
            if isinstance(module, type) and issubclass(module, Module):
                name_of_class = module.__name__
                raise UsageError(
                    f"{kind}: item {name} is the class {name_of_class}: write {name_of_class}(), a layer of it"
                )
            raise UsageError(
                f"{kind}: item {name} is a {type(module).__name__}, not a Module: "
                f"{self._example()}, and write nn.Tanh() in place of tanh"
            )
        self.add_module(name, module)

    def _example(self) -> str:
        return f"write {type(self).__name__}([a, b])"

    def _replace_all(self, modules: list[Module]) -> None:
        """Hold these modules and no others, numbered anew."""
        for name, _ in list(self.named_children()):
            delattr(self, name)
        for i, module in enumerate(modules):
            self._set_item(str(i), module)
            rename(module, self._scope_name(str(i)))

    def _scope_name(self, name: str) -> str:
        """The name of a child in errors and graphs; the name of this module comes in front of it."""
        return name

    def __len__(self) -> int:
        return len(list(self.named_children()))

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module:
        children = dict(self.named_children())
        if isinstance(index, slice):
            return self._slice(dict(list(children.items())[index]))
        return children[self._name_at(index)]

    def _slice(self, children: Mapping[str, Module]) -> Module:
        """A container of some of the modules."""
        raise NotImplementedError

    def _name_at(self, index: int) -> str:
        names = [name for name, _ in self.named_children()]
        if not -len(names) <= index < len(names):
            raise IndexError(f"{type(self).__name__} of {len(names)} modules has no item {index}")
        return names[index]

    def __setitem__(self, index: int, module: Module) -> None:
        self._set_item(self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        self._replace_all(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end.

        Args:
            module: the new last item.

        Raises:
            UsageError: it is no Module.
        """
        self._set_item(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end.

        Args:
            modules: the new last items, in order.

        Raises:
            UsageError: it is no iterable, or an item is no Module.
        """
        if not isinstance(modules, Iterable):
            raise UsageError(
                f"{type(self).__name__}: {type(modules).__name__} is no list of modules: {self._example()}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module in front of another; the later ones get other names.

        Args:
            index: the position that the module has then; negative ones count from the end.
            module: the new item.

        Raises:
            UsageError: it is no Module.
        """
        modules = list(self)
        modules.insert(index, module)
        self._replace_all(modules)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take a module out; the later ones get other names.

        Args:
            index: its position; negative ones count from the end (default -1: the last one).

        Returns:
            The module.

        Raises:
            IndexError: there is no such position.
        """
        module = self[index]
        del self[index]
        return module

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)


class Sequential(ListContainer):
    """Modules called one after the other: y = m_k(... m_2(m_1(x))).

    It can be changed like a list. After a deletion or an insertion the names are the positions.

    Args:
        *modules: the modules, whose names are then their positions; or one dict of them, whose keys are their names.

    Shapes: x and the result as the first and the last module have them.

    Raises:
        UsageError: an item is no Module, or a key cannot be the name of one; when called, a module gives None to the
            next one.

    >>> from minigrad.nn import Linear, ReLU
    >>> Sequential(Linear(4, 3), ReLU())
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], Mapping) else None
        for name, module in named.items() if named is not None else enumerate(modules):
            check_name(self, str(name))
            self._set_item(str(name), module)

    def _example(self) -> str:
        return "write Sequential(a, b) in place of Sequential([a, b])"

    def _slice(self, children: Mapping[str, Module]) -> Sequential:
        numbered = all(name.isdigit() for name in children)
        return Sequential(*children.values()) if numbered else Sequential(children)

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def forward(self, x: Any) -> Any:  # as the modules have it
        """Shapes: x as the first module takes it -> as the last one gives it."""
        before = ""
        for name, module in self.named_children():
            if x is None and before:
                raise UsageError(
                    f"Sequential: {before} gave None to the next module: is there a return in its forward?"
                )
            x = module(x)
            before = f"{name} {type(module).__name__}"
        return x


class UncalledContainer(Module):
    """A container that is not called itself: its name is part of its modules' names."""

    def _set_name(self, name: str) -> None:
        super()._set_name(name)
        for key, child in self.named_children():
            rename(child, self._scope_name(key))

    def _scope_name(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name

    def forward(self, *inputs: object, **settings: object) -> NoReturn:
        """A container of this kind has no order of its own to compute in.

        Raises:
            UsageError: always.
        """
        kind = type(self).__name__
        raise UsageError(f"a {kind} only holds modules: call them one by one, or use nn.Sequential")


class ModuleList(UncalledContainer, ListContainer):
    """A list of modules that are called one by one; they are registered under their positions.

    It can be read and changed like a list.

    Args:
        modules: the items (default None: no items).

    Shapes: none, as the list itself cannot be called.

    Raises:
        UsageError: `modules` is no iterable, an item is no Module, or the list itself is called.

    >>> from minigrad.nn import Linear
    >>> layers = ModuleList([Linear(4, 4) for _ in range(3)])
    >>> len(layers), len(layers[1:]), [name for name, _ in layers.named_parameters()][:2]
    (3, 2, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self.extend(() if modules is None else modules)

    def _set_item(self, name: str, module: object) -> None:
        super()._set_item(name, module)
        assert isinstance(module, Module)
        rename(module, self._scope_name(name))

    def _slice(self, children: Mapping[str, Module]) -> ModuleList:
        names = [child._name for child in children.values()]
        part = ModuleList(children.values())
        for child, name in zip(part, names, strict=True):  # they stay where they are called
            rename(child, name)
        return part

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])


def rename(module: Module, name: str) -> None:
    """Give a module another name in place of its first one."""
    module.__dict__["_name"] = ""
    module._set_name(name)


def check_name(container: Module, name: str, noun: str = "module") -> None:
    """Refuse a name that cannot be part of a path, or that hides what every module has.

    Raises:
        UsageError: it is such a name.
    """
    if not isinstance(name, str) or not name or "." in name or hasattr(type(container), name) or name in _RESERVED:
        raise UsageError(
            f"{type(container).__name__}: {name!r} cannot be the name of a {noun}: it must be a text without dots "
            "that is not the name of something every module has"
        )


_RESERVED = frozenset(vars(Module()))
