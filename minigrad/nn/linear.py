"""Linear and bilinear maps, tables of vectors, and the angle between vectors."""

from __future__ import annotations

from typing import Self

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import UsageError
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None


class Linear(Configured):
    """A linear map: y = x W^T + b.

    Args:
        in_features: D, the size of each input.
        out_features: O, the size of each output.
        bias: whether there is b (default True).
        rng: draws the initial values, uniform in +-1/sqrt(D); the default generator unless given.

    Shapes: x (..., D) -> (..., O); weight (O, D), bias (O).

    Raises:
        UsageError: a size is no integer of at least 0.
        ShapeError: when called, x does not end with D.

    >>> import minigrad as mg
    >>> layer = Linear(784, 10)
    >>> layer.weight.shape, layer(mg.zeros((64, 784))).shape
    ((10, 784), (64, 10))
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, rng: Rng = None) -> None:
        self.in_features = count(self, "in_features", in_features)
        self.out_features = count(self, "out_features", out_features)
        self.weight = Parameter(init.torch_default_uniform((out_features, in_features), in_features, rng))
        self.bias = Parameter(init.torch_default_uniform((out_features,), in_features, rng)) if bias else None

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., D) -> (..., O)."""
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Configured):
    """A map that is linear in each of two inputs: y[o] = sum over i, j of x1[i] * weight[o,i,j] * x2[j] + bias[o].

    Args:
        in1_features: D1, the size of each first input.
        in2_features: D2, the size of each second input.
        out_features: O, the size of each output.
        bias: whether it is there (default True).
        rng: draws the initial values, uniform in +-1/sqrt(D1); the default generator unless given.

    Shapes: x1 (..., D1), x2 (..., D2) -> (..., O); weight (O, D1, D2), bias (O).

    Raises:
        UsageError: a size is no integer of at least 0.
        ShapeError: when called, the inputs do not fit each other or the weight.
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, *, rng: Rng = None
    ) -> None:
        self.in1_features = count(self, "in1_features", in1_features)
        self.in2_features = count(self, "in2_features", in2_features)
        self.out_features = count(self, "out_features", out_features)
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(init.torch_default_uniform(shape, in1_features, rng))
        self.bias = Parameter(init.torch_default_uniform((out_features,), in1_features, rng)) if bias else None

    def forward(self, x1: ArrayLike, x2: ArrayLike) -> Tensor:
        """Shapes: x1 (..., D1), x2 (..., D2) -> (..., O)."""
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings."""
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}"
        return f"{sizes}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(Configured):
    """A table of learned vectors: y = weight[x], for each class number its row.

    Args:
        num_embeddings: M, the number of rows.
        embedding_dim: D, the size of each.
        padding_idx: a row that begins as zeros and gets no gradient (default None: there is none).
        rng: draws the initial values, normal with mean 0 and variance 1; the default generator unless given.

    Shapes: x (...) of integers -> (..., D); weight (M, D).

    Raises:
        UsageError: a size is no integer of at least 0, or padding_idx is no row.
        DataError: when called, a number is no row of the table.
        DTypeError: when called, x is not made of integers.

    Source: Bengio et al. 2003, "A neural probabilistic language model".

    >>> layer = Embedding(5, 3)
    >>> layer([[0, 4], [1, 1]]).shape
    (2, 2, 3)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *, rng: Rng = None
    ) -> None:
        num_embeddings = count(self, "num_embeddings", num_embeddings)
        embedding_dim = count(self, "embedding_dim", embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise UsageError(f"Embedding: padding_idx {padding_idx} is no row of a table of {num_embeddings}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        weight = init.normal((num_embeddings, embedding_dim), rng=rng)
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight)

    @classmethod
    def from_pretrained(cls, embeddings: ArrayLike, freeze: bool = True, padding_idx: int | None = None) -> Self:
        """An embedding whose table is given.

        Args:
            embeddings: the table, (M, D).
            freeze: whether it is not trained (default True).
            padding_idx: a row that gets no gradient (default None: there is none).

        Raises:
            UsageError: the table has not two dimensions, or padding_idx is no row.
        """
        table = as_array(embeddings)
        if table.ndim != 2:
            raise UsageError(f"Embedding: a table has two dimensions (M, D), got shape {table.shape}")
        layer = cls(table.shape[0], table.shape[1], padding_idx)
        layer.weight = Parameter(table)
        layer.weight.requires_grad = not freeze
        return layer

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (...) of integers -> (..., D)."""
        return F.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The settings."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class CosineSimilarity(Configured):
    """The cosine of the angle between vectors: x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)).

    Args:
        dim: the dimension along which the vectors lie (default 1).
        eps: the least length that is divided by (default 1e-8).

    Shapes: x1 and x2 (..., D, ...) that broadcast -> the common shape without D.

    >>> CosineSimilarity(dim=0)(Tensor([3.0, 0.0]), Tensor([0.0, 2.0])).item()
    0.0
    """

    shown = ("dim", "eps")

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: ArrayLike, x2: ArrayLike) -> Tensor:
        """Shapes: x1 and x2 (..., D, ...) that broadcast -> the common shape without D."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
