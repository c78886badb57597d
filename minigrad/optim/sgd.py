"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minigrad import kernels
from minigrad.errors import UsageError
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Array, Tensor


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

        g <- g + weight_decay * p
        v <- momentum * v + (1 - dampening) * g        (v = g at the first step)
        p <- p - lr * v                                (Nesterov: p - lr * (g + momentum * v))

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate.
        momentum: how much of the last step's direction remains; 0 keeps no state.
        dampening: how much of the gradient is held back from the direction.
        weight_decay: strength of the pull toward 0, the gradient of weight_decay/2 * |p|^2.
        nesterov: look ahead along the momentum.

    Source: Polyak 1964; Nesterov 1983; in the form of Sutskever et al. 2013.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov
        )

    def _check_settings(self, group: Mapping[str, Any]) -> None:
        super()._check_settings(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise UsageError("SGD: Nesterov's form needs a momentum above 0 and no dampening")

    def _state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _update(self, p: Array, g: Array, *state: Array, group: Mapping[str, Any], step: int, fresh: bool) -> None:
        lr, weight_decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        if not state:
            kernels.sgd(p, g, lr=lr, weight_decay=weight_decay)
            return
        (v,) = state
        gain = 1.0 if fresh else 1 - group["dampening"]  # the first direction is the gradient itself
        kernels.sgd_momentum(
            p, g, v, lr=lr, weight_decay=weight_decay, momentum=momentum, gain=gain, nesterov=group["nesterov"]
        )
