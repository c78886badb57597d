"""Adaptive learning rates: each number's step is divided by the size of its gradients (Adagrad, RMSprop, Adadelta)."""

from __future__ import annotations

from collections.abc import Mapping

from minigrad.errors import UsageError
from minigrad.kernels import update
from minigrad.optim.optimizer import Groups, Optimizer, gradient_sign
from minigrad.optim.optimizer_state import Group, ParameterState
from minigrad.typing import Array


class Adagrad(Optimizer):
    """Adaptive gradients: the step shrinks with the sum of all squared gradients so far.

        g <- g + weight_decay * p
        s <- s + g^2
        p <- p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)        at step t = 1, 2, ...

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate (default 1e-2).
        lr_decay: how fast it falls with the steps (default 0.0).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        initial_accumulator_value: what s is at first (default 0.0).
        eps: keeps the quotient finite (default 1e-10).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = Adagrad([x], lr=1.0)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps, maximize=maximize,
        )  # fmt: skip

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"sum": group["initial_accumulator_value"]}

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Group, state: ParameterState, new_buffers: bool
    ) -> None:
        lr = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        sign, weight_decay = gradient_sign(group), group["weight_decay"]
        update.adagrad(p, g, *buffers, sign=sign, weight_decay=weight_decay, lr=lr, eps=group["eps"])


class RMSprop(Optimizer):
    """Root mean squares: the step is divided by the root of a running mean of the squared gradients.

        g <- g + weight_decay * p
        s <- alpha * s + (1 - alpha) * g^2
        u  = g / (sqrt(s) + eps)                       (centered: sqrt(s - m^2), m a running mean of g like s of g^2)
        v <- momentum * v + u                          (without momentum: v = u)
        p <- p - lr * v

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate (default 1e-2).
        alpha: how much of the means remains at each step (default 0.99).
        eps: keeps the quotient finite (default 1e-8).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        momentum: how much of the last step's direction remains (default 0.0).
        centered: divide by the gradients' standard deviation instead (default False). Where rounding makes its
            square negative, it counts as 0.
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Hinton, Srivastava and Swersky 2012, lecture 6e of "Neural networks for machine learning"; centered: Graves
    2013, "Generating sequences with recurrent neural networks", arXiv:1308.0850.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([x], lr=0.01)
    >>> for _ in range(500):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> bool(abs(x.numpy() - 1).max() < 0.02)
    True
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
            maximize=maximize,
        )  # fmt: skip

    def _buffers(self, group: Group) -> Mapping[str, float]:
        names = ["square_avg", *["grad_avg"] * group["centered"], *["momentum_buffer"] * (group["momentum"] > 0)]
        return dict.fromkeys(names, 0.0)

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Group, state: ParameterState, new_buffers: bool
    ) -> None:
        there = dict(zip(self._buffers(group), buffers, strict=True))
        square, mean, momentum = (there.get(name) for name in ("square_avg", "grad_avg", "momentum_buffer"))
        assert square is not None
        update.rmsprop(
            p, g, square, mean, momentum, sign=gradient_sign(group), weight_decay=group["weight_decay"], lr=group["lr"],
            alpha=group["alpha"], eps=group["eps"], momentum=group["momentum"],
        )  # fmt: skip


class Adadelta(Optimizer):
    """Steps in the units of the parameter: gradients are scaled by how far the last steps went.

        g <- g + weight_decay * p
        s <- rho * s + (1 - rho) * g^2
        u  = sqrt(a + eps) / sqrt(s + eps) * g
        a <- rho * a + (1 - rho) * u^2
        p <- p - lr * u

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: a factor of the steps; the paper has none (default 1.0).
        rho: how much of the means remains at each step, in [0, 1] (default 0.9).
        eps: sets the first step, and keeps the quotient finite (default 1e-6).
        weight_decay: strength of the pull toward 0, as part of the gradient (default 0.0).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: Zeiler 2012, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.

    >>> from minigrad import Tensor
    >>> x = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = Adadelta([x], lr=5.0)
    >>> for _ in range(500):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     optimizer.step()
    >>> x.numpy().round(2).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def _check_settings(self, group: Group) -> None:
        super()._check_settings(group)
        if not 0 <= group["rho"] <= 1:
            raise UsageError(f"Adadelta: rho must lie in [0, 1], got {group['rho']}")

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Group, state: ParameterState, new_buffers: bool
    ) -> None:
        sign, weight_decay = gradient_sign(group), group["weight_decay"]
        update.adadelta(
            p, g, *buffers, sign=sign, weight_decay=weight_decay, lr=group["lr"], rho=group["rho"], eps=group["eps"]
        )
