"""The parametrization of `orthogonal`: matrices with orthonormal columns, as functions of any matrix."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn.module import Module
from minigrad.rng import default_rng
from minigrad.typing import Array

MAPS: Final = ("matrix_exp", "cayley", "householder")


class Orthogonal(Module):
    """base @ Q(x), with Q by a matrix exponential, a Cayley map, or a product of reflections.

    The lower triangle of x counts. For "matrix_exp" and "cayley" it makes a skew-symmetric A = x - x^T, and Q is
    exp(A), or (I - A/2)^-1 (I + A/2). For "householder" it holds the vectors of the reflections, and the diagonal their
    signs.

    Args:
        shape: of the weight.
        orthogonal_map: one of `MAPS`.
        use_trivialization: whether there is a base, which holds what was assigned.

    Shapes: x (..., M, N) -> the same.

    Raises:
        NotImplementedError: when assigned to, there is no base for "matrix_exp" or "cayley".
        ShapeError: when assigned to, the value has another shape.
    """

    base: Tensor | None

    def __init__(self, shape: tuple[int, ...], orthogonal_map: str, use_trivialization: bool) -> None:
        self.shape, self.orthogonal_map, self.use_trivialization = shape, orthogonal_map, use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: x (..., M, N) -> the same."""
        wide = x.shape[-2] < x.shape[-1]
        x = ops.matrix_transpose(x) if wide else x
        q = self._reflections(x) if self.orthogonal_map == "householder" else self._rotation(x)
        if self.use_trivialization and self.base is not None:
            q = ops.matmul(self.base, q)
        return ops.matrix_transpose(q) if wide else q

    def _rotation(self, x: Tensor) -> Tensor:
        """Of a tall x, the first columns of a rotation in all dimensions."""
        rows, columns = x.shape[-2:]
        lower = ops.tril(x)
        if rows > columns:
            lower = ops.concat([lower, np.zeros((*x.shape[:-1], rows - columns), x.dtype)], axis=-1)
        skew = lower - ops.conj(ops.matrix_transpose(lower)) if x.dtype.kind == "c" else lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            q = ops.matrix_exp(skew)
        else:
            one = np.eye(rows, dtype=x.dtype)
            q = ops.solve(one - 0.5 * skew, one + 0.5 * skew)
        return q[..., :columns]

    @staticmethod
    def _reflections(x: Tensor) -> Tensor:
        vectors = ops.tril(x, k=-1)
        tau = 2 / (1 + ops.sum(vectors * vectors, axis=-2))
        signs = ops.trunc(ops.diagonal(x)).detach()  # 1 and -1, which are not trained
        return ops.householder_product(vectors, tau) * ops.expand_dims(signs, axis=-2)

    def right_inverse(self, value: Tensor) -> Tensor:
        """What gives the value; one that is not orthogonal is made so first, by the Q of its QR decomposition."""
        if value.shape != self.shape:
            raise ShapeError(f"orthogonal: expected a matrix of shape {self.shape}, got {value.shape}")
        wide = value.shape[-2] < value.shape[-1]
        q = np.swapaxes(value.data, -1, -2) if wide else value.data
        if not self.use_trivialization:
            x = self._vectors_of(q)
            return Tensor(np.swapaxes(x, -1, -2).copy() if wide else x)
        missing = q.shape[-2] - q.shape[-1]
        if missing:  # the base has all dimensions, the new ones at random
            more = default_rng().normal(size=(*q.shape[:-1], missing))
            q = np.concatenate([q, more.astype(q.dtype)], axis=-1)
        self.base = Tensor(q.copy() if not missing and _is_orthogonal(q) else _orthogonalized(q))
        start = np.zeros(value.shape, value.dtype)
        sides = np.arange(min(value.shape[-2:]))
        start[..., sides, sides] = -1  # for which all maps give the identity
        return Tensor(start)

    def _vectors_of(self, q: Array) -> Array:
        """The reflections that make q: their vectors below the diagonal, and on it the signs."""
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f'orthogonal: a weight by "{self.orthogonal_map}" cannot be assigned without use_trivialization=True'
            )
        raw, tau = np.linalg.qr(q, mode="raw")
        x = np.swapaxes(raw, -1, -2).copy()
        sides = np.arange(x.shape[-1])
        signs = np.sign(x[..., sides, sides])
        x[..., sides, sides] = np.where(tau == 0, -signs, signs)
        return x

    def extra_repr(self) -> str:
        """The map."""
        return self.orthogonal_map


def _is_orthogonal(q: Array) -> bool:
    eps = 10 * q.shape[-2] * np.finfo(q.dtype).eps
    return np.allclose(np.conj(np.swapaxes(q, -1, -2)) @ q, np.eye(q.shape[-1]), atol=float(eps))


def _orthogonalized(x: Array) -> Array:
    """The Q of x = Q R for which the diagonal of R is above 0."""
    q, r = np.linalg.qr(x)
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    size = np.abs(diagonal)
    return np.asarray(q * np.where(size > 0, diagonal / np.where(size > 0, size, 1), 1)[..., None, :], x.dtype)
