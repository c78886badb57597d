"""`fused`: an optimizer that updates each parameter in `backward`, as soon as its gradient is complete."""

from __future__ import annotations

import weakref
from typing import TypeVar

from minigrad.autograd.node import STATE, Leaf
from minigrad.autograd.tensor import Tensor, is_memory_guarded
from minigrad.errors import UsageError
from minigrad.optim.optimizer import Optimizer
from minigrad.typing import Array

O = TypeVar("O", bound=Optimizer)  # noqa: E741  (an optimizer)


def fused(optimizer: O, enabled: bool = True) -> O:
    """Let an optimizer update each parameter in `backward`, as soon as its gradient is complete, and free that at once.

    A training step then holds one gradient at a time, not those of all parameters. It gives the same, bit for bit, and
    is written as before: `zero_grad`, `backward`, `step`, which updates what is left and ends the step. (In a function
    that `minigrad.compile` has captured, `step` updates all: there a pass does the same.)

    After `backward` every `.grad` of the optimizer's parameters is None. What needs all gradients before the update is
    refused: clipping by `clip_grad_norm` and `clip_grad_value`, a second `backward` before `step` (accumulation),
    `fit`, `DataParallel`. Learning rates are those at the time of `backward`: with a schedule,
    `with optim.scheduled(...)` goes around it. Where `backward` fails on its way, some parameters have been updated.

    Args:
        optimizer: whose updates depend on one parameter at a time: all but `LBFGS`.
        enabled: False gives the usual optimizer back (default True).

    Returns:
        The same optimizer. It is told of gradients in the thread that called this.

    Raises:
        UsageError: it is no Optimizer, or has a `step` of its own.

    Source: Lv et al. 2023, "Full parameter fine-tuning for large language models with limited resources",
    arXiv:2306.09782.

    >>> from minigrad import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.fused(optim.SGD(model.parameters(), lr=0.1))
    >>> optimizer.zero_grad()
    >>> model(Tensor([[1.0, 2.0]])).sum().backward()
    >>> model.weight.grad is None  # used, and freed
    True
    >>> optimizer.step()
    """
    if not isinstance(optimizer, Optimizer):
        raise UsageError(f"fused takes an optimizer of minigrad.optim, not a {type(optimizer).__name__}")
    if type(optimizer).step is not Optimizer.step:
        raise UsageError(
            f"fused: {type(optimizer).__name__} has a step of its own, which needs all gradients together: use it as "
            "it is, or SGD, Adam or another optimizer that updates one parameter at a time"
        )
    former = optimizer.in_backward
    if former is not None:
        former.finish()
        STATE.leaf_watchers = tuple([each for each in STATE.leaf_watchers if each() not in (former, None)])
    optimizer.in_backward = UpdatesInBackward(optimizer) if enabled else None
    if optimizer.in_backward is not None:
        STATE.leaf_watchers = (*STATE.leaf_watchers, weakref.ref(optimizer.in_backward))
    return optimizer


class UpdatesInBackward:
    """Updates the parameters of an optimizer while `backward` runs (a `LeafWatcher`).

    Args:
        optimizer: the optimizer, which holds this.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._groups: dict[Leaf, tuple[Tensor, dict[str, object]]] = {}
        self._done: weakref.WeakSet[Leaf] = weakref.WeakSet()

    def on_gradient(self, leaf: Leaf, g: Array) -> bool:
        """Update a parameter of the optimizer by its gradient, which nobody needs then."""
        optimizer = self._optimizer()
        recorded = STATE.recorder is not None  # the gradient is to be differentiated itself
        if optimizer is None or recorded or not is_memory_guarded():  # unguarded, rules may need the old values
            return False
        if not self._groups:
            groups = optimizer.param_groups
            self._groups = {p.node: (p, group) for group in groups for p in group["params"] if isinstance(p.node, Leaf)}
        if leaf not in self._groups:
            return False
        p, group = self._groups[leaf]
        if leaf in self._done:
            raise UsageError(
                f"backward: a parameter of shape {p.shape} has been updated by an earlier backward pass of this step "
                "(optim.fused), and a second gradient comes too late: call step() after each backward, or accumulate "
                "with the usual optimizer, optim.fused(optimizer, False)"
            )
        if leaf.grad is not None:
            g, leaf.grad = leaf.grad._data + g, None
        optimizer._step_parameters([p], [g], group)
        self._done.add(leaf)
        return True

    def on_end(self) -> None:
        """The pass is over."""
        self._groups = {}

    def used(self, leaf: object) -> bool:
        """Whether the gradient of a variable has been used since the last step."""
        return leaf in self._done

    def finish(self) -> None:
        """End the step."""
        self._groups = {}
        self._done.clear()


def require_gradients(name: str, parameters: list[Tensor]) -> None:
    """Refuse to look at gradients that have been used in `backward`.

    Args:
        name: of the function that looks at them.
        parameters: whose gradients they are.

    Raises:
        UsageError: one of them has been used.
    """
    watchers = [each for reference in STATE.leaf_watchers if isinstance(each := reference(), UpdatesInBackward)]
    if any(each.used(p.node) for each in watchers for p in parameters):
        raise UsageError(
            f"{name}: backward has used these gradients, and freed them (optim.fused): it needs all of them before the "
            "update, so use the usual optimizer, optim.fused(optimizer, False)"
        )
