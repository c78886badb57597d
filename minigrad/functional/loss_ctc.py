"""The loss of networks that write down a sequence without being told where in time its labels are."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, DTypeError, ShapeError, UsageError
from minigrad.functional.reduction import check_reduction, raw, reduced
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike


def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability of the labels, summed over all ways to spread them over the time steps. Unit: nats.

    At each step the network gives a class or the blank; what is repeated counts once, and blanks are taken out. The
    gradient by log_probs is minus the probability that a path is there. (PyTorch adds exp(log_probs), which is the same
    behind `log_softmax`.)

    Args:
        log_probs: logarithms of probabilities, such as `log_softmax` gives.
        targets: the labels of each sample, padded to one length, or those of all samples in one row.
        input_lengths: how many steps there are in each sample, at most T.
        target_lengths: how many labels.
        blank: the class that stands for no label (default 0).
        reduction: "mean" over the samples of the loss a label, "sum", or "none" (default "mean").
        zero_infinity: whether samples with too few steps for their labels count 0, and without gradient, in place of
            infinity (default False).

    Shapes: log_probs (T, N, C), targets (N, L) or (all labels), lengths (N) -> (), or (N) with reduction "none". For
    one sample: log_probs (T, C), targets (L), lengths () or (1) -> ().

    Raises:
        DataError: a length is negative or too large, or a label is no class, or the blank.
        DTypeError: targets or lengths are not integers.
        ShapeError: the shapes do not fit.
        UsageError: blank is no class; another reduction.

    Source: Graves, Fernandez, Gomez and Schmidhuber 2006, "Connectionist temporal classification: labelling
    unsegmented sequence data with recurrent neural networks", ICML.

    >>> import numpy as np
    >>> even = np.log(np.full((2, 1, 2), 0.5))  # two steps, one sample, the blank and one label
    >>> round(float(ctc_loss(even, [[1]], [2], [1])), 4)  # of the four paths, three give the label
    0.2877
    """
    check_reduction(reduction)
    shape = shape_of(log_probs)
    if len(shape) not in (2, 3):
        raise ShapeError(f"ctc_loss: expected log_probs (T, N, C), or (T, C) of one sample, got shape {shape}")
    single = len(shape) == 2
    if single:
        log_probs = ops.expand_dims(log_probs, axis=1)
    steps, samples, classes = shape_of(log_probs)
    if not 0 <= blank < classes:
        raise UsageError(f"ctc_loss: blank is one of the {classes} classes, not {blank}")
    given = [raw(x) for x in (targets, input_lengths, target_lengths)]
    labels, inputs, lengths = given
    if not any(map(is_batched, given)):
        labels, inputs, lengths = _checked(labels, inputs, lengths, steps, samples, classes, blank)
    losses = ops.ctc_nll(log_probs, labels, inputs, lengths, blank=blank)
    if zero_infinity:
        losses = ops.where(ops.isinf(losses), 0, losses)
    if reduction == "mean":
        losses = ops.divide(losses, ops.astype(ops.maximum(lengths, 1), dtype=losses.dtype))
    elif single and reduction == "none":
        losses = ops.reshape(losses, shape=())
    return reduced(losses, reduction)


@python_check
def _checked(
    targets: Array, input_lengths: Array, target_lengths: Array, steps: int, samples: int, classes: int, blank: int
) -> tuple[Array, Array, Array]:
    """The labels in a row for each sample, and the lengths."""
    for name, x in (("targets", targets), ("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if x.dtype.kind not in "iu" and x.size:
            raise DTypeError(f"ctc_loss: {name} holds integers, not {x.dtype}: use .astype(int)")
    inputs, lengths = [_lengths(x, samples) for x in (input_lengths, target_lengths)]
    padded = targets.ndim == 2
    if targets.ndim not in (1, 2) or (padded and len(targets) != samples):
        raise ShapeError(
            f"ctc_loss: expected targets ({samples}, L), or all labels in one row, got shape {targets.shape}"
        )
    if not padded and samples != 1 and targets.size != lengths.sum():
        raise ShapeError(f"ctc_loss: targets has {targets.size} labels, but target_lengths add up to {lengths.sum()}")
    longest = targets.shape[1] if padded else targets.size if samples == 1 else max([0, *lengths])
    for name, x, most in (("input_lengths", inputs, steps), ("target_lengths", lengths, longest)):
        if x.size and not 0 <= x.min() <= x.max() <= most:
            raise DataError(f"ctc_loss: {name} must lie in 0 ... {most}, got {x.min()} ... {x.max()}")
    used = np.arange(longest) < lengths[:, None]
    labels = np.full((samples, longest), blank, np.intp)
    labels[used] = targets[used] if padded else targets[: lengths.sum()]
    wrong = used & ((labels < 0) | (labels >= classes) | (labels == blank))
    if wrong.any():
        n, k = np.argwhere(wrong)[0]
        raise DataError(
            f"ctc_loss: label {k} of sample {n} is {labels[n, k]}, but labels are classes from 0 to {classes - 1}, and "
            f"not the blank, {blank}"
        )
    return labels, inputs, lengths


def _lengths(x: Array, samples: int) -> Array:
    if x.size != samples or x.ndim > 1:
        raise ShapeError(f"ctc_loss: lengths are one number for each of {samples} samples, got shape {x.shape}")
    return x.reshape(samples).astype(np.intp)
