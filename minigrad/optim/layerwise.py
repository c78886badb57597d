"""LARS and LAMB: each layer's step is a fraction of its weights' norm, so that batches may be very large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.kernels import update
from minigrad.optim.clip import common_norm
from minigrad.optim.optimizer import Groups, Optimizer, gradient_sign
from minigrad.optim.optimizer_state import Group, ParameterState, is_number
from minigrad.typing import Array


class _Layerwise(Optimizer):
    """Optimizers that take each parameter as a layer; those of one dimension, biases and the like, only if told to."""

    def _settings_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if p.ndim > 1 or group["adapt_vectors"]:
            return group
        return {**group, "layerwise": False, "weight_decay": 0.0}


class LARS(_Layerwise):
    """Layer-wise adaptive rate scaling: SGD with momentum, with a rate of its own for each layer.

        g <- g + weight_decay * p
        r = trust_coefficient * |p| / (|g| + weight_decay * |p| + eps)      with g before the decay; 1 if a norm is 0
        v <- momentum * v + lr * r * g
        p <- p - v

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate, for all layers together (default 1.0).
        momentum: how much of the last step remains (default 0.9).
        weight_decay: strength of the pull toward 0 (default 0.0).
        trust_coefficient: the norm of a step as a fraction of that of the weights, at lr = 1 (default 0.001).
        eps: keeps the quotient finite (default 1e-9).
        adapt_vectors: whether parameters of at most one dimension, biases and the weights of normalization, have rates
            of their own and decay, as in the paper; else r = 1 for them, without decay, as is usual (default False).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: You, Gitman and Ginsburg 2017, "Large batch training of convolutional networks", arXiv:1708.03888.

    >>> from minigrad import Tensor
    >>> x = Tensor([[3.0, -2.0]], requires_grad=True)
    >>> optimizer = LARS([x], lr=0.1, momentum=0.0, trust_coefficient=0.1)
    >>> (x * 1000).sum().backward()
    >>> optimizer.step()
    >>> np.round(np.linalg.norm(x.numpy() - [[3.0, -2.0]]) / np.linalg.norm([[3.0, -2.0]]), 4).item()
    0.01
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.001,
        eps: float = 1e-9,
        *,
        adapt_vectors: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, weight_decay=weight_decay, trust_coefficient=trust_coefficient, eps=eps,
            adapt_vectors=adapt_vectors, maximize=maximize,
        )  # fmt: skip

    def _check_settings(self, group: Group) -> None:
        super()._check_settings(group)
        coefficient = group["trust_coefficient"]
        if not is_number(coefficient) or not 0 < coefficient < math.inf:
            raise UsageError(f"LARS: trust_coefficient must be above 0 and finite, got {coefficient!r}")

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"momentum_buffer": 0.0}

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Group, state: ParameterState, new_buffers: bool
    ) -> None:
        (v,), decay, ratio = buffers, group["weight_decay"], 1.0
        if group.get("layerwise", True):
            weights, slope = common_norm([p], 2.0), common_norm([g], 2.0)
            if weights and slope:
                ratio = group["trust_coefficient"] * weights / (slope + decay * weights + group["eps"])
        update.sgd_momentum(
            p, g, v, sign=gradient_sign(group), weight_decay=decay, lr=1.0, momentum=group["momentum"],
            gain=group["lr"] * ratio, nesterov=False,
        )  # fmt: skip


class LAMB(_Layerwise):
    """Layer-wise adaptive moments for batch training: Adam, with the norm of each layer's step set by its weights.

        m, s as in `Adam`
        u = (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps) + weight_decay * p
        p <- p - lr * |p| / |u| * u                     at step t = 1, 2, ...; without the quotient if a norm is 0

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
        lr: the learning rate, which is also the norm of a step as a fraction of that of the weights (default 1e-3).
        betas: how much of the means of gradients and of their squares remains, in [0, 1) (default (0.9, 0.999)).
        eps: keeps the quotient finite (default 1e-6).
        weight_decay: strength of the pull toward 0 (default 0.01).
        adapt_vectors: whether parameters of at most one dimension, biases and the weights of normalization, have rates
            of their own and decay, as in the paper; else Adam's steps without decay, as is usual (default False).
        maximize: climb instead: -g takes the place of g (default False).

    Raises:
        UsageError: no parameters, one that is given twice or no variable, or a setting that is out of range.

    Source: You et al. 2020, "Large batch optimization for deep learning: training BERT in 76 minutes",
    arXiv:1904.00962, with the norm itself as its function phi, as in the paper's experiments, and no bound on it.

    >>> from minigrad import Tensor
    >>> x = Tensor([[3.0, -2.0]], requires_grad=True)
    >>> optimizer = LAMB([x], lr=0.01)
    >>> (x * 1000).sum().backward()
    >>> optimizer.step()
    >>> np.round(np.linalg.norm(x.numpy() - [[3.0, -2.0]]) / np.linalg.norm([[3.0, -2.0]]), 4).item()
    0.01
    """

    def __init__(
        self,
        params: Groups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
        *,
        adapt_vectors: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, adapt_vectors=adapt_vectors,
            maximize=maximize,
        )  # fmt: skip

    def _buffers(self, group: Group) -> Mapping[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Group, state: ParameterState, new_buffers: bool
    ) -> None:
        (m, s), (beta1, beta2), t = buffers, group["betas"], state["step"]
        u = np.empty_like(p)
        update.adam_direction(
            u, g, m, s, p, sign=gradient_sign(group), weight_decay=group["weight_decay"], beta1=beta1, beta2=beta2,
            m_scale=1 / (1 - beta1**t), root_scale=1 / math.sqrt(1 - beta2**t), eps=group["eps"],
        )  # fmt: skip
        ratio = 1.0
        if group.get("layerwise", True):
            weights, step = common_norm([p], 2.0), common_norm([u], 2.0)
            ratio = weights / step if weights and step else 1.0
        update.sgd(p, u, sign=1.0, weight_decay=0.0, lr=group["lr"] * ratio)
