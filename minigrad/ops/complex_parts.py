"""The parts of complex numbers: real, imag, conj. None of them is holomorphic.

Their rules give, for a cotangent g, that of the input in dL = Re(g dz); see `minigrad/autograd/complex_numbers.py`. The
engine makes a real number of what arrives at a real input.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from minigrad.autograd.complex_numbers import require_real
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.ops.fill import zeros_like
from minigrad.typing import ArrayLike, Value

Parts: TypeAlias = Op[[ArrayLike], Tensor]


def _real(x: Value) -> Value:
    """The real part; of real numbers, the number itself."""
    return np.real(x)


def _imag(x: Value) -> Value:
    """The imaginary part; of real numbers, 0."""
    return np.imag(x) if x.dtype.kind == "c" else np.zeros_like(x)


def _conj(x: Value) -> Value:
    """The complex conjugate, x with the other sign of its imaginary part; of real numbers, the number itself."""
    return np.conj(x) if x.dtype.kind == "c" else x


def _from_parts(x: Value, y: Value) -> Value:
    """The complex number x + iy: unlike the sum, an infinite part leaves the other one what it is."""
    require_real("from_parts", x, y)
    out = np.empty(np.broadcast_shapes(np.shape(x), np.shape(y)), np.result_type(x, y, np.complex64))
    out.real, out.imag = x, y
    return out


# fmt: off
real: Parts = elementwise("real", _real, x=lambda g: g, linear=("x",), complex="nonholomorphic")
imag: Parts = elementwise("imag", _imag, x=lambda g, x: g * -1j if x.dtype.kind == "c" else zeros_like(g),
                          linear=("x",), complex="nonholomorphic")
conj: Parts = elementwise("conj", _conj, x=lambda g: conj(g), linear=("x",), complex="nonholomorphic")
from_parts = elementwise("from_parts", _from_parts, x=lambda g: g, y=lambda g: -imag(g),
                         linear=("x", "y"), complex="nonholomorphic")
# fmt: on
