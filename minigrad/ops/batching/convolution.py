"""Batching rules of convolutions: samples that share the kernels are joined to N; kernels of their own are groups.

With kernels w (B, O, C/groups, P, Q), one set a sample, images (B, N, C, H, W) become (N, B*C, H, W): a convolution of
B * groups parts that do not see each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, everywhere, join, joined_to_first, size_of
from minigrad.ops.convolution import conv, conv_input, conv_weight
from minigrad.ops.elementwise import add
from minigrad.ops.rearrange import moveaxis
from minigrad.ops.shape import reshape
from minigrad.shapes import shape_of
from minigrad.typing import Settings, Shape


@conv.batching
def _(xs: Sequence[Any], batched: Batched, **settings: Any) -> Any:
    x, w, b = xs
    if not batched[1]:
        with_batch = (batched[0], False, False)
        y = joined_to_first(conv, (x, w, None), with_batch, settings) if batched[0] else conv(x, w, None, **settings)
    else:
        size = size_of(xs, batched)
        shared = not batched[0] and settings["groups"] == 1  # all kernels read the same image
        grouped = settings if shared else _grouped(settings, size)
        y = _from_channels(conv(x if shared else _to_channels(x, batched[0], size), join(w), None, **grouped), size)
    if b is None:
        return y
    each = (-1, *(1,) * len(settings["stride"]))
    return add(y, reshape(b, shape=(b.shape[0], 1, *each) if batched[2] else each))


@conv_input.batching
def _(xs: Sequence[Any], batched: Batched, *, shape: Shape, **settings: Any) -> Any:
    y, w = xs
    if not batched[1]:
        return joined_to_first(conv_input, xs, batched, {"shape": shape, **settings})
    size = size_of(xs, batched)
    images, channels, *pixels = shape
    x = conv_input(
        _to_channels(y, batched[0], size), join(w),
        shape=(images, size * channels, *pixels), **_grouped(settings, size),
    )  # fmt: skip
    return _from_channels(x, size)


@conv_weight.batching
def _(xs: Sequence[Any], batched: Batched, *, shape: Shape, **settings: Any) -> Any:
    size = size_of(xs, batched)
    x, y = [_to_channels(image, b, size) for image, b in zip(xs, batched, strict=True)]
    w = conv_weight(x, y, shape=(size * shape[0], *shape[1:]), **_grouped(settings, size))
    return reshape(w, shape=(size, *shape))


def _to_channels(x: Any, has_batch: bool, size: int) -> Any:
    """(B, N, C, H, W), or (N, C, H, W) for all samples, as (N, B*C, H, W)."""
    apart = moveaxis(x if has_batch else everywhere(x, size), 0, 1)
    images, _, channels, *pixels = shape_of(apart)
    return reshape(apart, shape=(images, size * channels, *pixels))


def _from_channels(x: Any, size: int) -> Any:
    """(N, B*C, H, W) as (B, N, C, H, W)."""
    images, channels, *pixels = shape_of(x)
    return moveaxis(reshape(x, shape=(images, size, channels // size, *pixels)), 1, 0)


def _grouped(settings: Settings, size: int) -> Settings:
    return {**settings, "groups": size * settings["groups"]}
