"""Adam and AdamW: each number's step is a mean of its gradients over the root of a mean of their squares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from minigrad.kernels import update
from minigrad.optim.optimizer import Groups, Optimizer, direction
from minigrad.typing import Array


class Moments(Optimizer):
    """What the family shares; a subclass gives the numbers of one step.

    p <- p - (ahead * g + along * m) / (unbias * sqrt(s) + eps)
    """

    def _buffers(self, group: Mapping[str, Any]) -> Mapping[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Mapping[str, Any], state: dict[str, Any], fresh: bool
    ) -> None:
        m, s, *rest = buffers
        largest = rest[0] if rest else None
        (beta1, beta2), decay, apart = group["betas"], group["weight_decay"], group["decoupled_weight_decay"]
        update.adam(
            p, g, m, s, largest, sign=direction(group), weight_decay=0.0 if apart else decay,
            keep=1 - group["lr"] * decay if apart else 1.0, beta1=beta1, beta2=beta2, **self._numbers_of(group, state),
        )  # fmt: skip

    def _numbers_of(self, group: Mapping[str, Any], state: dict[str, Any]) -> dict[str, float]:
        raise NotImplementedError


class Adam(Moments):
    """Adaptive moments: each number's step is its mean gradient over the root of its mean squared gradient.

        g <- g + weight_decay * p                        (decoupled: p <- p - lr * weight_decay * p)
        m <- beta1 * m + (1 - beta1) * g
        s <- beta2 * s + (1 - beta2) * g^2               (amsgrad: in the last line, the largest s so far)
        p <- p - lr * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)        at step t = 1, 2, ...

    Args:
        params: the parameters, or groups of them.
        lr: the learning rate, which is also about the largest step.
        betas: how much of the means of gradients and of squared gradients remains.
        eps: keeps the quotient finite.
        weight_decay: strength of the pull toward 0, as part of the gradient.
        amsgrad: divide by the largest mean of squares so far, so that steps never grow again.
        maximize: climb instead: -g takes the place of g.
        decoupled_weight_decay: decay beside the gradient instead, as `AdamW` does.

    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", arXiv:1412.6980; amsgrad: Reddi, Kale and
    Kumar 2018, "On the convergence of Adam and beyond", arXiv:1904.09237.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([x], lr=0.1)
    >>> for _ in range(300):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def _buffers(self, group: Mapping[str, Any]) -> Mapping[str, float]:
        return {**super()._buffers(group), **({"max_exp_avg_sq": 0.0} if group["amsgrad"] else {})}

    def _numbers_of(self, group: Mapping[str, Any], state: dict[str, Any]) -> dict[str, float]:
        (beta1, beta2), t = group["betas"], state["step"]
        along = group["lr"] / (1 - beta1**t)
        return {"ahead": 0.0, "along": along, "unbias": 1 / math.sqrt(1 - beta2**t), "eps": group["eps"]}


class AdamW(Adam):
    """Adam whose weight decay stands beside the gradient, and so is not divided by its size.

        p <- p - lr * weight_decay * p, and then as `Adam` without weight decay

    Args:
        params: the parameters, or groups of them.
        lr, betas, eps, amsgrad, maximize: see `Adam`.
        weight_decay: strength of the pull toward 0.

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization", arXiv:1711.05101.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = AdamW([x], lr=0.1, weight_decay=0.0)
    >>> for _ in range(300):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )  # fmt: skip
