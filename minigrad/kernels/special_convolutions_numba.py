"""The ways to compute a convolution that are for some sizes only.

Each looks at its arguments, and says NotImplemented where it is not for them. Sizes and settings decide about that, so
who was asked in vain is not asked again: a network has the same few convolutions in every step.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from minigrad.typing import Array, Shape

from . import plane_convolution_numba, pointwise_convolution_numba, pointwise_weight_numba, winograd_numba
from .jit import VariantResult

# The best first. One that is for some of the functions has only these.
WAYS = (pointwise_convolution_numba, pointwise_weight_numba, winograd_numba, plane_convolution_numba)


def first_of(
    name: str, beside: Shape, arrays: tuple[Array, Array, *tuple[Array | None, ...]], where: Mapping[str, Any],
    **others: Any,
) -> VariantResult:  # fmt: skip
    """What the first way gives that is for such arguments; NotImplemented if none is.

    Args:
        name: of the function: conv, conv_input or conv_weight.
        beside: a shape that is known beside those of the first two arrays.
        arrays: by position.
        where: stride, padding, dilation and groups.
        **others: settings that do not decide.
    """
    x, y, *_ = arrays
    ways = _ways(name, beside, x.shape, y.shape, x.dtype.str, y.dtype.str, *where.values())
    for way in (*ways,):
        found = way(*arrays, **where, **others)
        if found is not NotImplemented:
            return found
        ways[:] = [each for each in ways if each is not way]  # another thread may do the same
    return NotImplemented


@lru_cache(1024)
def _ways(name: str, *key: object) -> list[Callable[..., VariantResult]]:
    """Those that have not been asked in vain."""
    return [getattr(module, name) for module in WAYS if hasattr(module, name)]
