"""What two runs of a model are made of: values with their sizes, and calls of ops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import numpy as np

from minigrad.errors import UsageError
from minigrad.typing import Settings

if TYPE_CHECKING:
    from minigrad.autograd.node import Scope
    from minigrad.autograd.op import Op
    from minigrad.nn import Module

BATCH_SIZES: Final = (2, 5)
"""Those of the two runs, with a dynamic batch: so far apart that half of one is not half of the other, rounded."""


class Size(NamedTuple):
    """The size of a dimension in both runs."""

    first: int
    second: int

    @property
    def fixed(self) -> bool:
        """Whether it does not depend on the batch."""
        return self.first == self.second


@dataclass(eq=False)
class Value:
    """A value in both runs.

    Attributes:
        first, second: what it was in each; a plain number for one that is weak in its dtype.
        constant: whether it does not depend on the inputs.
        trained: whether it is a parameter, or a constant that is computed from parameters.
        source: the call that it is a result of; None for one that no op made.
        names: what it is called in the file, by dtype name; filled as it is written there.
    """

    first: Any
    second: Any
    constant: bool
    trained: bool = False
    source: Call | None = field(default=None, repr=False)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def weak(self) -> bool:
        """Whether it is a plain number, which takes the dtype of what it meets."""
        return not isinstance(self.first, (np.ndarray, np.generic))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        return np.asarray(self.first).dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return np.ndim(self.first)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes in the first run."""
        return np.shape(self.first)

    @property
    def sizes(self) -> list[Size]:
        """The sizes in both runs."""
        return list(map(Size, np.shape(self.first), np.shape(self.second)))


@dataclass(eq=False)
class Call:
    """One call of an op, or of a module that ONNX has an operator for, that depends on the inputs or on parameters.

    Attributes:
        name: the op's name, or the module's class.
        op: what was called; None for a module.
        inputs: its inputs; None where an optional one was left out.
        settings, second_settings: in both runs.
        outs: its results.
        scope: the module call that it happened in.
        site: file and line.
        index: the value that is a getitem's index, or one part of it, if that depends on the inputs.
        part: which part of the index that is; None if it is all of it.
        module: the module, for a call of one.
    """

    name: str
    op: Op | None
    inputs: tuple[Value | None, ...]
    settings: Settings
    second_settings: Settings
    outs: tuple[Value, ...]
    scope: Scope | None
    site: tuple[str, int]
    index: Value | None = None
    part: int | None = None
    module: Module | None = None

    @property
    def constant(self) -> bool:
        """Whether it does not depend on the inputs, but on parameters."""
        return self.outs[0].constant

    @property
    def path(self) -> str:
        """The attribute path of the module that it happened in."""
        return self.scope.path if self.scope is not None else ""

    @property
    def out(self) -> Value:
        """Its only, or first, result."""
        return self.outs[0]

    def refuse(self, why: str, way_out: str) -> NoReturn:
        """Raise the error that this call cannot be written.

        Raises:
            UsageError: always.
        """
        where = f" in {self.scope}" if self.scope is not None else ""
        raise UsageError(f"ONNX: {self.name}{where} ({self.site[0]}, line {self.site[1]}) {why}: {way_out}")


def same(a: Any, b: Any) -> bool:
    """Whether two constants, or settings, are equal in both runs."""
    if a is b:
        return True
    if isinstance(a, (tuple, list)):
        return isinstance(b, (tuple, list)) and len(a) == len(b) and all(map(same, a, b))
    x, y = np.asarray(a), np.asarray(b)
    return x.shape == y.shape and x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")
