"""Calls of Fourier transforms; entered in `calls_from_facts.CALLS_BY_NAME`."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.strategies.array_strategies import Draw, arrays, shapes
from minigrad.testing.strategies.calls_from_facts import draws_calls_of

NORMS = st.sampled_from(["backward", "ortho", "forward"])
DTYPES = st.sampled_from([np.float64, np.complex128, np.complex64])


@draws_calls_of("fft", "ifft")
def _fft(draw: Draw, op: Op) -> FunctionCall:
    x = draw(arrays(shapes(min_dims=1, min_side=1), dtype=draw(DTYPES)))
    axes = draw(st.lists(st.integers(0, x.ndim - 1), unique=True))
    return FunctionCall.of(op, x, axes=tuple(axes), norm=draw(NORMS))


@draws_calls_of("rfft")
def _rfft(draw: Draw, op: Op) -> FunctionCall:
    x = draw(arrays(shapes(min_dims=1, min_side=1)))
    return FunctionCall.of(op, x, axis=draw(st.integers(0, x.ndim - 1)), norm=draw(NORMS))


@draws_calls_of("irfft")
def _irfft(draw: Draw, op: Op) -> FunctionCall:
    x = draw(arrays(shapes(min_dims=1, min_side=1), dtype=draw(DTYPES)))
    axis = draw(st.integers(0, x.ndim - 1))
    half = x.shape[axis]
    n = draw(st.sampled_from([2 * half - 1, max(2 * half - 2, 1)]))
    return FunctionCall.of(op, x, n=n, axis=axis, norm=draw(NORMS))
