"""Adam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minigrad import kernels
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Array, Tensor


class Adam(Optimizer):
    """Adaptive moments: each number's step is its mean gradient over the root of its mean squared gradient.

        g <- g + weight_decay * p
        m <- beta1 * m + (1 - beta1) * g
        s <- beta2 * s + (1 - beta2) * g^2
        p <- p - lr * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)        at step t = 1, 2, ...

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate, which is also about the largest step.
        betas: how much of the means of gradients and of squared gradients remains.
        eps: keeps the quotient finite.
        weight_decay: strength of the pull toward 0, as part of the gradient.

    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def _state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def _update(self, p: Array, g: Array, *state: Array, group: Mapping[str, Any], step: int, fresh: bool) -> None:
        m, s = state
        beta1, beta2 = group["betas"]
        eps, weight_decay = group["eps"], group["weight_decay"]
        kernels.adam(
            p, g, m, s, lr=group["lr"], beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, step=step
        )
