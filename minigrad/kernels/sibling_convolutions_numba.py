"""The compiled variants of `sibling_convolutions`, by one sweep of `pointwise_convolution_numba` each."""

from minigrad.typing import Array

from . import buffers
from .jit import VariantResult
from .pointwise_convolution_numba import convolve, suits
from .sibling_convolutions import is_worthwhile

WHERE = (1, 1), (0, 0), 1  # stride, padding, groups


def conv_each(x: Array, *ws: Array) -> VariantResult:
    """See `sibling_convolutions.conv_each`."""
    if not is_worthwhile(x.shape, [w.shape for w in ws]) or not all(suits(x, w, w.shape, *WHERE) for w in ws):
        return NotImplemented
    outs = [buffers.empty((len(x), len(w), *x.shape[2:]), x.dtype) for w in ws]
    convolve([x], ws, outs)
    return tuple(outs)


def conv_sum(*arrays: Array) -> VariantResult:
    """See `sibling_convolutions.conv_sum`."""
    ys, ws = arrays[: len(arrays) // 2], arrays[len(arrays) // 2 :]
    same = all(y.dtype == ys[0].dtype and suits(y, w, w.shape, *WHERE) for y, w in zip(ys, ws, strict=True))
    if not same or not is_worthwhile(ys[0].shape, [w.shape for w in ws]):
        return NotImplemented
    out = buffers.empty((len(ys[0]), ws[0].shape[1], *ys[0].shape[2:]), ys[0].dtype)
    convolve(ys, ws, [out], transposed=True)
    return out
