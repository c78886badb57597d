"""Layers without parameters that rearrange or resize: flat and back, windows as columns, channels and pixels."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn.setting import Configured
from minigrad.shapes import canonical_axis, shape_of
from minigrad.typing import ArrayLike, PairLike


class Flatten(Configured):
    """Several neighboring dimensions joined into one, in row-major order.

    Args:
        start_dim: the first of them (default 1: after the batch).
        end_dim: the last of them (default -1: the last one).

    Shapes: x (N, C, H, W), for instance -> (N, C*H*W).

    >>> import minigrad as mg
    >>> Flatten()(mg.zeros((2, 3, 4, 5))).shape
    (2, 60)
    """

    shown = ("start_dim", "end_dim")

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, ...) -> (N, D)."""
        return ops.flatten(x, self.start_dim, self.end_dim)


class Unflatten(Configured):
    """One dimension split into several: `Flatten` undone.

    Args:
        dim: the dimension.
        unflattened_size: the sizes that it becomes; one of them may be -1, and is computed.

    Shapes: x (..., D, ...) -> (..., *unflattened_size, ...).

    Raises:
        ShapeError: when called, D is not the product of the sizes.

    >>> import minigrad as mg
    >>> Unflatten(1, (3, -1))(mg.zeros((2, 12))).shape
    (2, 3, 4)
    """

    shown = ("dim", "unflattened_size")

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., D, ...) -> (..., *unflattened_size, ...)."""
        shape, sizes = shape_of(x), list(self.unflattened_size)
        axis = canonical_axis(self.dim, len(shape))
        known = 1
        for size in sizes:
            known *= size if size != -1 else 1
        if sizes.count(-1) == 1 and known and shape[axis] % known == 0:
            known, sizes[sizes.index(-1)] = shape[axis], shape[axis] // known
        if known != shape[axis] or -1 in sizes:
            raise ShapeError(
                f"Unflatten: {shape[axis]} elements along dim={self.dim} do not make {self.unflattened_size}"
            )
        return ops.reshape(x, shape=(*shape[:axis], *sizes, *shape[axis + 1 :]))


class Unfold(Configured):
    """The windows of an image as columns, also known as im2col: column l holds the C*P*Q pixels of window l.

    Args:
        kernel_size: P and Q, the height and width of a window, or one number for both; likewise below.
        dilation: pixels from one to the next within a window (default 1).
        padding: pixels of zeros added on each side (default 0).
        stride: pixels from one window to the next (default 1).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C*P*Q, L) or (C*P*Q, L), with L windows in row-major order.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.

    >>> import minigrad as mg
    >>> Unfold(3, padding=1)(mg.zeros((2, 4, 5, 6))).shape
    (2, 36, 30)
    """

    shown = ("kernel_size", "dilation", "padding", "stride")

    def __init__(
        self, kernel_size: PairLike, dilation: PairLike = 1, padding: PairLike = 0, stride: PairLike = 1
    ) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C*P*Q, L) or (C*P*Q, L)."""
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Configured):
    """Columns added to the pixels that `Unfold` reads them from, also known as col2im: its transpose.

    Args:
        output_size: H and W of the image, or one number for both.
        kernel_size: P and Q, the height and width of a window, or one number for both; likewise below.
        dilation: pixels from one to the next within a window (default 1).
        padding: pixels added on each side, which are cut off again (default 0).
        stride: pixels from one window to the next (default 1).

    Shapes: x (N, C*P*Q, L) or (C*P*Q, L) -> (N, C, H, W) or (C, H, W).

    Raises:
        ShapeError: when called, the columns are no multiple of the kernel, or not as many as there are windows.
    """

    shown = ("output_size", "kernel_size", "dilation", "padding", "stride")

    def __init__(
        self,
        output_size: PairLike,
        kernel_size: PairLike,
        dilation: PairLike = 1,
        padding: PairLike = 0,
        stride: PairLike = 1,
    ) -> None:
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C*P*Q, L) or (C*P*Q, L) -> (N, C, H, W) or (C, H, W)."""
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class PixelShuffle(Configured):
    """Channels turned into pixels: out[..., c, h*r + a, w*r + b] = x[..., c*r*r + a*r + b, h, w].

    Args:
        upscale_factor: r.

    Shapes: x (..., C*r*r, H, W) -> (..., C, H*r, W*r).

    Raises:
        ShapeError: when called, the channels are no multiple of r*r.
        UsageError: when called, r is no integer of at least 1.

    Source: Shi et al. 2016, "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", arXiv:1609.05158.
    """

    shown = ("upscale_factor",)

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., C*r*r, H, W) -> (..., C, H*r, W*r)."""
        return F.pixel_shuffle(x, self.upscale_factor)


class PixelUnshuffle(Configured):
    """Pixels turned into channels: out[..., c*r*r + a*r + b, h, w] = x[..., c, h*r + a, w*r + b].

    Args:
        downscale_factor: r.

    Shapes: x (..., C, H*r, W*r) -> (..., C*r*r, H, W).

    Raises:
        ShapeError: when called, height or width is no multiple of r.
        UsageError: when called, r is no integer of at least 1.
    """

    shown = ("downscale_factor",)

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., C, H*r, W*r) -> (..., C*r*r, H, W)."""
        return F.pixel_unshuffle(x, self.downscale_factor)


class Upsample(Configured):
    """Sequences, images or volumes resized, to a size or by a factor: see `minigrad.functional.interpolate`.

    Args:
        size: of the result, one number or one for each side (default None: given by scale_factor).
        scale_factor: new size over old size, one number or one for each side (default None: given by size).
        mode: "nearest", "nearest-exact", "area", "linear" for sequences, "bilinear" or "bicubic" for images,
            "trilinear" for volumes (default "nearest").
        align_corners: for the last four, whether first and last elements keep their places (default None: no).
        recompute_scale_factor: whether positions follow from old and new sizes, not from scale_factor (default None:
            no).

    Shapes: x (N, C, T), (N, C, H, W) or (N, C, D, H, W) -> (N, C, J), (N, C, I, J) or (N, C, K, I, J).

    Raises:
        ShapeError: when called, the mode is not for so many dimensions, or a side is or would be empty.
        UsageError: when called, size and scale_factor are both given or both missing, or a setting does not fit.

    Source: Keys 1981, "Cubic convolution interpolation for digital image processing" (bicubic).

    >>> Upsample(scale_factor=2)(Tensor([[[1.0, 2.0]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """

    shown = ("size", "scale_factor", "mode")

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, T), (N, C, H, W) or (N, C, D, H, W) -> (N, C, J), (N, C, I, J) or (N, C, K, I, J)."""
        settings = (self.mode, self.align_corners, self.recompute_scale_factor)
        return F.interpolate(x, self.size, self.scale_factor, *settings)
