"""The likelihood of a sequence of labels whose places in time are not known, summed over all places."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.registry import op
from minigrad.errors import DTypeError
from minigrad.kernels import ctc as kernels
from minigrad.ops.convolution import require_floating
from minigrad.ops.elementwise import add, logaddexp, multiply, negative, where
from minigrad.ops.index import take_along_axis
from minigrad.ops.logic import equal, less, logical_and, logical_or, not_equal
from minigrad.ops.padding import pad
from minigrad.ops.rearrange import repeat
from minigrad.ops.reduce import logsumexp
from minigrad.ops.shape import expand_dims
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array, ArrayLike, Settings, Value


def _settings(
    log_probs: ArrayLike, targets: Array, input_lengths: Array, target_lengths: Array, *, blank: int = 0
) -> Settings:
    require_floating(log_probs)
    for x in (targets, input_lengths, target_lengths):
        if x.dtype.kind not in "iu":
            raise DTypeError(f"ctc_nll: targets and lengths are integers, not {x.dtype}")
    return {"blank": int(blank)}


def _flops(log_probs_shape: Shape, targets_shape: Shape) -> int:
    """One addition of logarithms for each of at most three ways into a state, at each step."""
    steps, samples, _ = log_probs_shape
    return 3 * steps * samples * (2 * targets_shape[1] + 1)


def _nll_step_by_step(
    log_probs: Value, targets: Value, input_lengths: Value, target_lengths: Value, *, blank: int
) -> Value:
    """The same, with ops for each step: `kernels.ctc` says what alpha is."""
    steps, n, _ = shape_of(log_probs)
    count = 2 * shape_of(targets)[1] + 1
    s = np.arange(count)
    lengths = expand_dims(target_lengths, axis=1)
    doubled = pad(repeat(targets, 2, axis=1), widths=((0, 0), (1, 0)), value=0)  # label k at 2k+1 and 2k+2
    is_label = logical_and(s % 2 == 1, less(s, multiply(2, lengths)))
    classes = where(is_label, doubled, blank)
    before = pad(classes[:, : max(count - 2, 0)], widths=((0, 0), (min(2, count), 0)), value=blank)
    skips = logical_and(logical_and(s % 2 == 1, s > 1), not_equal(classes, before))
    alpha = where(logical_and(s == 0, np.ones((n, 1), bool)), log_probs.dtype.type(0), log_probs.dtype.type(-np.inf))
    for t in range(steps):
        total = logaddexp(alpha, _later(alpha, 1))
        total = where(skips, logaddexp(total, _later(alpha, 2)), total)
        new = add(total, take_along_axis(log_probs[t], classes, axis=1))
        alpha = where(less(t, expand_dims(input_lengths, axis=1)), new, alpha)
    last = multiply(2, lengths)
    ends = logical_or(equal(s, last), equal(s, last - 1))
    return negative(logsumexp(where(ends, alpha, -np.inf), axis=1))


def _later(alpha: Value, places: int) -> Value:
    """alpha (N, S) so many places later, with -inf in front."""
    count = shape_of(alpha)[1]
    return pad(alpha[:, : max(count - places, 0)], widths=((0, 0), (min(places, count), 0)), value=-np.inf)


@op(shapes="T N C, N L, N, N -> N", canonical=_settings, reference=_nll_step_by_step, residuals=("alpha",),
    non_differentiable=("targets", "input_lengths", "target_lengths"), flops=_flops,
    source="Graves et al. 2006, Connectionist temporal classification, ICML")  # fmt: skip
def ctc_nll(log_probs: Value, targets: Value, input_lengths: Value, target_lengths: Value, *, blank: int) -> Value:
    """out[n] = -log of the sum, over all paths that give the labels, of the product of probs[t, n, path[t]].

    A path has a class or the blank at each step; it gives the labels that are left when what is repeated counts once
    and blanks are taken out. Where no path is long enough the result is inf, and its gradient NaN.

    Args:
        log_probs: logarithms of probabilities.
        targets: the labels, padded with any numbers.
        input_lengths: how many steps there are in each sample.
        target_lengths: how many labels.
        blank: the class that stands for no label (default 0).

    Shapes: log_probs (T, N, C), targets (N, L), input_lengths and target_lengths (N) -> (N).

    Raises:
        DTypeError: log_probs is not floating, or one of the others not of integers.
    """
    return kernels.ctc_nll(log_probs, targets, input_lengths, target_lengths, blank=blank)


@ctc_nll.fast_vjp("log_probs")
def _(
    g: Value, log_probs: Value, targets: Value, input_lengths: Value, target_lengths: Value, out: Value, alpha: Value,
    *, blank: int,
) -> Value:  # fmt: skip
    return kernels.ctc_nll_input(g, log_probs, targets, input_lengths, target_lengths, out, alpha, blank=blank)
