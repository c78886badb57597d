"""Layers that compute nothing but rearrange: flat and back, windows as columns, pixels and channels, frames, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn.setting import Configured
from minigrad.shapes import canonical_axis, shape_of
from minigrad.typing import PairLike


class Flatten(Configured):
    """All dimensions from `start_dim` to `end_dim` joined into one. Shapes: x (N, C, H, W) -> (N, C*H*W)."""

    shown = ("start_dim", "end_dim")

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, ...) -> (N, D)."""
        return ops.flatten(x, self.start_dim, self.end_dim)


class Unflatten(Configured):
    """One dimension split into several; one of the sizes may be -1. Shapes: x (N, C*H*W) -> (N, C, H, W), say."""

    shown = ("dim", "unflattened_size")

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Any) -> Any:
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
    """Each window of an image as a column. Shapes: x (N, C, H, W) or (C, H, W) -> (N, C*P*Q, L)."""

    shown = ("kernel_size", "dilation", "padding", "stride")

    def __init__(
        self, kernel_size: PairLike, dilation: PairLike = 1, padding: PairLike = 0, stride: PairLike = 1
    ) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C*P*Q, L)."""
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Configured):
    """Columns added to the pixels that `Unfold` reads them from. Shapes: x (N, C*P*Q, L) -> (N, C, *output_size)."""

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

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C*P*Q, L) or (C*P*Q, L) -> (N, C, H, W)."""
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class PixelShuffle(Configured):
    """r*r channels turned into r x r pixels. Shapes: x (..., C*r*r, H, W) -> (..., C, H*r, W*r)."""

    shown = ("upscale_factor",)

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (..., C*r*r, H, W) -> (..., C, H*r, W*r)."""
        return F.pixel_shuffle(x, self.upscale_factor)


class PixelUnshuffle(Configured):
    """r x r pixels turned into r*r channels. Shapes: x (..., C, H*r, W*r) -> (..., C*r*r, H, W)."""

    shown = ("downscale_factor",)

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (..., C, H*r, W*r) -> (..., C*r*r, H, W)."""
        return F.pixel_unshuffle(x, self.downscale_factor)


class Upsample(Configured):
    """Images or sequences resized; see `minigrad.functional.interpolate`.

    Shapes: x (N, C, T) or (N, C, H, W) -> (N, C, J) or (N, C, I, J).
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

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, T) or (N, C, H, W) -> (N, C, J) or (N, C, I, J)."""
        settings = (self.mode, self.align_corners, self.recompute_scale_factor)
        return F.interpolate(x, self.size, self.scale_factor, *settings)
