"""Clipping of gradients, between `backward` and `step`."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from minigrad.autograd.complex_numbers import require_real
from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import NonFiniteError, UsageError
from minigrad.optim.optimizer_state import is_number
from minigrad.optim.update_in_backward import require_gradients
from minigrad.typing import Array

BLOCK = 1 << 16  # numbers that are in work at once, in double precision


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients by one factor, so that their common norm is at most `max_norm`.

        norm = (sum of |g|^p over the numbers of all gradients)^(1/p),  p = norm_type;  for p = inf, the largest |g|
        g   <- min(1, max_norm / (norm + 1e-6)) * g

    The norm is computed in double precision, and neither overflows nor underflows on the way.

    Args:
        parameters: one variable, or several; those without a gradient are left out.
        max_norm: the largest norm that is left as it is, of at least 0.
        norm_type: p, above 0 (default 2.0).
        error_if_nonfinite: refuse a norm that is NaN or infinite, and leave the gradients as they are (default False:
            such a norm goes into the factor, as in PyTorch).

    Returns:
        The norm before the clipping.

    Raises:
        UsageError: max_norm is negative or NaN, norm_type is not above 0, or no parameters are given.
        NonFiniteError: see `error_if_nonfinite`.

    Source: Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
    arXiv:1211.5063.

    >>> x = Tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> float(clip_grad_norm([x], max_norm=1.0))
    5.0
    >>> x.grad.numpy().astype(float).round(3).tolist()
    [0.6, 0.8]
    """
    if not is_number(max_norm) or not max_norm >= 0:
        raise UsageError(f"clip_grad_norm: max_norm must be at least 0, got {max_norm!r}")
    if not is_number(norm_type) or not norm_type > 0:
        raise UsageError(f"clip_grad_norm: norm_type must be above 0, got {norm_type!r} (math.inf is the largest |g|)")
    gradients = _gradients("clip_grad_norm", parameters)
    norm = common_norm(list(map(as_array, gradients)), float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise NonFiniteError(f"clip_grad_norm: the norm of the gradients is {norm}, so they cannot be clipped")
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # NaN goes on into the gradients, for all to see
        for g in gradients:
            array = g.writable()
            with np.errstate(invalid="ignore"):  # infinity times 0
                array *= np.promote_types(array.dtype, np.float32).type(factor)
    return np.float64(norm)


def clip_grad_value(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clip every number of the gradients to [-clip_value, clip_value].

        g <- min(max(g, -clip_value), clip_value)

    Args:
        parameters: one variable, or several; those without a gradient are left out.
        clip_value: how large a number may be, at least 0. NaN stays NaN.

    Raises:
        UsageError: clip_value is negative or NaN, or no parameters are given.
        DTypeError: a gradient is complex.

    >>> x = Tensor([3.0, -0.5], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> clip_grad_value([x], 2.0)
    >>> x.grad
    Tensor([ 2., -1.], shape=(2,), dtype=float32)
    """
    if not is_number(clip_value) or not clip_value >= 0:
        raise UsageError(f"clip_grad_value: clip_value must be at least 0, got {clip_value!r}")
    for g in _gradients("clip_grad_value", parameters):
        require_real("clip_grad_value", g)
        array = g.writable()
        np.clip(array, -clip_value, clip_value, out=array)


def _gradients(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients, each once, as Tensors that may be written to."""
    if not isinstance(parameters, Iterable):
        raise UsageError(f"{name}: give parameters, such as model.parameters(), not a {type(parameters).__name__}")
    params = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not params:
        raise UsageError(f"{name}: no parameters were given (a generator is empty after its first use)")
    gradients: dict[int, Tensor] = {}
    for p in params:
        if not isinstance(p, Tensor):
            raise UsageError(f"{name}: parameters are Tensors, such as of model.parameters(), not a {type(p).__name__}")
    require_gradients(name, params)
    for p in params:
        if p.grad is None:
            continue
        if p.grad.node is not None:  # a gradient that was itself recorded
            p.grad = p.grad.detach()
        gradients.setdefault(id(p.grad), p.grad)
    return list(gradients.values())


def common_norm(arrays: list[Array], p: float) -> float:
    """The norm of all numbers together, in double precision.

    Args:
        arrays: of any shapes.
        p: the exponent, above 0; infinity for the largest |x|.
    """
    if p == math.inf:
        return _max_abs(arrays)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        total = _power_sum(arrays, p, 1.0)
        if 1e-200 < total < math.inf:
            return float(total ** (1 / p))
        largest = _max_abs(arrays)  # the sum left the range of numbers: take the largest one out first
        if largest == 0 or not math.isfinite(largest):
            return largest
        return float(largest * _power_sum(arrays, p, largest) ** (1 / p))


def _power_sum(arrays: list[Array], p: float, unit: float) -> float:
    """The sum of |x / unit|^p, in double precision."""
    total = 0.0
    for array in arrays:
        flat = array.reshape(-1)
        for start in range(0, flat.size, BLOCK):
            part = flat[start : start + BLOCK]
            x = (np.abs(part) if part.dtype.kind == "c" else part).astype(np.float64)
            if unit != 1:
                x /= unit
            total += float(np.dot(x, x) if p == 2 else np.sum(np.abs(x) ** p))
    return total


def _max_abs(arrays: list[Array]) -> float:
    """The largest |x|; NaN if any is."""
    return float(np.max([np.max(np.abs(array)) for array in arrays if array.size], initial=0.0))
