"""`ModuleDict`: modules by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from minigrad.errors import UsageError
from minigrad.nn.container import UncalledContainer, check_name, rename
from minigrad.nn.module import Module


class ModuleDict(UncalledContainer):
    """A dict of modules that are called one by one; they are registered under their keys, in the order of insertion.

    It can be read and changed like a dict.

    Args:
        modules: a dict, or pairs of key and module (default None: no items).

    Shapes: none, as the dict itself cannot be called.

    Raises:
        UsageError: an item is no Module, its key cannot be the name of one, or the dict itself is called.

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
        check_name(self, name)
        self.add_module(name, module)
        rename(module, self._scope_name(name))

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
        """Add modules, or put them in the place of others with the same keys.

        Args:
            modules: a dict, or pairs of key and module.

        Raises:
            UsageError: an item is no Module, or its key cannot be the name of one.
        """
        for name, module in modules.items() if isinstance(modules, Mapping) else modules:
            self[name] = module

    def pop(self, name: str) -> Module:
        """Take a module out.

        Args:
            name: its key.

        Returns:
            The module.

        Raises:
            KeyError: there is no such key.
        """
        module = self[name]
        del self[name]
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for name in self.keys():
            del self[name]
