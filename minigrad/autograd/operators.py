"""The operators and methods of a Tensor, each one call of the op of the same name.

They stand apart from `tensor.py` because they say nothing about what a Tensor is: this is the syntax, that is the
object. They are ordinary methods, which `help()`, editors and type checkers see. The ops are built on Tensors, so this
file cannot import them: `minigrad/ops/__init__.py`, `autograd/transforms.py` and `numpy_protocol.py` hand themselves to
`bind` when they are complete.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

if TYPE_CHECKING:
    from minigrad import numpy_protocol as numpy_protocol
    from minigrad import ops as ops
    from minigrad.autograd import transforms as transforms
    from minigrad.autograd.tensor import Tensor

from minigrad.pytorch_names.keywords import explain_calls
from minigrad.typing import Array, Axis


def bind(**modules: ModuleType) -> None:
    """Give this file a module that is built on Tensors: `ops`, `transforms` or `numpy_protocol`."""
    globals().update(modules)


class Operators:
    """What a Tensor can be asked to compute."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __array__(self) -> Array: ...  # what a Tensor has beside, for type checkers
        def _in_place(self, result: Tensor) -> Tensor: ...

    # NumPy asks these two before it treats a Tensor as a sequence; see numpy_protocol.py.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        return numpy_protocol.apply_ufunc(ufunc, method, inputs, settings)

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        return numpy_protocol.apply_function(function, inputs, settings)

    # ---- arithmetic and comparison ---------------------------------------------------------------------------

    def __add__(self, y: Any) -> Tensor:
        return ops.add(self, y)

    def __radd__(self, x: Any) -> Tensor:
        return ops.add(x, self)

    def __sub__(self, y: Any) -> Tensor:
        return ops.subtract(self, y)

    def __rsub__(self, x: Any) -> Tensor:
        return ops.subtract(x, self)

    def __mul__(self, y: Any) -> Tensor:
        return ops.multiply(self, y)

    def __rmul__(self, x: Any) -> Tensor:
        return ops.multiply(x, self)

    def __truediv__(self, y: Any) -> Tensor:
        return ops.divide(self, y)

    def __rtruediv__(self, x: Any) -> Tensor:
        return ops.divide(x, self)

    def __floordiv__(self, y: Any) -> Tensor:
        return ops.floor_divide(self, y)

    def __rfloordiv__(self, x: Any) -> Tensor:
        return ops.floor_divide(x, self)

    def __mod__(self, y: Any) -> Tensor:
        return ops.remainder(self, y)

    def __rmod__(self, x: Any) -> Tensor:
        return ops.remainder(x, self)

    def __pow__(self, y: Any) -> Tensor:
        return ops.pow(self, y)

    def __rpow__(self, x: Any) -> Tensor:
        return ops.pow(x, self)

    def __matmul__(self, y: Any) -> Tensor:
        return ops.matmul(self, y)

    def __rmatmul__(self, x: Any) -> Tensor:
        return ops.matmul(x, self)

    def __iadd__(self, y: Any) -> Tensor:
        return self._in_place(ops.add(self, y))

    def __isub__(self, y: Any) -> Tensor:
        return self._in_place(ops.subtract(self, y))

    def __imul__(self, y: Any) -> Tensor:
        return self._in_place(ops.multiply(self, y))

    def __itruediv__(self, y: Any) -> Tensor:
        return self._in_place(ops.divide(self, y))

    def __ipow__(self, y: Any) -> Tensor:
        return self._in_place(ops.pow(self, y))

    def __ifloordiv__(self, y: Any) -> Tensor:
        return self._in_place(ops.floor_divide(self, y))

    def __imod__(self, y: Any) -> Tensor:
        return self._in_place(ops.remainder(self, y))

    def __imatmul__(self, y: Any) -> Tensor:
        return self._in_place(ops.matmul(self, y))

    def __neg__(self) -> Tensor:
        return ops.negative(self)

    def __pos__(self) -> Tensor:
        return ops.positive(self)

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    def __invert__(self) -> Tensor:
        return ops.bitwise_invert(self)

    def __and__(self, y: Any) -> Tensor:
        return ops.bitwise_and(self, y)

    def __or__(self, y: Any) -> Tensor:
        return ops.bitwise_or(self, y)

    def __rand__(self, x: Any) -> Tensor:
        return ops.bitwise_and(x, self)

    def __ror__(self, x: Any) -> Tensor:
        return ops.bitwise_or(x, self)

    def __xor__(self, y: Any) -> Tensor:
        return ops.bitwise_xor(self, y)

    def __rxor__(self, x: Any) -> Tensor:
        return ops.bitwise_xor(x, self)

    def __lshift__(self, y: Any) -> Tensor:
        return ops.bitwise_left_shift(self, y)

    def __rlshift__(self, x: Any) -> Tensor:
        return ops.bitwise_left_shift(x, self)

    def __rshift__(self, y: Any) -> Tensor:
        return ops.bitwise_right_shift(self, y)

    def __rrshift__(self, x: Any) -> Tensor:
        return ops.bitwise_right_shift(x, self)

    def __divmod__(self, y: Any) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(self, y), ops.remainder(self, y)

    def __rdivmod__(self, x: Any) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(x, self), ops.remainder(x, self)

    def __round__(self) -> Tensor:
        return ops.round(self)

    def __eq__(self, y: Any) -> Tensor:  # type: ignore[override]
        return ops.equal(self, y) if _is_arraylike(y) else NotImplemented

    def __ne__(self, y: Any) -> Tensor:  # type: ignore[override]
        return ops.not_equal(self, y) if _is_arraylike(y) else NotImplemented

    def __lt__(self, y: Any) -> Tensor:
        return ops.less(self, y)

    def __le__(self, y: Any) -> Tensor:
        return ops.less_equal(self, y)

    def __gt__(self, y: Any) -> Tensor:
        return ops.greater(self, y)

    def __ge__(self, y: Any) -> Tensor:
        return ops.greater_equal(self, y)

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index=index)

    # ---- reductions ------------------------------------------------------------------------------------------

    @explain_calls
    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Sum over axes (all by default)."""
        return ops.sum(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Arithmetic mean over axes."""
        return ops.mean(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def var(self, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
        """Variance over axes."""
        return ops.var(self, axis=axis, correction=correction, keepdims=keepdims)

    @explain_calls
    def std(self, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
        """Standard deviation over axes."""
        return ops.std(self, axis=axis, correction=correction, keepdims=keepdims)

    @explain_calls
    def prod(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Product over axes."""
        return ops.prod(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest element over axes; at a tie the first one gets the gradient."""
        return ops.max(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Smallest element over axes; at a tie the first one gets the gradient."""
        return ops.min(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def all(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether all elements over axes are true, that is, not 0 (no gradient)."""
        return ops.all(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def any(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether any element over axes is true, that is, not 0 (no gradient)."""
        return ops.any(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Where the first largest element is (integers, no gradient)."""
        return ops.argmax(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Where the first smallest element is (integers, no gradient)."""
        return ops.argmin(self, axis=axis, keepdims=keepdims)

    @explain_calls
    def logsumexp(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Logarithm of the sum of exponentials over axes, without overflow."""
        return ops.logsumexp(self, axis=axis, keepdims=keepdims)

    # ---- order -----------------------------------------------------------------------------------------------

    @explain_calls
    def sort(self, axis: int = -1, descending: bool = False) -> Tensor:
        """The elements in rising (or falling) order along an axis; a new Tensor. Equal elements keep their order."""
        return ops.sort(self, axis=axis, descending=descending)

    @explain_calls
    def argsort(self, axis: int = -1, descending: bool = False) -> Tensor:
        """The positions that sort along an axis (integers, no gradient)."""
        return ops.argsort(self, axis=axis, descending=descending)

    @explain_calls
    def topk(self, k: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        """The k largest elements along an axis, and where they are."""
        return ops.topk(self, k, axis, largest)

    @explain_calls
    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """The slices at `indices` along an axis; only a vector needs no axis."""
        return ops.take(self, indices, axis=axis)

    # ---- shape -----------------------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """All dimensions in reverse order."""
        return ops.permute_dims(self, axes=None)

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped: the transpose of each matrix in a stack."""
        return ops.matrix_transpose(self)

    @explain_calls
    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape, given as `2, 3` or `(2, 3)`; one size may be -1."""
        return ops.reshape(self, shape=_unpacked(shape))

    @explain_calls
    def permute(self, *axes: Any) -> Tensor:
        """The dimensions in another order; reversed when none is given."""
        return ops.permute_dims(self, axes=_unpacked(axes) or None)

    @explain_calls
    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """The dimensions `start_dim` to `end_dim` (included) joined into one."""
        return ops.flatten(self, start_dim, end_dim)

    @explain_calls
    def squeeze(self, axis: Axis = None) -> Tensor:
        """Without the given dimensions of size 1 (all of them by default)."""
        return ops.squeeze(self, axis=axis)

    @explain_calls
    def expand_dims(self, axis: Axis) -> Tensor:
        """With new dimensions of size 1 at the given places of the result."""
        return ops.expand_dims(self, axis=axis)

    @explain_calls
    def broadcast_to(self, *shape: Any) -> Tensor:
        """Repeated along new dimensions, and along those of size 1, without a copy."""
        return ops.broadcast_to(self, shape=_unpacked(shape))

    @explain_calls
    def astype(self, dtype: DTypeLike) -> Tensor:
        """Converted to another dtype; between floating dtypes gradients flow back through the conversion."""
        return ops.astype(self, dtype=dtype)

    # ---- elementwise -----------------------------------------------------------------------------------------

    def exp(self) -> Tensor:
        """e to the power of each element."""
        return ops.exp(self)

    def log(self) -> Tensor:
        """Natural logarithm."""
        return ops.log(self)

    def sqrt(self) -> Tensor:
        """Square root."""
        return ops.sqrt(self)

    def square(self) -> Tensor:
        """Each element times itself."""
        return ops.square(self)

    def abs(self) -> Tensor:
        """Absolute value; the derivative at 0 is taken as 0."""
        return ops.abs(self)

    @property
    def real(self) -> Tensor:
        """The real part."""
        return ops.real(self)

    @property
    def imag(self) -> Tensor:
        """The imaginary part; 0 for real numbers."""
        return ops.imag(self)

    def conj(self) -> Tensor:
        """The complex conjugate; for real numbers, the number itself."""
        return ops.conj(self)

    def angle(self) -> Tensor:
        """The angle of complex numbers, in radians from -pi to pi; 0 or pi for real ones."""
        return ops.angle(self)

    def sin(self) -> Tensor:
        """Sine."""
        return ops.sin(self)

    def cos(self) -> Tensor:
        """Cosine."""
        return ops.cos(self)

    def tanh(self) -> Tensor:
        """Hyperbolic tangent."""
        return ops.tanh(self)

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-x))."""
        return ops.sigmoid(self)

    def relu(self) -> Tensor:
        """max(x, 0); the derivative at 0 is taken as 0."""
        return ops.relu(self)

    @explain_calls
    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Each element moved into [min, max]; gradients flow where it was inside, bounds included."""
        return ops.clip(self, min, max)

    @explain_calls
    def matmul(self, y: Any) -> Tensor:
        """Matrix product, as `@`."""
        return ops.matmul(self, y)

    @explain_calls
    def diagonal(self, offset: int = 0) -> Tensor:
        """The diagonal of each matrix (the last two dimensions)."""
        return ops.diagonal(self, offset=offset)

    @explain_calls
    def trace(self, offset: int = 0) -> Tensor:
        """The sum of the diagonal of each matrix (the last two dimensions)."""
        return ops.trace(self, offset=offset)


def _is_arraylike(y: object) -> bool:
    """Whether y can be compared element by element; None, texts and pytest.approx decide for themselves."""
    return isinstance(y, (Operators, np.ndarray, np.generic, int, float, complex, list, tuple))


def _unpacked(sizes: tuple[Any, ...]) -> tuple[Any, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
