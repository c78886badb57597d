"""Variants of Adam: with Nesterov momentum, with a rectified beginning, and with the largest gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from minigrad.kernels import update
from minigrad.optim.adam import AdamFamily
from minigrad.optim.optimizer import Groups, Optimizer, gradient_sign
from minigrad.optim.optimizer_state import Group, ParameterState


class NAdam(AdamFamily):
    """Adam with Nesterov's momentum.

        m, s as in `Adam`
        mu_t   = beta1 * (1 - 0.96^(t * momentum_decay) / 2),  M_t = mu_1 * ... * mu_t
        u      = (1 - mu_t) / (1 - M_t) * g + mu_(t+1) / (1 - M_(t+1)) * m
        p <- p - lr * u / (sqrt(s / (1 - beta2^t)) + eps)                          at step t = 1, 2, ...

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate (default 2e-3).
        betas: how much of the means of gradients and of their squares remains, in [0, 1) (default (0.9, 0.999)).
        eps: keeps the quotient finite (default 1e-8).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        momentum_decay: how soon the momentum mu grows to beta1 (default 4e-3, the paper's).
        decoupled_weight_decay: decay apart from the gradient instead, as `AdamW` does (default False).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam", ICLR workshop.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = NAdam([x], lr=0.1)
    >>> for _ in range(300):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(3).tolist()
    [1.0, 1.0]
    """

    _scalars: Mapping[str, float] = {"step": 0, "mu_product": 1.0}

    def __init__(
        self,
        params: Groups,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        )  # fmt: skip

    def _coefficients(self, group: Group, state: ParameterState) -> dict[str, float]:
        (beta1, beta2), t, lr = group["betas"], state["step"], group["lr"]
        mu, following = (beta1 * (1 - 0.96 ** (n * group["momentum_decay"]) / 2) for n in (t, t + 1))
        product = state["mu_product"] = state["mu_product"] * mu
        return {
            "g_scale": lr * (1 - mu) / (1 - product),
            "m_scale": lr * following / (1 - product * following),
            "root_scale": 1 / math.sqrt(1 - beta2**t),
            "eps": group["eps"],
        }


class RAdam(AdamFamily):
    """Rectified Adam: while the mean of squares is still of few steps, it is not divided by.

        m, s as in `Adam`
        r_inf = 2 / (1 - beta2) - 1,  r = r_inf - 2 * t * beta2^t / (1 - beta2^t)
        p <- p - lr * m / (1 - beta1^t) * R * sqrt(1 - beta2^t) / (sqrt(s) + eps)      where r > 5, with
                 R = sqrt((r - 4) * (r - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * r))
        p <- p - lr * m / (1 - beta1^t)                                                elsewhere; t = 1, 2, ...

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate (default 1e-3).
        betas: how much of the means of gradients and of their squares remains, in [0, 1) (default (0.9, 0.999)).
        eps: keeps the quotient finite (default 1e-8).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        decoupled_weight_decay: decay apart from the gradient instead, as `AdamW` does (default False).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265; r > 5, where
    the paper has 4, is the limit of its authors' code and of PyTorch's.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = RAdam([x], lr=0.1)
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
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        )  # fmt: skip

    def _coefficients(self, group: Group, state: ParameterState) -> dict[str, float]:
        (beta1, beta2), t = group["betas"], state["step"]
        m_scale, bias = group["lr"] / (1 - beta1**t), 1 - beta2**t
        limit = 2 / (1 - beta2) - 1
        r = limit - 2 * t * beta2**t / bias
        if r <= 5:
            return {"g_scale": 0.0, "m_scale": m_scale, "root_scale": 0.0, "eps": 1.0}  # a divisor of 1
        rectification = math.sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r) * bias)
        return {"g_scale": 0.0, "m_scale": m_scale * rectification, "root_scale": 1.0, "eps": group["eps"]}


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root of the mean of squares.

        g <- g + weight_decay * p
        m <- beta1 * m + (1 - beta1) * g
        u <- max(beta2 * u, |g| + eps)
        p <- p - lr / (1 - beta1^t) * m / u                                        at step t = 1, 2, ...

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate (default 2e-3).
        betas: how much remains at each step of the mean gradient and of the largest, in [0, 1) (default (0.9, 0.999)).
        eps: keeps the quotient finite (default 1e-8).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", section 7.1, arXiv:1412.6980.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = Adamax([x], lr=0.1)
    >>> for _ in range(400):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(2).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def _kernel(
        self, group: Group, state: ParameterState, *, new_buffers: bool
    ) -> tuple[Callable[..., None], dict[str, Any]]:
        beta1, beta2 = group["betas"]
        return update.adamax, {
            "sign": gradient_sign(group), "weight_decay": group["weight_decay"],
            "lr": group["lr"] / (1 - beta1 ** state["step"]), "beta1": beta1, "beta2": beta2, "eps": group["eps"],
        }  # fmt: skip
