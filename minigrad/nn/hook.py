"""Hooks: functions of the user's that run before and after a module, and when gradients pass through it.

    forward pre    hook(module, inputs) -> None, or other inputs
    forward        hook(module, inputs, output) -> None, or another output
    backward pre   hook(module, grad_output) -> None, or other gradients of the outputs
    backward       hook(module, grad_input, grad_output) -> None, or other gradients of the inputs

Inputs and gradients come in tuples. Backward hooks are called once a backward pass: inputs and outputs pass through an
op that changes nothing and tells the hooks of its cotangents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar, Protocol

from minigrad.autograd.node import STATE, next_id
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import UsageError
from minigrad.nn.input_check import check_inputs
from minigrad.typing import Function, Settings, Value

Hook = Function
Gradients = tuple[Tensor | None, ...]
Inputs = tuple[Any, ...]  # a module takes what its forward does
OnCotangents = Callable[[Sequence[Value]], tuple[Value, ...]]


class Handle:
    """What removes a hook: `handle.remove()`, or the end of `with handle:`. Modules make it when a hook is registered.

    Args:
        hooks: all hooks of one kind, by number.
        key: the number of the hook.
    """

    def __init__(self, hooks: dict[int, tuple[Hook, bool]], key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Remove the hook. A second time, nothing happens."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class HasForward(Protocol):
    """A module, as far as hooks know it."""

    _array_inputs: ClassVar[tuple[str, ...]]

    @property
    def forward(self) -> Function:
        """What it computes."""
        ...


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

    def run(self, module: HasForward, inputs: Inputs, settings: Settings) -> Any:
        """`module.forward` with all hooks around it."""
        for hook, with_kwargs in list(self.forward_pre.values()):
            inputs, settings = _replaced_inputs(hook, module, inputs, settings, with_kwargs)
        has_backward = (self.backward or self.backward_pre) and STATE.recorder is not None
        call = _HookedCall(module, self) if has_backward else None
        if call is not None:
            inputs = call.inputs(inputs)
        check_inputs(module._array_inputs, inputs, settings)
        output = module.forward(*inputs, **settings)
        for hook, with_kwargs in list(self.forward.values()):
            other = hook(module, inputs, settings, output) if with_kwargs else hook(module, inputs, output)
            output = output if other is None else other
        return output if call is None else call.outputs(output)


def _replaced_inputs(
    hook: Hook, module: HasForward, inputs: Inputs, settings: Settings, with_kwargs: bool
) -> tuple[Inputs, Settings]:
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


class _HookedCall:
    """One call of a module that has backward hooks."""

    def __init__(self, module: HasForward, hooks: Hooks) -> None:
        self.module, self.hooks = module, hooks
        self.grad_output: Gradients = ()
        self.count = 0
        self.places: list[int] = []

    def inputs(self, inputs: Inputs) -> Inputs:
        """The inputs, those that are recorded passed through the op that calls hooks."""
        passed, self.places = _pass_through(inputs, self._inputs_arrived)
        self.count = len(inputs)
        return passed

    def outputs(self, output: Any) -> Any:
        """The output, or all of them, passed through the op that calls hooks."""
        several = isinstance(output, tuple)
        if not several and not isinstance(output, Tensor):
            raise UsageError(
                f"backward hooks need a Tensor or a tuple of them for output, {type(self.module).__name__} gave a "
                f"{type(output).__name__}: remove the hooks, or return a tuple"
            )
        outputs = output if several else (output,)
        passed, places = _pass_through(outputs, lambda gs: self._outputs_arrived(gs, places, len(outputs)))
        return passed if several else passed[0]

    def _outputs_arrived(self, gs: Sequence[Value], places: list[int], count: int) -> tuple[Value, ...]:
        grads = _as_tensors(gs, places, count)
        for hook, _ in list(self.hooks.backward_pre.values()):
            grads = _replaced_gradients(hook(self.module, grads), grads, "grad_output")
        self.grad_output = grads
        if not self.places:
            self._inputs_arrived(())
        return _as_values(grads, places, gs)

    def _inputs_arrived(self, gs: Sequence[Value]) -> tuple[Value, ...]:
        grads = _as_tensors(gs, self.places, self.count)
        for hook, _ in list(self.hooks.backward.values()):
            grads = _replaced_gradients(hook(self.module, grads, self.grad_output), grads, "grad_input")
        return _as_values(grads, self.places, gs)


def _pass_through(values: Inputs, arrived: OnCotangents) -> tuple[Inputs, list[int]]:
    """The values, those with a node passed through the op that calls hooks, and the places of these."""
    places = [k for k, x in enumerate(values) if isinstance(x, Tensor) and x.node is not None]
    if not places:
        return values, places
    results = _hook_op(len(places))(*[values[k] for k in places], to=_OncePerPass(arrived))
    passed = dict(zip(places, results, strict=True))
    return tuple([passed.get(k, x) for k, x in enumerate(values)]), places


class _OncePerPass:
    """A function of the cotangents of one pass that runs once, although the rule of each input asks for it."""

    def __init__(self, function: OnCotangents) -> None:
        self.function = function
        self.seen: object = None
        self.result: tuple[Value, ...] = ()

    def __call__(self, gs: Sequence[Value]) -> tuple[Value, ...]:
        if gs is not self.seen:
            self.seen, self.result = gs, self.function(gs)
        return self.result

    def __repr__(self) -> str:
        return "hooks"


@cache
def _hook_op(count: int) -> Op:
    """The op that passes `count` values through, and calls hooks with their cotangents."""
    op = Op(lambda *xs, to: xs, "hook", results=tuple([f"x{k}" for k in range(count)]))

    @op.vjp("xs")
    def _(g: Sequence[Value], i: int, *, to: _OncePerPass) -> Value:
        return to(g)[i]

    return op


def _as_tensors(gs: Sequence[Value], places: list[int], count: int) -> Gradients:
    """Cotangents as Tensors at their places; None at those that are not differentiated."""
    known = {k: g if isinstance(g, Tensor) else wrap(g) for k, g in zip(places, gs, strict=True)}
    return tuple([known.get(k) for k in range(count)])


def _as_values(grads: Gradients, places: list[int], like: Sequence[Value]) -> tuple[Value, ...]:
    """Back from Tensors to what the pass works on: arrays, or Tensors when it is recorded."""
    chosen = [grads[k] for k in places]
    return tuple([g if isinstance(x, Tensor) or g is None else g._data for g, x in zip(chosen, like, strict=True)])


def _replaced_gradients(other: object, grads: Gradients, name: str) -> Gradients:
    """What a hook returned in place of the gradients, if it did."""
    if other is None:
        return grads
    found = other if isinstance(other, tuple) else (other,)
    shapes = [None if g is None else g.shape for g in grads]
    if [g.shape if isinstance(g, Tensor) else None for g in found] != shapes:
        raise UsageError(f"a hook must return None, or a {name} of Tensors of shapes {shapes}, got {other!r:.80}")
    return found
