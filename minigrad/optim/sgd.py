"""SGD and Lion: steps along the gradient, along its running mean, or along the sign of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minigrad.errors import UsageError
from minigrad.kernels import update
from minigrad.optim.optimizer import Groups, Optimizer, gradient_sign
from minigrad.optim.optimizer_state import Group, ParameterState


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

        g <- g + weight_decay * p
        v <- momentum * v + (1 - dampening) * g        (v = g at the first step)
        p <- p - lr * v                                (Nesterov: p - lr * (g + momentum * v))

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate (default 1e-3).
        momentum: how much of the last step's direction remains; without it no state is kept (default 0.0).
        dampening: how much of the gradient is held back from the direction (default 0.0).
        weight_decay: strength of the pull toward 0, the gradient of weight_decay/2 * |p|^2 (default 0.0).
        nesterov: take the gradient of the point ahead, along the momentum (default False).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Polyak 1964; Nesterov 1983; in the form of Sutskever et al. 2013.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([x], lr=0.1, momentum=0.5)
    >>> for _ in range(50):
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
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize,
        )  # fmt: skip

    def _check_settings(self, group: Group) -> None:
        super()._check_settings(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise UsageError("SGD: Nesterov's form needs a momentum above 0 and no dampening")

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"momentum_buffer": 0.0} if group["momentum"] else {}

    def _kernel(
        self, group: Group, state: ParameterState, *, new_buffers: bool
    ) -> tuple[Callable[..., None], dict[str, Any]]:
        shared = {"sign": gradient_sign(group), "weight_decay": group["weight_decay"], "lr": group["lr"]}
        if not group["momentum"]:
            return update.sgd, shared
        gain = 1.0 if new_buffers else 1 - group["dampening"]  # the first direction is the gradient itself
        own = {"momentum": group["momentum"], "gain": gain, "nesterov": group["nesterov"]}
        return update.sgd_momentum, {**shared, **own}


class Lion(Optimizer):
    """Evolved sign momentum: every number of a parameter moves by exactly `lr`, or not at all.

        c <- beta1 * m + (1 - beta1) * g
        p <- p - lr * (sign(c) + weight_decay * p)
        m <- beta2 * m + (1 - beta2) * g

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate, the size of each step: 3 to 10 times smaller than Adam's (default 1e-4).
        betas: how much of the mean of the gradients remains, in the step and after it, in [0, 1) (default (0.9, 0.99)).
        weight_decay: strength of the pull toward 0, decoupled from the gradient (default 0.0).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms", arXiv:2302.06675.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = Lion([x], lr=0.01)
    >>> for _ in range(1000):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(2).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"exp_avg": 0.0}

    def _kernel(
        self, group: Group, state: ParameterState, *, new_buffers: bool
    ) -> tuple[Callable[..., None], dict[str, Any]]:
        (beta1, beta2), lr = group["betas"], group["lr"]
        shrink = 1 - lr * group["weight_decay"]
        return update.lion, {
            "sign": gradient_sign(group), "shrink": shrink, "lr": lr, "beta1": beta1, "beta2": beta2,
        }  # fmt: skip
