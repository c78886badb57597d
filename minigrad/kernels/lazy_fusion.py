"""The way to `fusion` that costs nothing until the first large array comes: then it is imported, and Numba with it."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

from numpy import ndarray

from minigrad.typing import Shape

from .jit import VariantResult, is_numpy_only

MIN_FUSED_SIZE: Final = 1 << 11
"""Elements from which on a compiled loop is tried: below, NumPy is done before one is reached."""


def fused(function: Callable[..., Any], name: str, *, silent: bool = False) -> Callable[..., VariantResult]:
    """What computes the same as `function` in one compiled loop: a `fusion.fused.Fused`, made when it is called."""
    made: Callable[..., VariantResult] | None = None

    def call(*args: Any, **settings: Any) -> VariantResult:
        nonlocal made
        if is_numpy_only():
            return NotImplemented
        if made is None:
            fusion = import_module("minigrad.kernels.fusion.fused")
            made = fusion.Fused(function, name, silent=silent).__call__  # a method is called sooner than an object
        return made(*args, **settings)

    return call


def products(
    function: Callable[..., tuple[Any, ...]], name: str, silent: Sequence[bool]
) -> Callable[..., VariantResult]:
    """What computes the results of `function` in one compiled loop: a `fusion.products.Products`, made likewise."""
    made: Callable[..., VariantResult] | None = None

    def call(arrays: Sequence[Any], shape: Shape, results: tuple[Shape, ...]) -> VariantResult:
        nonlocal made
        if is_numpy_only():
            return NotImplemented
        if made is None:
            fusion = import_module("minigrad.kernels.fusion.products")
            made = fusion.Products(function, name, silent).__call__
        return made(arrays, shape, results)

    return call


def with_loop(function: Callable[..., Any], loop: Callable[..., VariantResult]) -> Callable[..., Any]:
    """The function, by `loop`, which is `fused` of it, where an argument is a large array and that is possible."""

    def compute(*args: Any, **settings: Any) -> Any:
        for x in args:
            if type(x) is ndarray and x.size >= MIN_FUSED_SIZE:
                out = loop(*args, **settings)
                if out is not NotImplemented:
                    return out
                break
        return function(*args, **settings)

    return compute
