"""Normalization of each element by its neighbors: other channels at the same pixel, or pixels around it."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike


class LocalResponseNorm(Configured):
    """Local response normalization: each element is divided by the response of its neighbors in other channels.

        y[n,c,...] = x[n,c,...] / (k + alpha/size * sum over c' of x[n,c',...]^2)^beta

    over the `size` channels c' around c: from c - floor(size/2) to c + floor((size-1)/2), as far as they exist.

    Args:
        size: how many channels count.
        alpha: the weight of the response (default 1e-4).
        beta: the exponent (default 0.75).
        k: keeps the divisor away from 0 (default 1.0).

    Shapes: x (N, C, ...) -> the same.

    Raises:
        ShapeError: when called, x has less than three dimensions.
        UsageError: when called, size is not positive.

    Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks",
    section 3.3. It does not divide alpha by the size: its 1e-4 over 5 channels is alpha=5e-4 here, as in PyTorch.
    """

    shown = ("size", "alpha", "beta", "k")

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) -> the same."""
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)


class LocalContrastNorm(Configured):
    """Local contrast normalization: each pixel minus the mean around it, over the standard deviation around it.

        v = x - sum over c, p, q of w[p,q] * x[n, c, i+p, j+q]
        s = sqrt(sum over c, p, q of w[p,q] * v[n, c, i+p, j+q]^2)
        y = v / max(mean of s over the image, s)

    with Gaussian weights w that sum to 1, at the border as well.

    Args:
        kernel_size: height and width of the surroundings, in pixels, an odd number (default 9).
        sigma: the standard deviation of the weights, in pixels (default: kernel_size / 4).
        eps: the least deviation that is divided by (default 1e-5).

    Shapes: x (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        DataError: when called, a window has one value only, which has no contrast.
        UsageError: when called, the kernel is not odd, or sigma or eps is not positive.

    Source: Jarrett et al. 2009, "What is the best multi-stage architecture for object recognition?", section 2.1.
    """

    shown = ("kernel_size", "sigma", "eps")

    def __init__(self, kernel_size: int = 9, sigma: float | None = None, eps: float = 1e-5) -> None:
        self.kernel_size, self.sigma, self.eps = kernel_size, sigma, eps

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> the same."""
        return F.local_contrast_norm(x, self.kernel_size, self.sigma, self.eps)
