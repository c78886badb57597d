"""`Registry`: look up what is chosen by name, such as an optimizer, and check its settings."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from minigrad.cli.parsing import hint
from minigrad.cli.spec import Spec, value_text
from minigrad.cli.user_code import is_import_path
from minigrad.errors import UsageError
from minigrad.typing import Function, Settings

T = TypeVar("T")


def itself(entry: Any) -> Function:  # of any registry whose entries are functions
    """The function of an entry that is one."""
    function: Function = entry
    return function


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The things of one kind that a `Spec` can choose.

    Attributes:
        kind: what one of them is called in messages.
        entries: the things by name.
        function: from an entry to the function whose keyword arguments are the settings (default: it is the entry).
        hidden: those of its arguments that are no settings.
        usual: by name, settings that are more usual than the function's defaults.
        complete: whether `resolve` adds the defaults of the settings that are not given.
        typed: whether a setting must have the type of its default. Those of schedules have not: some are a number of
            steps or a share of them.
        other: from a Spec that names no entry to one made for it, of `package.module:callable` say; None if it names
            nothing at all.
        not_found: what a message says after "there is no KIND NAME".
        otherwise: what it says where no name is close; None (default) for a list of all names.
    """

    kind: str
    entries: Mapping[str, T]
    function: Callable[[T], Function] = itself
    hidden: tuple[str, ...] = ()
    usual: Mapping[str, Settings] | None = None
    complete: bool = False
    typed: bool = True
    other: Callable[[Spec], T | None] | None = None
    not_found: str = ""
    otherwise: str | None = None

    def find(self, chosen: Spec) -> T:
        """The entry that a Spec names.

        Raises:
            UsageError: there is none.
        """
        name = chosen.name
        if name in self.entries:
            return self.entries[name]
        if self.other is not None and (entry := self.other(chosen)) is not None:
            return entry
        if is_import_path(name):
            raise UsageError(f"the {self.kind} must be a name, perhaps with settings (sgd:momentum=0.9), got {name!r}")
        otherwise = f"; there are {', '.join(self.entries)}" if self.otherwise is None else self.otherwise
        close = hint(name, self.entries, otherwise)
        raise UsageError(f"there is no {self.kind} {name!r}{self.not_found}{close}")

    def resolve(self, chosen: Spec, base: Spec) -> Spec:
        """Look up a name and check its settings. What is the user's own is checked when it is called.

        Args:
            chosen: what is wanted.
            base: whose settings are the defaults where it is the same thing.

        Returns:
            The Spec with settings of the right types, and with the defaults of all others if the registry is
            `complete`.

        Raises:
            UsageError: there is no such thing or setting, or a setting has another type than its default.
        """
        if self.other is not None and is_import_path(chosen.name):
            return chosen
        defaults = self.defaults(chosen)
        unchanged = defaults | (base.settings if base.name == chosen.name else {})
        for name, value in chosen.settings.items():
            if name not in defaults:
                close = hint(name, defaults, None if defaults else "; it has none")
                raise UsageError(f"{self._title(chosen)} has no setting {name}{close}")
            if self.typed and not _fits(value, defaults[name]):
                given, default = value_text(value), value_text(unchanged[name])
                raise UsageError(f"{self._title(chosen)}: {name} cannot be {given}; by default it is {default}")
        return Spec(chosen.name, {**(unchanged if self.complete else {}), **chosen.settings})

    def defaults(self, chosen: Spec) -> Settings:
        """The settings that a thing has, with their defaults."""
        parameters = inspect.signature(self.function(self.find(chosen))).parameters.values()
        found = {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in self.hidden}
        return {**found, **(self.usual or {}).get(chosen.name, {})}

    def _title(self, chosen: Spec) -> str:
        return f"the {self.kind} {chosen.name}" if chosen.name else self.kind


def _fits(value: object, default: object) -> bool:
    """Whether a setting has the type of its default."""
    if default is None:
        return True  # that is all that is known about it
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float)) and math.isfinite(value)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)
    return isinstance(value, type(default))
