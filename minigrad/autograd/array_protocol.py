"""What other array libraries ask of an array: its namespace, its device, and DLPack to share its memory."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from minigrad.errors import GraphError, UsageError
from minigrad.pytorch_names.keywords import explain_calls
from minigrad.typing import Array

if TYPE_CHECKING:
    from minigrad.autograd.tensor import Tensor

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
"""The versions of the Array API standard, each of which contains the one before."""


def check_device(device: str | None) -> None:
    """Refuse all devices but the one that there is.

    Raises:
        UsageError: it is not "cpu".
    """
    if device not in (None, "cpu"):
        raise UsageError(f'there is only the device "cpu" here, not {device!r}: leave device= out')


class ArrayProtocol:
    """The Array API's way to ask an array about itself."""

    __slots__ = ()

    if TYPE_CHECKING:
        _data: Array
        data: Array
        node: Any

    @property
    def device(self) -> str:
        """Where the values are: always on the "cpu"."""
        return "cpu"

    @explain_calls
    def to_device(self, device: str, *, stream: None = None) -> Tensor:
        """The same Tensor: there is no other device.

        Args:
            device: "cpu".
            stream: there are none (default None).

        Raises:
            UsageError: another device, or a stream.
        """
        check_device(device)
        if stream is not None:
            raise UsageError('the device "cpu" has no streams: leave stream= out')
        return self  # type: ignore[return-value]

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """The module whose functions take this array: minigrad."""
        if api_version not in (None, *API_VERSIONS):
            raise UsageError(f"minigrad follows the Array API {API_VERSIONS[-1]}, and not {api_version}")
        import sys

        return sys.modules["minigrad"]

    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """The values for another library: a copy, unless `copy=False` asks for the memory itself.

        A write to shared memory would make recorded gradients wrong, and PyTorch, for one, writes to memory that it was
        told is read-only. Without the memory guard, memory is shared.
        """
        if self.node is not None:
            raise GraphError(
                "a Tensor that requires gradients was about to be handed out by DLPack and lose its history: "
                "use t.detach() if that is meant"
            )
        values = self.data  # read-only with the memory guard
        if copy is False and not values.flags.writeable and (max_version is None or max_version[0] < 1):
            raise BufferError("a Tensor is read-only, which DLPack before version 1.0 cannot say: allow a copy")
        if copy is None and not values.flags.writeable:
            values = values.copy()
        return values.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's numbers of the CPU."""
        return self._data.__dlpack_device__()
