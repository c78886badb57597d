"""Initial values that are matrices or kernels of a kind: orthogonal, identity, kernels that pass channels through."""

from __future__ import annotations

import math

import numpy as np

from minigrad.autograd.tensor import default_dtype
from minigrad.errors import ShapeError, UsageError
from minigrad.init.distributions import constant
from minigrad.init.skipping import skippable
from minigrad.init.variance_scaling import checked_gain, fans
from minigrad.rng import default_rng
from minigrad.typing import Array, Shape

Rng = np.random.Generator | None


@skippable
def orthogonal(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """A random matrix (O, C*P*Q) with W W^T = gain^2 I, or W^T W = gain^2 I if it has more rows than columns.

    It is uniform among all such matrices: the Q of the QR decomposition of a normal one, with the signs that make R's
    diagonal positive.

    Args:
        shape: of the weight, (O, D) or (O, C, P, Q).
        gain: the length of the shorter ones of rows and columns, of at least 0 (default 1.0).
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: the gain is no number of at least 0.
        ShapeError: the shape has less than two dimensions.

    Source: Saxe et al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    arXiv:1312.6120; Mezzadri 2006, "How to generate random matrices from the classical compact groups",
    arXiv:math-ph/0609050.

    >>> w = orthogonal((2, 3), rng=np.random.default_rng(0))
    >>> bool(np.allclose(w @ w.T, np.eye(2), atol=1e-6))
    True
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    a: Array = (rng or default_rng()).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(a)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    matrix: Array = checked_gain(gain) * (q if rows >= columns else q.T)
    return matrix.reshape(shape).astype(default_dtype())


def eye(shape: Shape) -> Array:
    """The identity matrix: ones on the diagonal, zeros elsewhere.

    Args:
        shape: of the weight, (O, D).

    Returns:
        An array in the default dtype.

    Raises:
        ShapeError: the shape has not two dimensions.
    """
    if len(shape) != 2:
        raise ShapeError(f"eye: a matrix has two dimensions, got shape {shape}: for kernels there is dirac")
    return np.eye(*shape, dtype=default_dtype())


def dirac(shape: Shape, groups: int = 1) -> Array:
    """Kernels that pass channels through: 1 at the center of kernel o for channel o (of each group), 0 elsewhere.

    Args:
        shape: of the weight, (O, C/groups, P, Q) or (O, C/groups, Q).
        groups: how many parts the kernels make, as in the convolution (default 1).

    Returns:
        An array in the default dtype.

    Raises:
        ShapeError: the shape is not that of kernels.
        UsageError: the kernels do not make so many groups.

    >>> dirac((1, 1, 3)).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    if len(shape) < 3:
        raise ShapeError(f"dirac: kernels are (O, C, P, Q) or (O, C, Q), got shape {shape}: for matrices there is eye")
    if groups < 1 or shape[0] % groups:
        raise UsageError(f"dirac: {shape[0]} kernels do not make {groups} equal groups")
    out, per_group = constant(shape), shape[0] // groups
    center = tuple([n // 2 for n in shape[2:]])
    for o in range(shape[0]):
        if o % per_group < shape[1]:
            out[(o, o % per_group, *center)] = 1
    return out
