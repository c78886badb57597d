"""Sequences of different lengths: padded to one length, or packed, so that recurrent layers skip the padding.

    padded      x[t, n], with zeros behind the end of each sequence
    packed      the elements of all first steps, then of all second steps, ...; the longest sequence first

A packed sequence has no padding: at each step there are as many rows as sequences are that long (`batch_sizes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array, ArrayLike

__all__ = [
    "PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence",
    "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences of different lengths without padding, as `pack_padded_sequence` makes them.

    Args:
        data: the elements of all first steps, then of all second steps, and so on.
        batch_sizes: how many sequences there are at each step, integers that do not increase.
        sorted_indices: the sequences in the order in which they are packed, the longest first; None (default) if they
            were given in it.
        unsorted_indices: the way back; made of `sorted_indices` unless given.

    Shapes: data (R, ...), batch_sizes (T), the indices (N).
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Make the way back, if it is not given."""
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = wrap(np.argsort(as_array(sorted_indices)))
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The batch sizes as numbers."""
        return tuple(as_array(self.batch_sizes).tolist())

    @property
    def lengths(self) -> Array:
        """The length of each sequence, in the order in which they are packed."""
        sizes = as_array(self.batch_sizes)
        lengths: Array = (sizes[:, None] > np.arange(sizes[0])).sum(axis=0)
        return lengths


def pad_sequence(
    sequences: Sequence[ArrayLike],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences of different lengths as one Tensor.

    Args:
        sequences: with one shape, but for the first dimension, the length.
        batch_first: whether the batch is the first dimension of the result (default False: the second).
        padding_value: what fills up the shorter ones (default 0).
        padding_side: "right" (default), behind the end, or "left", before the beginning.

    Shapes: each (T_n, ...) -> (T, N, ...), or (N, T, ...) with `batch_first`; T is the largest length.

    Raises:
        ShapeError: there are none, or they differ in more than their length.
        UsageError: another side.

    >>> pad_sequence([Tensor([1.0, 2.0, 3.0]), Tensor([4.0])], batch_first=True).tolist()
    [[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]
    """
    if padding_side not in ("right", "left"):
        raise UsageError(f'pad_sequence: padding_side is "right" or "left", not {padding_side!r}')
    _require_alike("pad_sequence", sequences)
    length = max(shape_of(x)[0] for x in sequences)
    padded = []
    for x in sequences:
        missing = length - shape_of(x)[0]
        widths = ((0, missing) if padding_side == "right" else (missing, 0), *[(0, 0)] * (len(shape_of(x)) - 1))
        padded.append(ops.pad(x, widths=widths, value=padding_value))
    return ops.stack(padded, axis=0 if batch_first else 1)


def unpad_sequence(padded_sequences: ArrayLike, lengths: ArrayLike, batch_first: bool = False) -> list[Tensor]:
    """The sequences that `pad_sequence` was given.

    Args:
        padded_sequences: the padded ones.
        lengths: the length of each.
        batch_first: whether the batch is the first dimension (default False: the second).

    Shapes: (T, N, ...), or (N, T, ...) with `batch_first`, and lengths (N) -> each (T_n, ...).
    """
    rows = padded_sequences if batch_first else ops.moveaxis(padded_sequences, 1, 0)
    return [ops.getitem(rows, index=(n, slice(0, int(length)))) for n, length in enumerate(as_array(lengths))]


def pack_padded_sequence(
    input: ArrayLike, lengths: ArrayLike, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences: what stands behind the end of each is left out.

    Args:
        input: the sequences, padded at their ends.
        lengths: the length of each, integers of at least 1.
        batch_first: whether the batch is the first dimension (default False: the second).
        enforce_sorted: whether the longest sequence must come first, and so on (default True); else they are sorted
            here, and put back in order by whoever unpacks them.

    Shapes: input (T, N, ...), or (N, T, ...) with `batch_first`, lengths (N) -> data (R, ...), R the sum of lengths.

    Raises:
        DTypeError: lengths are no integers.
        ShapeError: input and lengths do not fit.
        UsageError: a length is below 1 or above T; they are not sorted although they must be.

    >>> packed = pack_padded_sequence(Tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]), [3, 1], batch_first=True)
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1.0, 4.0, 2.0, 3.0], [2, 1, 1])
    """
    shape = shape_of(input)
    if len(shape) < 2:
        raise ShapeError(f"pack_padded_sequence: input has time and batch as its first dimensions, got shape {shape}")
    steps, count = (shape[1], shape[0]) if batch_first else shape[:2]
    sizes = _checked_lengths(as_array(lengths), steps, count)
    order = np.argsort(-sizes, kind="stable")
    if enforce_sorted and (np.diff(sizes) > 0).any():
        raise UsageError(
            "pack_padded_sequence: the longest sequence must come first: sort them, or pass enforce_sorted=False"
        )
    step, place = np.nonzero(np.arange(steps)[:, None] < sizes[order])
    sequence = order[place]
    data = ops.getitem(input, index=(sequence, step) if batch_first else (step, sequence))
    batch_sizes = np.bincount(step, minlength=0).astype(np.int64)
    indices = None if enforce_sorted else wrap(order)
    return PackedSequence(data if isinstance(data, Tensor) else wrap(data), wrap(batch_sizes), indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad what is packed: the inverse of `pack_padded_sequence`.

    Args:
        sequence: what is packed.
        batch_first: whether the batch shall be the first dimension (default False: the second).
        padding_value: what stands behind the end of each sequence (default 0).
        total_length: T, if it is to be larger than the largest length (default None: it is not).

    Returns:
        The padded sequences in the order in which they were before they were packed, and their lengths.

    Shapes: data (R, ...) -> (T, N, ...), or (N, T, ...) with `batch_first`, and lengths (N).

    Raises:
        UsageError: total_length is smaller than the largest length.
    """
    sizes, lengths = sequence.sizes, sequence.lengths
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise UsageError(f"pad_packed_sequence: total_length {steps} is less than the largest length, {len(sizes)}")
    rows = np.full((steps, sizes[0]), len(sequence.data))  # of the row of padding behind all others
    inside = np.arange(steps)[:, None] < lengths
    rows[inside] = np.arange(len(sequence.data))
    if sequence.unsorted_indices is not None:
        back = as_array(sequence.unsorted_indices)
        rows, lengths = rows[:, back], lengths[back]
    padding = np.full((1, *sequence.data.shape[1:]), padding_value, sequence.data.dtype)
    table = ops.concat([sequence.data, padding], axis=0)
    return ops.getitem(table, index=rows.T if batch_first else rows), wrap(lengths)


def pack_sequence(sequences: Sequence[ArrayLike], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Args:
        sequences: with one shape, but for the first dimension, the length.
        enforce_sorted: whether the longest sequence must come first, and so on (default True).

    Shapes: each (T_n, ...) -> data (R, ...), R the sum of lengths.

    Raises:
        ShapeError: there are none, or they differ in more than their length.
        UsageError: one is empty; they are not sorted although they must be.
    """
    lengths = [shape_of(x)[0] for x in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that `pack_sequence` was given.

    Args:
        packed_sequences: what is packed.

    Shapes: data (R, ...) -> each (T_n, ...).
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences))


def _require_alike(name: str, sequences: Sequence[ArrayLike]) -> None:
    shapes: list[Shape] = [shape_of(x) for x in sequences]
    if not shapes or not all(shape and shape[1:] == shapes[0][1:] for shape in shapes):
        raise ShapeError(f"{name}: the sequences must be alike but for their lengths, got shapes {shapes}")


def _checked_lengths(lengths: Array, steps: int, count: int) -> Array:
    if lengths.dtype.kind not in "iu":
        raise DTypeError(f"pack_padded_sequence: lengths are integers, not {lengths.dtype}")
    if lengths.shape != (count,):
        raise ShapeError(f"pack_padded_sequence: {count} sequences have {count} lengths, got shape {lengths.shape}")
    if lengths.size and not 1 <= lengths.min() <= lengths.max() <= steps:
        raise UsageError(f"pack_padded_sequence: lengths are from 1 to T = {steps}, got {lengths.tolist()}")
    return lengths.astype(np.int64)
