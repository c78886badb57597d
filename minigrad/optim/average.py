"""Averages of the weights over the steps, which often generalize better than the last weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor
from minigrad.errors import StateError, UsageError
from minigrad.kernels import update
from minigrad.kernels.array_utils import accumulation_dtype, real_view
from minigrad.optim.optimizer_state import is_number
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import Array, StateDict


class WeightAverage(ExplainedKeywords):
    """The plain mean of the weights at all updates (stochastic weight averaging).

        mean <- mean + (p - mean) / (n + 1)        at update n = 0, 1, ...

    Args:
        params: the parameters, `model.parameters()` for instance.

    Attributes:
        updates: how many have been made.

    Raises:
        UsageError: no parameters, or one is given twice.

    Source: Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization",
    arXiv:1803.05407.

    >>> x = Tensor([1.0], requires_grad=True)
    >>> average = WeightAverage([x])
    >>> for value in (1.0, 2.0, 6.0):
    ...     x.data = [value]
    ...     average.update()
    >>> with average.applied():
    ...     x.item()
    3.0
    >>> x.item()
    6.0
    """

    def __init__(self, params: Iterable[Tensor]) -> None:
        kind = type(self).__name__
        if not isinstance(params, Iterable):
            raise UsageError(f"{kind}: give the parameters in a list, or model.parameters()")
        self.params = [params] if isinstance(params, Tensor) else list(params)
        self.updates = 0
        if not self.params or not all(isinstance(p, Tensor) for p in self.params):
            raise UsageError(f"{kind}: give the parameters in a list, or model.parameters()")
        if len(set(self.params)) < len(self.params):
            raise UsageError(f"{kind}: a parameter is given twice")
        self._means = [_copy(p) for p in self.params]

    def _share(self) -> float:
        """How much of the new weights goes into the mean."""
        return 1 / (self.updates + 1)

    def update(self) -> None:
        """Take the present weights into the mean; to be called after each step of the optimizer."""
        self._update(tuple(self.params))

    @python_call
    def _update(self, params: tuple[Tensor, ...]) -> None:
        share = self._share() if self.updates else 1.0  # the first weights are the first mean
        for p, mean in zip(params, self._means, strict=True):
            if share == 1:
                mean[...] = p._data
            else:
                both = mean.reshape(-1, copy=False), np.ascontiguousarray(p._data, mean.dtype).reshape(-1)
                update.blend(*map(real_view, both), share=share)
        self.updates += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside this block the parameters have their mean values; at its end, their own again."""
        own = [p._data for p in self.params]
        try:
            for p, mean in zip(self.params, self._means, strict=True):
                p.data = mean
            yield
        finally:
            for p, values in zip(self.params, own, strict=True):
                p.data = values

    def state_dict(self) -> StateDict:
        """The means, copied, and the number of updates."""
        return {"updates": self.updates, "means": [mean.copy() for mean in self._means]}

    def load_state_dict(self, state: StateDict) -> None:
        """Go on where `state_dict` was taken, with the same parameters in the same order.

        Args:
            state: what `state_dict` returned.

        Raises:
            StateError: it does not fit; nothing has been changed.
        """
        kind = type(self).__name__
        try:
            updates, means = int(state["updates"]), [np.asarray(mean) for mean in state["means"]]
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"{kind}: a state has a number of updates and a list of means") from error
        found, own = [mean.shape for mean in means], [p.shape for p in self.params]
        if found != own:
            raise StateError(f"{kind}: the means have the shapes {found}, not {own}")
        self.updates = updates
        self._means = [
            np.array(mean, accumulation_dtype(p.dtype), order="C") for mean, p in zip(means, self.params, strict=True)
        ]


class EMA(WeightAverage):
    """The exponential moving average of the weights.

        mean <- d * mean + (1 - d) * p,  d = min(decay, (1 + n) / (10 + n))   at update n = 1, 2, ...
                                                (the first mean, at n = 0, is p itself)

    Without the warm-up, d = decay, the weights of the beginning would have a share of decay^n in the mean: with the
    default, of 74 % after 300 updates.

    Args:
        params: the parameters, `model.parameters()` for instance.
        decay: how much of the mean remains at each update, in [0, 1) (default 0.999): it reaches back about
            1 / (1 - decay) updates.
        warmup: whether the mean reaches back less far in the beginning (default True).

    Raises:
        UsageError: no parameters, or one is given twice, or the decay is out of range.

    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"; exponential: Tarvainen
    and Valpola 2017, "Mean teachers are better role models", arXiv:1703.01780; the warm-up is that of TensorFlow's
    `ExponentialMovingAverage(decay, num_updates)`.

    >>> x = Tensor([0.0], requires_grad=True)
    >>> average = EMA([x], decay=0.75, warmup=False)
    >>> average.update()
    >>> x.data = [8.0]
    >>> average.update()
    >>> with average.applied():
    ...     x.item()
    2.0
    """

    def __init__(self, params: Iterable[Tensor], decay: float = 0.999, warmup: bool = True) -> None:
        if not is_number(decay) or not 0 <= decay < 1:
            raise UsageError(f"EMA: decay must lie in [0, 1), got {decay!r}")
        super().__init__(params)
        self.decay, self.warmup = decay, warmup

    def _share(self) -> float:
        n = self.updates
        return 1 - (min(self.decay, (1 + n) / (10 + n)) if self.warmup else self.decay)


def _copy(p: Tensor) -> Array:
    """The values, in single precision where they are in half precision: a mean there would not move."""
    return np.array(p._data, accumulation_dtype(p.dtype), order="C")
