"""Adam and AdamW: the step of each number is the mean of its gradients over the root of the mean of their squares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from minigrad.kernels import update
from minigrad.optim.optimizer import Groups, Optimizer, gradient_sign
from minigrad.optim.optimizer_state import Group, ParameterState


class AdamFamily(Optimizer):
    """Optimizers by running means m of the gradients and s of their squares; a subclass gives the coefficients.

    p <- p - (g_scale * g + m_scale * m) / (root_scale * sqrt(s) + eps)
    """

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _kernel(
        self, group: Group, state: ParameterState, *, new_buffers: bool
    ) -> tuple[Callable[..., None], dict[str, Any]]:
        (beta1, beta2), decay, decoupled = group["betas"], group["weight_decay"], group["decoupled_weight_decay"]
        return update.adam, {
            "sign": gradient_sign(group), "weight_decay": 0.0 if decoupled else decay,
            "shrink": 1 - group["lr"] * decay if decoupled else 1.0, "beta1": beta1, "beta2": beta2,
            **self._coefficients(group, state),
        }  # fmt: skip

    def _coefficients(self, group: Group, state: ParameterState) -> dict[str, float]:
        raise NotImplementedError


class Adam(AdamFamily):
    """Adaptive moments: each number's step is its mean gradient over the root of its mean squared gradient.

        g <- g + weight_decay * p                        (decoupled: p <- p - lr * weight_decay * p)
        m <- beta1 * m + (1 - beta1) * g
        s <- beta2 * s + (1 - beta2) * g^2               (amsgrad: in the last line, the largest s so far)
        p <- p - lr * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)        at step t = 1, 2, ...

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate, which is also about the largest step (default 1e-3).
        betas: how much of the means of gradients and of their squares remains, in [0, 1) (default (0.9, 0.999)).
        eps: keeps the quotient finite (default 1e-8).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        amsgrad: divide by the largest mean of squares so far, so that steps never grow again (default False).
        maximize: climb instead: -g takes the place of g (default False).
        decoupled_weight_decay: decay apart from the gradient instead, as `AdamW` does (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

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

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {**super()._buffers(group), **({"max_exp_avg_sq": 0.0} if group["amsgrad"] else {})}

    def _coefficients(self, group: Group, state: ParameterState) -> dict[str, float]:
        (beta1, beta2), t = group["betas"], state["step"]
        m_scale = group["lr"] / (1 - beta1**t)
        return {"g_scale": 0.0, "m_scale": m_scale, "root_scale": 1 / math.sqrt(1 - beta2**t), "eps": group["eps"]}


class AdamW(Adam):
    """Adam with decoupled weight decay, which is not part of the gradient and so is not divided by its size.

        p <- p - lr * weight_decay * p, and then as `Adam` without weight decay

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate, which is also about the largest step (default 1e-3).
        betas: how much of the means of gradients and of their squares remains, in [0, 1) (default (0.9, 0.999)).
        eps: keeps the quotient finite (default 1e-8).
        weight_decay: strength of the pull toward 0, decoupled from the gradient (default 1e-2).
        amsgrad: divide by the largest mean of squares so far, so that steps never grow again (default False).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

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
