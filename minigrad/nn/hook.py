"""Hooks: functions of yours that run before and after a module, and when gradients pass through it.

    forward pre    hook(module, inputs) -> None, or other inputs
    forward        hook(module, inputs, output) -> None, or another output
    backward pre   hook(module, grad_output) -> None, or other gradients of the outputs
    backward       hook(module, grad_input, grad_output) -> None, or other gradients of the inputs

Inputs and gradients come in tuples. Backward hooks are called once a backward pass: inputs and outputs pass through an
op that changes nothing and tells the hooks of its cotangents.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from minigrad.autograd.node import STATE, next_id
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import UsageError

Hook = Callable[..., Any]
Gradients = tuple[Tensor | None, ...]


class Handle:
    """Removes its hook again: `handle.remove()`, or at the end of `with handle:`."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Take the hook away. A second time, nothing happens."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Hooks:
    """The hooks of one module, in the order in which they run."""

    def __init__(self) -> None:
        self.forward_pre: dict[int, tuple[Hook, bool]] = {}
        self.forward: dict[int, tuple[Hook, bool]] = {}
        self.backward_pre: dict[int, tuple[Hook, bool]] = {}
        self.backward: dict[int, tuple[Hook, bool]] = {}

    def add(self, kind: str, hook: Hook, prepend: bool, with_kwargs: bool = False) -> Handle:
        """Put a hook behind the others of its kind, or with `prepend` in front of them."""
        if not callable(hook):
            raise UsageError(f"a hook is a function, not a {type(hook).__name__}")
        hooks, key = getattr(self, kind), next_id()
        former = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks[key] = (hook, with_kwargs)
        hooks.update(former)
        return Handle(hooks, key)

    def run(self, module: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """`module.forward` with all hooks around it."""
        for hook, with_kwargs in list(self.forward_pre.values()):
            inputs, settings = _replaced(hook, module, inputs, settings, with_kwargs)
        watched = (self.backward or self.backward_pre) and STATE.recorder is not None
        watch = _Watch(module, self) if watched else None
        if watch is not None:
            inputs = watch.inputs(inputs)
        output = module.forward(*inputs, **settings)
        for hook, with_kwargs in list(self.forward.values()):
            other = hook(module, inputs, settings, output) if with_kwargs else hook(module, inputs, output)
            output = output if other is None else other
        return output if watch is None else watch.outputs(output)


def _replaced(hook: Hook, module: Any, inputs: Any, settings: Any, with_kwargs: bool) -> tuple[Any, Any]:
    """The inputs and settings after a forward pre-hook."""
    if not with_kwargs:
        other = hook(module, inputs)
        return (inputs if other is None else other if isinstance(other, tuple) else (other,)), settings
    other = hook(module, inputs, settings)
    if other is None:
        return inputs, settings
    if not isinstance(other, tuple) or len(other) != 2:
        raise UsageError("a forward pre-hook with_kwargs returns None or a tuple (inputs, settings)")
    return other


class _Watch:
    """One call of a module whose gradients are waited for."""

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module, self.hooks = module, hooks
        self.grad_output: Gradients = ()
        self.count = 0
        self.places: list[int] = []

    def inputs(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs, with those that are recorded watched."""
        passed, self.places = _watched(inputs, self._inputs_arrived)
        self.count = len(inputs)
        return passed

    def outputs(self, output: Any) -> Any:
        """The output, or all of them, watched."""
        several = isinstance(output, tuple)
        if not several and not isinstance(output, Tensor):
            raise UsageError(
                f"backward hooks need a Tensor or a tuple of them for output, {type(self.module).__name__} gave a "
                f"{type(output).__name__}: remove the hooks, or return a tuple"
            )
        outputs = output if several else (output,)
        passed, places = _watched(outputs, lambda gs: self._outputs_arrived(gs, places, len(outputs)))
        return passed if several else passed[0]

    def _outputs_arrived(self, gs: Any, places: list[int], count: int) -> Any:
        grads = _spread(gs, places, count)
        for hook, _ in list(self.hooks.backward_pre.values()):
            grads = _chosen(hook(self.module, grads), grads, "grad_output")
        self.grad_output = grads
        if not self.places:
            self._inputs_arrived(())
        return _gathered(grads, places, gs)

    def _inputs_arrived(self, gs: Any) -> Any:
        grads = _spread(gs, self.places, self.count)
        for hook, _ in list(self.hooks.backward.values()):
            grads = _chosen(hook(self.module, grads, self.grad_output), grads, "grad_input")
        return _gathered(grads, self.places, gs)


def _watched(values: tuple[Any, ...], arrived: Callable[[Any], Any]) -> tuple[tuple[Any, ...], list[int]]:
    """The values, those with a node passed through the op that watches, and the places of these."""
    places = [k for k, x in enumerate(values) if isinstance(x, Tensor) and x.node is not None]
    if not places:
        return values, places
    passed = dict(zip(places, _watching(len(places))(*[values[k] for k in places], to=_Once(arrived)), strict=True))
    return tuple([passed.get(k, x) for k, x in enumerate(values)]), places


class _Once:
    """A function of the cotangents of one pass that runs once, although the rule of each input asks for it."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.asked: Any = None
        self.answer: Any = None

    def __call__(self, gs: Any) -> Any:
        if gs is not self.asked:
            self.asked, self.answer = gs, self.function(gs)
        return self.answer

    def __repr__(self) -> str:
        return "hooks"


@cache
def _watching(count: int) -> Op:
    """The op that passes so many values through."""
    op = Op(lambda *xs, to: xs, "hook", results=tuple([f"x{k}" for k in range(count)]))

    @op.vjp("xs")
    def _(g: Any, i: int, *, to: _Once) -> Any:
        return to(g)[i]

    return op


def _spread(gs: Any, places: list[int], count: int) -> Gradients:
    """Cotangents as Tensors at their places; None at those that are not differentiated."""
    known = {k: g if isinstance(g, Tensor) else wrap(g) for k, g in zip(places, gs, strict=True)}
    return tuple([known.get(k) for k in range(count)])


def _gathered(grads: Gradients, places: list[int], like: Any) -> tuple[Any, ...]:
    """Back from Tensors to what the pass works on: arrays, or Tensors when it is recorded."""
    chosen = [grads[k] for k in places]
    return tuple([g if isinstance(x, Tensor) or g is None else g._data for g, x in zip(chosen, like, strict=True)])


def _chosen(other: Any, grads: Gradients, name: str) -> Gradients:
    """What a hook returned in place of the gradients, if it did."""
    if other is None:
        return grads
    found = other if isinstance(other, tuple) else (other,)
    shapes = [None if g is None else g.shape for g in grads]
    if [g.shape if isinstance(g, Tensor) else None for g in found] != shapes:
        raise UsageError(f"a hook must return None, or a {name} of Tensors of shapes {shapes}, got {other!r:.80}")
    return found
