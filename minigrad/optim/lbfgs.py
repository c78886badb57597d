"""L-BFGS: steps by an inverse Hessian that is known from the last steps and the changes of gradients along them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor
from minigrad.errors import NonFiniteError, UsageError
from minigrad.kernels.array_utils import real_view
from minigrad.optim.lbfgs_memory import Memory, loaded, saved
from minigrad.optim.line_search import LinePoint, strong_wolfe
from minigrad.optim.optimizer import Groups, Optimizer
from minigrad.optim.optimizer_state import Group
from minigrad.typing import Array, StateDict

R = TypeVar("R")


class LBFGS(Optimizer):
    """L-BFGS: a quasi-Newton method that keeps some of the last steps in place of a Hessian.

        p <- p - t H g,      H built from the last pairs  s = p_k+1 - p_k,  y = g_k+1 - g_k

    One call of `step` makes up to `max_iter` such steps and evaluates the closure for each of them, more than once
    where a line search looks for t. It wants the same loss from call to call: the whole of the data, and no dropout.

    Args:
        params: variables, or `(name, variable)` pairs, or one group with them.
        lr: t, or what the line search tries first (default 1.0). The very first step is no longer than lr in sum.
        max_iter: steps a call (default 20).
        max_eval: evaluations of the closure a call (default None: 5/4 of `max_iter`).
        tolerance_grad: end when no gradient is larger than this (default 1e-7).
        tolerance_change: end when neither a parameter nor the loss changes by more (default 1e-9).
        history_size: how many pairs are kept (default 100), each as large as all parameters twice.
        line_search_fn: None for steps of lr (default), or "strong_wolfe".

    Raises:
        UsageError: more than one group, an unknown line search, or a setting that is out of range.

    Source: Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization"; the line search:
    Nocedal and Wright 2006, "Numerical optimization", algorithms 3.5 and 3.6. PyTorch's line search meets the same
    conditions at other steps.

    >>> from minigrad import Tensor
    >>> x = Tensor([-1.2, 1.0], requires_grad=True)
    >>> optimizer = LBFGS([x], max_iter=100, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> x.numpy().round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        self.memory = Memory()
        super().__init__(
            params, lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
            line_search_fn=line_search_fn,
        )  # fmt: skip

    def add_param_group(self, param_group: Group) -> None:
        """Take the only group; see `Optimizer.add_param_group`.

        Args:
            param_group: a dict with "params" and settings.

        Raises:
            UsageError: there is one already.
        """
        if self.param_groups:
            raise UsageError("LBFGS: it has one group, as its steps are made for all parameters together")
        super().add_param_group(param_group)

    def _check_settings(self, group: Group) -> None:
        super()._check_settings(group)
        for name in ("max_iter", "max_eval", "history_size"):
            if not isinstance(group[name], (int, np.integer)) or isinstance(group[name], bool) or group[name] < 1:
                raise UsageError(f"LBFGS: {name} must be a whole number of at least 1, got {group[name]!r}")
        for name in ("tolerance_grad", "tolerance_change"):
            if not group[name] >= 0:
                raise UsageError(f"LBFGS: {name} must be at least 0, got {group[name]!r}")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise UsageError(f'LBFGS: line_search_fn is None or "strong_wolfe", got {group["line_search_fn"]!r}')

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {}

    def step(self, closure: Callable[[], R] | None = None) -> R:
        """Make up to `max_iter` steps.

        Args:
            closure: clears the gradients, computes the loss, calls its `backward` and returns it. It is needed: without
                one (default None) there is an error.

        Returns:
            What the closure returned at first: the loss before these steps.

        Raises:
            UsageError: there is no closure, or it returns no number.
            NonFiniteError: the loss or its gradient is infinite or NaN before the first step.
        """
        if closure is None:
            raise UsageError(
                "LBFGS.step: it evaluates the loss several times: give it a closure, which calls zero_grad, computes "
                "the loss, calls its backward and returns it (`fit` has none: write the loop)"
            )
        settings = self.param_groups[0]
        first = closure()
        self.memory.evaluations += 1
        point = LinePoint(0.0, _number(first), 0.0, self._gradient())
        if not (np.isfinite(point.value) and np.isfinite(point.gradient).all()):
            raise NonFiniteError(
                f"LBFGS.step: the loss is {point.value:g}, its largest gradient {np.abs(point.gradient).max():g}; no "
                "parameter has been changed: begin where both are finite"
            )
        evaluations_before = self.memory.evaluations - 1
        for left in reversed(range(settings["max_iter"])):
            used = self.memory.evaluations - evaluations_before
            if np.abs(point.gradient).max(initial=0) <= settings["tolerance_grad"] or used >= settings["max_eval"]:
                break
            moved = self._iterate(closure, point, last=left == 0)
            if moved is None:
                break
            point = moved
        return first

    def _iterate(self, closure: Callable[[], object], start: LinePoint, *, last: bool) -> LinePoint | None:
        """Make one step; None where there is nothing to go on with."""
        settings, memory, gradient = self.param_groups[0], self.memory, start.gradient
        memory.update(gradient, settings["history_size"])
        direction = memory.direction(gradient)
        slope = float(gradient @ direction)
        if not slope <= -settings["tolerance_change"]:  # no descent beyond rounding, or NaN
            return None
        t = settings["lr"] * (1.0 if memory.iterations else min(1.0, 1 / float(np.abs(gradient).sum())))
        line = _Line(self, closure, direction)
        start = LinePoint(0.0, start.value, slope, gradient)
        if settings["line_search_fn"]:
            least = settings["tolerance_change"] / float(np.abs(direction).max())
            rounding = float(np.finfo(gradient.dtype).eps) * abs(start.value)
            end = strong_wolfe(line.at, start, t, rounding=rounding, smallest_step=least)
        else:  # nobody asks for the loss after the last step
            end = LinePoint(t, start.value, slope, gradient) if last else line.at(t)
        line.move(end.step)
        memory.gradient, memory.step = gradient, end.step * direction
        memory.iterations += 1
        memory.evaluations += line.evaluations
        settled = line.evaluations and abs(end.value - start.value) < settings["tolerance_change"]
        return None if settled or float(np.abs(memory.step).max()) <= settings["tolerance_change"] else end

    def _values(self) -> Array:
        """All parameters in a row; complex numbers as two real ones."""
        return np.concatenate([real_view(np.ascontiguousarray(p.numpy())).ravel() for p in self.state])

    def _gradient(self) -> Array:
        """All gradients in a row, 0 where there is none."""
        arrays = [np.zeros(p.shape, p.dtype) if p.grad is None else p.grad.numpy() for p in self.state]
        return np.concatenate([real_view(np.ascontiguousarray(array)).ravel() for array in arrays])

    @python_call
    def _write(self, values: Array) -> None:
        """Give the parameters their numbers of a row."""
        begin = 0
        for p in self.state:
            flat = real_view(p.writable().reshape(-1, copy=False))
            flat[...] = values[begin : begin + flat.size]
            begin += flat.size

    # ---- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Everything needed to go on, copied.

        Returns:
            What `Optimizer.state_dict` tells, and "memory": the last steps and changes of gradients.
        """
        return {**super().state_dict(), "memory": saved(self.memory)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken, with the same parameters in the same order.

        Args:
            state: what `state_dict` returned. PyTorch keeps other things for this optimizer.

        Raises:
            StateError: it does not fit; nothing has been changed.
        """
        memory = loaded(state.get("memory"), self._values()) if isinstance(state, Mapping) else Memory()
        super().load_state_dict(state)
        self.memory = memory


class _Line:
    """The loss along a direction from where the parameters are, and where they go back to if it raises an error."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], object], direction: Array) -> None:
        self.optimizer, self.closure, self.direction = optimizer, closure, direction
        self.begin, self.evaluations, self.now = optimizer._values(), 0, 0.0

    def move(self, step: float) -> None:
        if step != self.now:
            self.optimizer._write(self.begin + step * self.direction)
            self.now = step

    def at(self, step: float) -> LinePoint:
        self.move(step)
        self.evaluations += 1
        try:
            value = _number(self.closure())
        except BaseException:
            self.move(0.0)
            raise
        gradient = self.optimizer._gradient()
        return LinePoint(step, value, float(gradient @ self.direction), gradient)


def _number(loss: object) -> float:
    if isinstance(loss, Tensor) and loss.size == 1:
        return float(loss.item())
    if isinstance(loss, (int, float, np.number)):
        return float(loss)
    raise UsageError(f"LBFGS.step: the closure must return the loss, a number, and returned {loss!r:.80}")
