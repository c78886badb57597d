"""The recorded graph: nodes, what a thread is recording, and the clock that orders everything.

A `Node` says how one result was made: by which op, from which parents, and what backward will need.
A number `order`, taken from one clock, grows with every node: newer nodes can depend on older ones and never
the other way around, so sorting by `order` sorts the graph topologically. A `Leaf` is a node without parents:
a variable. What needs no gradient has no node at all.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Set
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from minigrad.autograd.level import Level
    from minigrad.autograd.op import Op
    from minigrad.autograd.rule import Plan
    from minigrad.autograd.tensor import Tensor

next_id: Final = itertools.count(1).__next__
"""The next number of one counter, which orders nodes and writes to variables: newer ones are larger."""


class Node:
    """How one value was made.

    Attributes:
        plan: the op, with what its rules need for this choice of differentiable inputs (`node.op` names the op).
        parents: a node an input; None where the input needs no gradient.
        saved: the values that the rules name, or None once a backward pass has freed them.
        settings: the op's keyword settings, in canonical form.
        shape, dtype: of the value, which the node itself does not keep. (For several results, a tuple of shapes.)
        order: when it was made. A parent's is always smaller.
        scope: the module call inside of which it was made, or None.
        site: (file, line) of the call; set only while `anomaly()` is watching.
    """

    __slots__ = (
        "__weakref__", "dtype", "order", "parents", "plan", "saved", "scope", "settings", "shape", "site",
    )  # fmt: skip

    plan: Plan | None
    parents: tuple[Node | None, ...]
    saved: tuple[Any, ...] | None
    settings: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: int
    scope: Scope | None
    site: tuple[str, int]

    @property
    def op(self) -> Op | None:
        """The op that made the value; None for a leaf."""
        return self.plan.op if self.plan is not None else None

    @property
    def value_name(self) -> str:
        """What messages call the value: "the result of exp", "svd's result s", "the variable"."""
        if self.op is None:
            return "the variable"
        return f"the result of {self.op}" if self.op.result_of is None else str(self.op)

    def __repr__(self) -> str:
        return f"<{self.op or 'leaf'} #{self.order} {self.shape} {self.dtype}>"


class Leaf(Node):
    """A variable: where gradients come to rest."""

    __slots__ = ("grad", "name", "written_at")

    grad: Tensor | None
    name: str | None
    written_at: int

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.plan = None
        self.parents = ()
        self.saved = ()
        self.settings = {}
        self.shape = shape
        self.dtype = dtype
        self.order = next_id()
        self.scope = None
        self.grad = None
        self.name = None
        self.written_at = 0


class Scope:
    """One call of a module: its attribute name, its class, the call around it, when it began, and whose it is.

    Args:
        name: of the attribute that holds the module.
        kind: the module's class.
        outer: the call around this one, or None.
        owner: the module's `id`; the graph must not keep modules alive (default 0: none).
    """

    __slots__ = ("began", "kind", "name", "outer", "owner")

    def __init__(self, name: str, kind: str, outer: Scope | None, owner: int = 0) -> None:
        self.name = name
        self.kind = kind
        self.outer = outer
        self.owner = owner
        self.began = next_id()

    @property
    def path(self) -> str:
        """The attribute path from the outermost module, such as `features.3`."""
        path = self.outer.path if self.outer is not None else ""
        return f"{path}.{self.name}" if path and self.name else path or self.name

    def __str__(self) -> str:
        return f"{self.path} {self.kind}".strip()


class Capture(Protocol):
    """What writes down a program while code runs (see `minigrad.compilation`): it is told what the ops do not show."""

    def record(
        self, plan: Plan, parents: tuple[Node | None, ...], values: tuple[Any, ...], settings: dict[str, Any], out: Any
    ) -> Tensor:
        """A result enters the graph."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], pure: bool) -> Any:
        """Run a function of plain Python and NumPy: one instruction of the program."""

    def pull_back(
        self, seeds: Mapping[Node, Any], nodes: list[Node], targets: Set[Node], record: bool, keep: bool
    ) -> dict[Node, Any]:
        """Run a backward pass, each rule an instruction."""

    def copied(self, original: Any, copy: Any) -> None:
        """An array was copied, so that nobody can write to it."""

    def looked(self, tensor: Tensor, how: str, number: object = None) -> None:
        """Values leave as a plain number, which is given, or array."""

    def written(self, tensor: Tensor) -> None:
        """A Tensor's values are about to change in place, or have been replaced."""

    def refuse(self, reason: str) -> None:
        """Something happens that no program can repeat."""


class LeafWatcher(Protocol):
    """What sees the gradients of variables while `backward` runs, each as soon as it is complete."""

    def on_gradient(self, leaf: Leaf, g: Any) -> bool:
        """No node that is left adds to the gradient of this variable: it is g, an array, plus what `leaf.grad` has.

        True takes the gradient: nothing is added to `leaf.grad`, and no watcher behind this one is told.
        """

    def on_end(self) -> None:
        """The pass is over, and all gradients are where `backward` puts them."""


Recorder = Callable[["Plan", tuple["Node | None", ...], tuple[Any, ...], dict[str, Any], Any], "Tensor"]


class _State(threading.local):
    """What this thread is doing. Each thread starts with the values below, so threads never disturb each other."""

    recorder: Recorder | None = None  # how results enter the graph; set by tensor.py; None: they do not
    watcher: Callable[[Op, tuple[Any, ...], dict[str, Any], Any], None] | None = None  # sees ops that are not recorded
    gradient_watcher: Callable[[Node, int, Any], None] | None = None  # sees what backward sends to each input
    number_watcher: Callable[[Tensor, str], None] | None = None  # sees recorded values that leave as plain numbers
    scope: Scope | None = None
    level: Level | None = None  # the innermost call of `vmap` that is running
    silent: bool = False  # inside of `no_grad()`, which holds for what lies outside of a `vmap`, too
    capture: Capture | None = None  # writes down a program, in `minigrad.compile`
    leaf_watchers: tuple[Callable[[], LeafWatcher | None], ...] = ()  # weak references: see `minigrad.distributed`


STATE: Final = _State()


class override_state(ContextDecorator):  # noqa: N801  # reads as a function
    """Set fields of this thread's state, and put the former values back at the end.

    It is entered in each backward pass, where a generator would take twice the time.

    Args:
        **settings: the fields.
    """

    __slots__ = ("former", "settings")

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def __enter__(self) -> None:
        self.former = {name: getattr(STATE, name) for name in self.settings}
        STATE.__dict__.update(self.settings)

    def __exit__(self, *_: object) -> None:
        STATE.__dict__.update(self.former)

    def _recreate_cm(self) -> override_state:
        """What each call of a function enters that it decorates; calls may lie in one another."""
        return override_state(**self.settings)
