"""Connectionist temporal classification: the sum over all ways to spread a sequence of labels over the time steps.

The labels with a blank between any two, in front and behind, are the states 0 ... 2L of a path through time. From one
step to the next a path stays, goes on by one, or leaves out the blank between two different labels. All is computed by
logarithms, for all samples at once; a state that cannot be reached has -inf.

    alpha[t, s]   of all beginnings of paths that are at s after t steps
    beta[t, s]    of all their ends from there
"""

import numpy as np

from minigrad.typing import Array

from .array_utils import accumulation_dtype


def states(targets: Array, target_lengths: Array, blank: int) -> tuple[Array, Array]:
    """The class of each state (N, 2L+1), and whether it can be reached from the label before, over the blank."""
    n, length = targets.shape
    classes = np.full((n, 2 * length + 1), blank, np.intp)
    classes[:, 1::2] = np.where(np.arange(length) < target_lengths[:, None], targets, blank)
    skips = np.zeros(classes.shape, bool)
    skips[:, 3::2] = classes[:, 3::2] != classes[:, 1:-2:2]
    return classes, skips


def ends(target_lengths: Array, count: int) -> Array:
    """Which states a path may end in: the last label, and the blank behind it; (N, S)."""
    last = 2 * target_lengths[:, None]
    s = np.arange(count)
    return np.asarray((s == last) | (s == last - 1))


def ctc_nll(
    log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, *, blank: int
) -> tuple[Array, Array]:
    """log_probs (T, N, C), targets (N, L), lengths (N) -> minus the log-likelihood (N), and alpha (T+1, N, S)."""
    classes, skips = states(targets, target_lengths, blank)
    emitted = emissions(log_probs, classes)
    alpha = np.full((len(emitted) + 1, *classes.shape), -np.inf, emitted.dtype)
    alpha[0, :, 0] = 0  # in front of the first blank
    for t, e in enumerate(emitted):
        a = alpha[t]
        total = a.copy()
        total[:, 1:] = np.logaddexp(total[:, 1:], a[:, :-1])
        total[:, 2:] = np.where(skips[:, 2:], np.logaddexp(total[:, 2:], a[:, :-2]), total[:, 2:])
        alpha[t + 1] = np.where((t < input_lengths)[:, None], total + e, a)
    last = np.where(ends(target_lengths, classes.shape[1]), alpha[-1], -np.inf)
    return (-np.logaddexp.reduce(last, axis=1)).astype(log_probs.dtype, copy=False), alpha


def ctc_nll_input(
    g: Array, log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, nll: Array, alpha: Array,
    *, blank: int,
) -> Array:  # fmt: skip
    """The cotangent of log_probs: minus the probability that a path is at each class at each step, times g (N)."""
    classes, skips = states(targets, target_lengths, blank)
    emitted = emissions(log_probs, classes)
    steps, n, count = log_probs.shape
    total = -nll.astype(alpha.dtype)[:, None]
    beta = np.where(ends(target_lengths, classes.shape[1]), 0.0, -np.inf).astype(alpha.dtype)
    share = np.zeros((steps, *classes.shape), alpha.dtype)
    with np.errstate(invalid="ignore"):  # NaN where no path exists at all
        for t in range(steps - 1, -1, -1):
            runs = (t < input_lengths)[:, None]
            share[t] = np.where(runs, np.exp(alpha[t + 1] + beta - total), 0)
            ahead = beta + emitted[t]
            before = ahead.copy()
            before[:, :-1] = np.logaddexp(before[:, :-1], ahead[:, 1:])
            before[:, :-2] = np.where(skips[:, 2:], np.logaddexp(before[:, :-2], ahead[:, 2:]), before[:, :-2])
            beta = np.where(runs, before, beta)
        share *= np.where(g == 0, 0, -g)[:, None]
    share[:, g == 0] = 0
    place = np.arange(steps * n).reshape(steps, n, 1) * count + classes
    out = np.bincount(place.reshape(-1), share.reshape(-1), steps * n * count)
    return out.reshape(log_probs.shape).astype(log_probs.dtype)


def emissions(log_probs: Array, classes: Array) -> Array:
    """log_probs of the class of each state, (T, N, S)."""
    taken = np.take_along_axis(log_probs, np.broadcast_to(classes, (len(log_probs), *classes.shape)), axis=2)
    return taken.astype(accumulation_dtype(log_probs.dtype), copy=False)
