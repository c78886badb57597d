"""What minigrad says of itself to those who take any Array API namespace: dtypes, devices and capabilities."""

from __future__ import annotations

from typing import Final

from minigrad.autograd.array_protocol import API_VERSIONS, check_device
from minigrad.autograd.complex_numbers import complex_dtype
from minigrad.autograd.tensor import default_dtype
from minigrad.dtypes import KINDS, dtypes_of_kind, float16, int64
from minigrad.typing import DType

API_VERSION: Final = API_VERSIONS[-1]
"""The version of the Array API standard."""


class NamespaceInfo:
    """What `__array_namespace_info__` gives: all functions tell of the one device, "cpu"."""

    def capabilities(self) -> dict[str, bool | int | None]:
        """What is supported: boolean indexing, shapes that depend on data, and at most 64 dimensions, as in NumPy."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The device of new arrays."""
        return "cpu"

    def devices(self) -> list[str]:
        """All devices."""
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        """The dtypes of new arrays by the kind of their numbers.

        Args:
            device: "cpu", the only one (default None: the same).

        Raises:
            UsageError: another device.
        """
        check_device(device)
        real = default_dtype()
        return {"real floating": real, "complex floating": complex_dtype(real), "integral": int64, "indexing": int64}

    def dtypes(self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None) -> dict[str, DType]:
        """The dtypes by name, of those that the standard knows: float16, which is here as well, is not among them.

        Args:
            device: "cpu", the only one (default None: the same).
            kind: a kind as for `isdtype`, or several (default None: all).

        Raises:
            UsageError: another device, or another kind.
        """
        check_device(device)
        kinds = tuple(KINDS) if kind is None else (kind,) if isinstance(kind, str) else kind
        return {dtype.name: dtype for one in kinds for dtype in dtypes_of_kind(one) if dtype != float16}


def namespace_info() -> NamespaceInfo:
    """What this array namespace has: `minigrad.__array_namespace_info__()`."""
    return NamespaceInfo()
