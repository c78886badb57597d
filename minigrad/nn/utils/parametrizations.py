"""Weights that are normalized, by vectors or spectrally, or orthogonal, by the mechanism of `parametrize`."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.errors import MutationError, ShapeError, UsageError
from minigrad.nn.dropout import Rng
from minigrad.nn.module import Module
from minigrad.nn.transposed_convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minigrad.nn.utils.orthogonal_matrices import MAPS, Orthogonal
from minigrad.nn.utils.parametrize import AnyModule, register_parametrization
from minigrad.rng import default_rng
from minigrad.shapes import canonical_axis
from minigrad.typing import Array

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

INITIAL_ITERATIONS = 15  # PyTorch's number


class _WeightNorm(Module):
    """w = g v / |v|, of the two originals g and v."""

    def __init__(self, dim: int | None) -> None:
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        """Shapes: g (1, ..., D, ..., 1) or (), v (...) -> as v."""
        return v * (g / self._norm(v))

    def right_inverse(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """The norm, and the value itself."""
        return self._norm(value), value

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim is None:
            return ops.vector_norm(v)
        kept = canonical_axis(self.dim, v.ndim)
        axis = tuple([i for i in range(v.ndim) if i != kept])
        return ops.vector_norm(v, axis=axis, keepdims=True) if axis else ops.abs(v)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


def weight_norm(module: AnyModule, name: str = "weight", dim: int | None = 0) -> AnyModule:
    """Train the length and the direction of each weight vector apart: w = g v / |v|.

    Of a state dict, `parametrizations.weight.original0` is g and `original1` is v. `remove_parametrizations` ends it.

    Args:
        module: the module, which is changed.
        name: of the parameter (default "weight").
        dim: the dimension along which each slice has a length of its own (default 0: each output); None: there is one
            length for all.

    Returns:
        The same module.

    Raises:
        UsageError: the module has no such parameter.

    Source: Salimans and Kingma 2016, "Weight normalization: a simple reparameterization to accelerate training of
    deep neural networks", arXiv:1602.07868.

    >>> from minigrad import nn
    >>> layer = weight_norm(nn.Linear(20, 40))
    >>> {name: p.shape for name, p in layer.parametrizations.weight.named_parameters()}
    {'original0': (40, 1), 'original1': (40, 20)}
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    """w / sigma, sigma = u^T W v by power iteration on w as a matrix W of shape (D, rest)."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float, rng: Rng) -> None:
        self.dim, self.n_power_iterations, self.eps = dim, n_power_iterations, eps
        if weight.ndim > 1:
            draw = default_rng() if rng is None else rng
            matrix = self._matrix(weight.detach())
            for buffer, size in zip(("_u", "_v"), matrix.shape, strict=True):
                self.register_buffer(buffer, Tensor(_unit(draw.normal(size=size), eps).astype(matrix.dtype)))
            self._iterate(matrix, INITIAL_ITERATIONS)

    def _matrix(self, weight: Tensor) -> Tensor:
        if self.dim:
            weight = ops.moveaxis(weight, self.dim, 0)
        return ops.reshape(weight, shape=(weight.shape[0], -1))

    @python_call
    def _iterate(self, matrix: Tensor, times: int) -> None:
        """Move u and v toward the singular vectors of the largest singular value."""
        if is_batched(matrix):
            raise MutationError(
                "inside of vmap spectral_norm cannot move its vectors, for each sample would move them elsewhere: call "
                "model.eval()"
            )
        u, v, w = self._u._data, self._v._data, matrix._data
        for _ in range(times):
            u = _unit(w @ v, self.eps)
            v = _unit(w.T @ u, self.eps)
        self._u.writable()[...] = u
        self._v.writable()[...] = v

    def forward(self, weight: Tensor) -> Tensor:
        """Shapes: weight (...) -> the same."""
        if weight.ndim == 1:
            return weight / ops.maximum(ops.vector_norm(weight), self.eps)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._iterate(matrix, self.n_power_iterations)
        return weight / ops.vecdot(self._u, ops.matmul(matrix, self._v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself, which need not be of norm 1."""
        return value

    def extra_repr(self) -> str:
        return f"n_power_iterations={self.n_power_iterations}, dim={self.dim}, eps={self.eps}"


def _unit(x: Array, eps: float) -> Array:
    return np.asarray(x / max(float(np.linalg.norm(x)), eps))


def spectral_norm(
    module: AnyModule,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    rng: Rng = None,
) -> AnyModule:
    """Divide a weight by its largest singular value, so that the layer stretches nothing: w / sigma(w).

    sigma = u^T W v, with W the weight as a matrix, and u and v its first singular vectors. They are buffers, which
    every computation in training mode moves on by power iterations, and evaluation mode leaves as they are; no gradient
    goes through the iterations. `remove_parametrizations` ends it.

    Args:
        module: the module, which is changed.
        name: of the parameter (default "weight").
        n_power_iterations: how many there are to each computation in training mode (default 1).
        eps: norms are taken to be at least this (default 1e-12).
        dim: the dimension of the weight that makes the rows of W (default None: 1 of transposed convolutions, and 0 of
            all others).
        rng: draws the first u and v; the default generator unless given.

    Returns:
        The same module.

    Raises:
        ShapeError: the weight has no dimension, or not this one.
        UsageError: the module has no such parameter; n_power_iterations is no integer of at least 1.

    Source: Miyato et al. 2018, "Spectral normalization for generative adversarial networks", arXiv:1802.05957.

    >>> import numpy as np
    >>> from minigrad import linalg, nn
    >>> layer = spectral_norm(nn.Linear(20, 40), rng=np.random.default_rng(0))
    >>> for _ in range(50):
    ...     y = layer(np.ones(20, np.float32))
    >>> round(linalg.svdvals(layer.weight)[0].item(), 3)
    1.0
    """
    if not hasattr(n_power_iterations, "__index__") or n_power_iterations < 1:
        raise UsageError(f"spectral_norm: n_power_iterations is an integer of at least 1, not {n_power_iterations!r}")
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise UsageError(f"spectral_norm: {type(module).__name__} has no parameter {name!r}")
    if dim is None:
        dim = 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0
    if not -weight.ndim <= dim < weight.ndim:
        raise ShapeError(f"spectral_norm: {name} of shape {weight.shape} has no dimension {dim}")
    kind = _SpectralNorm(weight, n_power_iterations, canonical_axis(dim, weight.ndim), eps, rng)
    return register_parametrization(module, name, kind)


def orthogonal(
    module: AnyModule, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> AnyModule:
    """Keep the columns of a weight orthonormal (of a wide one the rows), whatever the optimizer does.

    The weight is base @ Q(x), where x is trained. The base is what the weight was, or what was assigned to it, made
    orthogonal where it is not.

    Args:
        module: the module, which is changed.
        name: of the parameter (default "weight").
        orthogonal_map: how Q is made: "matrix_exp" and "cayley" reach matrices whose determinant is that of the base,
            "householder" is the cheapest (default None: "matrix_exp" of square and of complex matrices, and
            "householder" of others).
        use_trivialization: whether there is a base (default True); without, nothing can be assigned to a weight by
            "matrix_exp" or "cayley".

    Returns:
        The same module.

    Raises:
        ShapeError: the weight is no matrix.
        UsageError: the module has no such parameter; another map, or "householder" of a complex weight.

    Source: Lezcano Casado 2019, "Trivializations for gradient-based optimization on manifolds", arXiv:1909.09501.

    >>> from minigrad import nn
    >>> layer = orthogonal(nn.Linear(20, 40))
    >>> (layer.weight.mT @ layer.weight).numpy().trace().round(3).item()
    20.0
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise UsageError(f"orthogonal: {type(module).__name__} has no parameter {name!r}")
    if weight.ndim < 2:
        raise ShapeError(f"orthogonal: {name} of shape {weight.shape} is no matrix")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.dtype.kind == "c"
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in MAPS or (orthogonal_map == "householder" and weight.dtype.kind == "c"):
        raise UsageError(
            f'orthogonal: orthogonal_map is "matrix_exp", "cayley" or, of real weights, "householder", not '
            f"{orthogonal_map!r}"
        )
    kind = Orthogonal(weight.shape, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, kind, unsafe=True)
