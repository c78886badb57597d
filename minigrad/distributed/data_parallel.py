"""`DataParallel`: an optimizer whose gradients are the means over all ranks."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeVar

from minigrad.autograd.node import STATE, Leaf
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.distributed.agreement import parameter_facts, require_equal, require_equal_bits
from minigrad.distributed.buckets import BUCKET_BYTES, Buckets
from minigrad.distributed.group import Group
from minigrad.distributed.launcher import world
from minigrad.errors import UsageError
from minigrad.typing import Array, StateDict

R = TypeVar("R")


class Optimizer(Protocol):
    """What `DataParallel` needs of an optimizer: those of `minigrad.optim` have it."""

    param_groups: list[dict[str, Any]]
    state: dict[Tensor, dict[str, Any]]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""

    def step(self) -> object:
        """Update the parameters."""

    def state_dict(self) -> StateDict:
        """Everything needed to go on."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""


class DataParallel:
    """An optimizer on several ranks: each computes gradients of its own samples, and all make the same step.

        g <- mean over ranks of g        at the end of each backward pass; then as the optimizer itself

    It is put around the optimizer and not around the model, which stays what it is: its paths, its state dict and its
    methods do not change, and any loop of `zero_grad`, `backward` and `step` goes on several ranks by this one line.
    After `backward` the gradients are those of all ranks, so that they can be clipped and looked at as usual.

    The sums run while backward computes the gradients below: see `buckets`. Parameters that a rank did not use count as
    0 there; those that no rank used have no gradient. All ranks hold the same weights, bit for bit: they get those of
    rank 0 at the beginning, and are compared now and then. If ranks have different numbers of samples, scale the losses
    so that their mean over ranks is the one that is meant; `fit(..., distributed=True)` does all this.

    Args:
        optimizer: of `minigrad.optim`, with the same parameters on all ranks.
        bucket_bytes: how many bytes of gradients are summed at once (default 4 MiB).
        check_every: after how many steps the weights are compared by a hash (default 100; 0: never).
        reduction: "mean" (default), or "sum" where losses are scaled to be parts of one mean; before a sum, gradients
            may be accumulated only inside of `no_sync()`.
        group: the ranks (default: all of the job).

    Attributes:
        optimizer: the optimizer.
        group: the ranks.

    Raises:
        DistributedError: the ranks have other parameters, or other settings of the optimizer.
        MissingExtraError: `mpiexec` started several processes, and mpi4py is not installed.
        UsageError: a setting is out of range.

    Source: Li et al. 2020, "PyTorch Distributed: experiences on accelerating data parallel training",
    arXiv:2006.15704, with buckets in the fixed order of the parameters.

    >>> from minigrad import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> optimizer = DataParallel(optim.SGD(model.parameters(), lr=0.1))
    >>> model(Tensor([[1.0, 2.0]])).sum().backward()
    >>> optimizer.step()
    >>> optimizer.param_groups[0]["lr"]
    0.1
    """

    def __init__(
        self,
        optimizer: Optimizer,
        bucket_bytes: int = BUCKET_BYTES,
        check_every: int = 100,
        *,
        reduction: Literal["mean", "sum"] = "mean",
        group: Group | None = None,
    ) -> None:
        if not all(hasattr(optimizer, name) for name in ("param_groups", "step", "state_dict")):
            raise UsageError(f"DataParallel is put around an optimizer, not around a {type(optimizer).__name__}")
        if getattr(optimizer, "in_backward", None) is not None:
            raise UsageError(
                "DataParallel: this optimizer updates in backward, before gradients are averaged (optim.fused)"
            )
        if reduction not in ("mean", "sum"):
            raise UsageError(f'DataParallel: reduction is "mean" or "sum", not {reduction!r}')
        for name, number in (("bucket_bytes", bucket_bytes), ("check_every", check_every)):
            if not isinstance(number, int) or number < (name == "bucket_bytes"):
                raise UsageError(f"DataParallel: {name} must be a positive integer, got {number!r}")
        self.optimizer, self.group = optimizer, (group or world()).duplicate()
        self._bucket_bytes, self._check_every, self._reduction = bucket_bytes, check_every, reduction
        self._steps = 0
        self._sync, self._reduced = True, False
        self._parameters: list[Tensor] = []
        self._places: dict[Leaf, int] = {}
        self._reference = weakref.ref(self)
        if self.group.size > 1:
            self._begin()
            STATE.leaf_watchers = (*STATE.leaf_watchers, self._reference)

    def _begin(self) -> None:
        """Compare what the ranks have, and take over rank 0's weights and state of the optimizer."""
        self._lay_out()
        settings = [{k: v for k, v in group.items() if k != "params"} for group in self.optimizer.param_groups]
        facts = {"the optimizer": type(self.optimizer).__name__, "its settings": settings}
        require_equal(self.group, {**parameter_facts(self._parameters), **facts}, "what DataParallel is given")
        for p in self._parameters:
            self.group.broadcast_array(p.writable(), "the weights of rank 0")
        if any(self.group.all_gather(any(len(kept) > 1 for kept in self.optimizer.state.values()))):
            self.optimizer.load_state_dict(self.group.broadcast(self.optimizer.state_dict(), "the optimizer of rank 0"))

    def _lay_out(self) -> None:
        """Number the parameters: the last one's gradient is complete first."""
        given = [p for group in self.optimizer.param_groups for p in group["params"]][::-1]
        leaves = {p.node: k for k, p in enumerate(given) if isinstance(p.node, Leaf)}
        if leaves.keys() == self._places.keys() and len(given) == len(self._parameters):
            return
        self._parameters, self._places = given, leaves
        factor = 1 / self.group.size if self._reduction == "mean" else 1.0
        self._buckets = Buckets(self.group, [(p.shape, p.dtype) for p in given], self._bucket_bytes, factor)

    # ---- while backward runs (see `LeafWatcher`) -------------------------------------------------------------

    def on_gradient(self, leaf: Leaf, g: Array) -> bool:
        """Put a complete gradient into its bucket, and begin the sum of a bucket that is full."""
        if not self._sync:
            return False
        if not self._buckets.begun:
            self._lay_out()
        place = self._places.get(leaf)
        if place is not None:
            self._buckets.put(place, *([] if leaf.grad is None else [leaf.grad._data]), g)
        return False

    def on_end(self) -> None:
        """Wait for the sums, and give each parameter its gradient."""
        if self._sync and self._buckets.begun:
            self.synchronize()

    # ---- as the optimizer ------------------------------------------------------------------------------------

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimizer."""
        return self.optimizer.param_groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: set them to None (default True) rather than fill them with zeros.
        """
        self._reduced = False
        self.optimizer.zero_grad(set_to_none)

    def step(self, closure: Callable[[], R] | None = None) -> R | None:
        """Update every parameter that has a gradient on any rank.

        Gradients that have not been averaged are averaged first: after a compiled backward pass, or where this rank had
        no samples.

        Args:
            closure: called first, to compute the gradients (default None: they are there).

        Returns:
            What the closure returned.
        """
        result = closure() if closure is not None else None
        self.finish()
        self.optimizer.step()
        if self._check_every and self._steps % self._check_every == 0:
            self.check_weights()
        return result

    def state_dict(self) -> StateDict:
        """That of the optimizer: the same with any number of ranks, and with none."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; all ranks load the same.

        Args:
            state: what `state_dict` returned.
        """
        self.optimizer.load_state_dict(state)

    # ---- what is more ----------------------------------------------------------------------------------------

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside of this block backward adds to the gradients of this rank only: for all but the last of several."""
        former, self._sync, self._reduced = self._sync, False, False
        try:
            yield
        finally:
            self._sync = former

    def finish(self) -> None:
        """Average the gradients unless a backward pass has done so, as `step` does; the next pass is a new step's."""
        if not self._reduced:
            self.synchronize()
        self._reduced = False
        self._steps += 1

    def synchronize(self) -> None:
        """Average the gradients that are there, now; `backward` and `step` call it.

        Raises:
            DistributedError: a rank has failed, or does not come within the time limit.
        """
        self._reduced = True
        if self.group.size == 1:
            return
        if not self._buckets.begun:
            self._lay_out()
        for place, p in enumerate(self._parameters):
            if p.requires_grad and p.grad is not None and not self._buckets.has(place):
                self._buckets.put(place, p.grad._data)
        sums = self._buckets.finish(f"the gradients of step {self._steps + 1}")
        for p, g in zip(self._parameters, sums, strict=True):
            if p.requires_grad:
                p.grad = None if g is None else wrap(g)

    def check_weights(self) -> None:
        """Compare the weights of all ranks by a hash.

        Raises:
            DistributedError: they are not the same, bit for bit; the message names rank and parameter.
        """
        if self.group.size > 1:
            require_equal_bits(self.group, self._parameters, self._steps)

    def close(self) -> None:
        """Leave the gradients of later backward passes as they are."""
        STATE.leaf_watchers = tuple(each for each in STATE.leaf_watchers if each not in (self._reference,) and each())

    def __repr__(self) -> str:
        return f"DataParallel({self.optimizer!r}, {self.group.size} ranks)"
