"""Containers: modules in a row, in a list, or by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, Self, cast, overload

from minigrad.errors import UsageError
from minigrad.nn.module import Module


class _Row(Module):
    """Modules under their positions for names, and what lists can do."""

    def _put(self, name: str, module: Any) -> None:
        """Keep a module; the positions in messages are those in the attributes."""
        if not isinstance(module, Module):
            kind = type(self).__name__
            raise UsageError(
                f"{kind}: item {name} is a {type(module).__name__}, not a Module: "
                f"{self._example()}, and write nn.Tanh() in place of tanh"
            )
        self.add_module(name, module)

    def _example(self) -> str:
        return f"write {type(self).__name__}([a, b])"

    def _fill(self, modules: list[Any]) -> None:
        """Hold these modules and no others, numbered anew."""
        for name, _ in list(self.named_children()):
            delattr(self, name)
        for i, module in enumerate(modules):
            self._put(str(i), module)
            _rename(module, self._path_of(str(i)))

    def _path_of(self, name: str) -> str:
        """How the scope of a child is called; the scope of this module comes in front of it."""
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
            return self._part(dict(list(children.items())[index]))
        return children[self._name_at(index)]

    def _part(self, children: Mapping[str, Module]) -> Module:
        raise NotImplementedError

    def _name_at(self, index: int) -> str:
        names = [name for name, _ in self.named_children()]
        if not -len(names) <= index < len(names):
            raise IndexError(f"{type(self).__name__} of {len(names)} modules has no item {index}")
        return names[index]

    def __setitem__(self, index: int, module: Module) -> None:
        self._put(self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        self._fill(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self._put(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        if not isinstance(modules, Iterable):
            raise UsageError(
                f"{type(self).__name__}: {type(modules).__name__} is no list of modules: {self._example()}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module in front of item number `index`; the later ones get other names."""
        modules = list(self)
        modules.insert(index, module)
        self._fill(modules)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take a module out; the later ones get other names."""
        module = self[index]
        del self[index]
        return module

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)


class Sequential(_Row):
    """Modules called one after the other; their names are their positions, or the keys of a dict.

    It can be changed like a list. After a deletion or an insertion the names are the positions.

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
            _require_name(self, str(name))
            self._put(str(name), module)

    def _example(self) -> str:
        return "write Sequential(a, b) in place of Sequential([a, b])"

    def _part(self, children: Mapping[str, Module]) -> Sequential:
        numbered = all(name.isdigit() for name in children)
        return Sequential(*children.values()) if numbered else Sequential(children)

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def forward(self, x: Any) -> Any:
        """Shapes: as the modules have them."""
        before = ""
        for name, module in self.named_children():
            if x is None and before:
                raise UsageError(
                    f"Sequential: {before} gave None to the next module: is there a return in its forward?"
                )
            x = module(x)
            before = f"{name} {type(module).__name__}"
        return x


class Holder(Module):
    """A container that is not called itself: its name is part of its modules' names."""

    def _named(self, name: str) -> None:
        super()._named(name)
        for key, child in self.named_children():
            _rename(child, self._path_of(key))

    def _path_of(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name

    def forward(self, *inputs: Any, **settings: Any) -> NoReturn:
        """A container of this kind has no order of its own to compute in."""
        kind = type(self).__name__
        raise UsageError(f"a {kind} only holds modules: call them one by one, or use nn.Sequential")


class ModuleList(Holder, _Row):
    """A list of modules, to be called as one likes: they are registered under their positions.

    >>> from minigrad.nn import Linear
    >>> layers = ModuleList([Linear(4, 4) for _ in range(3)])
    >>> len(layers), len(layers[1:]), [name for name, _ in layers.named_parameters()][:2]
    (3, 2, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self.extend(() if modules is None else modules)

    def _put(self, name: str, module: Any) -> None:
        super()._put(name, module)
        _rename(module, self._path_of(name))

    def _part(self, children: Mapping[str, Module]) -> ModuleList:
        names = [child._name for child in children.values()]
        part = ModuleList(children.values())
        for child, name in zip(part, names, strict=True):  # they stay where they are called
            _rename(child, name)
        return part

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])


class ModuleDict(Holder):
    """Modules by name, to be called as one likes, in the order in which they were added.

    >>> from minigrad.nn import ReLU, Tanh
    >>> kinds = ModuleDict({"relu": ReLU(), "tanh": Tanh()})
    >>> list(kinds), kinds["tanh"]
    (['relu', 'tanh'], Tanh())
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update({} if modules is None else modules)

    def __len__(self) -> int:
        return len(list(self.named_children()))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: str) -> bool:
        return name in self.keys()

    def __getitem__(self, name: str) -> Module:
        if name not in self:
            raise KeyError(f"{name!r}: this ModuleDict has {', '.join(self) or 'no modules'}")
        return cast("Module", self.__dict__[name])

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(module, Module):
            raise UsageError(f"ModuleDict: {name!r} is a {type(module).__name__}, not a Module")
        _require_name(self, name)
        self.add_module(name, module)
        _rename(module, self._path_of(name))

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)

    def keys(self) -> list[str]:
        """The names."""
        return [name for name, _ in self.named_children()]

    def values(self) -> list[Module]:
        """The modules."""
        return list(self.children())

    def items(self) -> list[tuple[str, Module]]:
        """Names and modules."""
        return list(self.named_children())

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules, or put them in the place of others of the same names."""
        for name, module in modules.items() if isinstance(modules, Mapping) else modules:
            self[name] = module

    def pop(self, name: str) -> Module:
        """Take a module out."""
        module = self[name]
        del self[name]
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for name in self.keys():
            del self[name]


def _rename(module: Module, name: str) -> None:
    """Let a module forget its first name for another one."""
    module.__dict__["_name"] = ""
    module._named(name)


def _require_name(container: Module, name: str) -> None:
    """Refuse names that cannot be part of a path, or that hide what every module has."""
    if not isinstance(name, str) or not name or "." in name or hasattr(type(container), name) or name in _OWN:
        raise UsageError(
            f"{type(container).__name__}: {name!r} cannot be the name of a module: it must be a text without dots "
            "that is not the name of something every module has"
        )


_OWN = frozenset(vars(Module()))
