"""Shapes: the specification in which an op states those of its inputs and result, and canonical axes and settings.

    N batch    C channels in    O channels out    H W image    P Q kernel    I J output
    T time     D features       ... any number of leading dimensions
    of volumes: D H W volume    R P Q kernel    K I J output

An op says `shapes="N C H W, O C/groups P Q, O? -> N O I J"`: one group of letters an input, `?` for an
input that may be None, `/groups` for a size that is divided by a setting. Equal letters mean equal sizes.
Letters in brackets are there for volumes and not for images: `N C [D] H W`.
Letters to the right of the arrow describe the result; new ones there (I, J) are computed by the op.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from minigrad.errors import AxisError, DTypeError, ShapeError, UsageError, shape_text
from minigrad.typing import ArrayLike, Pair, Settings
from minigrad.typing import Shape as Shape


@dataclass(frozen=True)
class ShapeSpec:
    """A parsed `shapes=` text.

    >>> spec = ShapeSpec("N D, O D, O? -> N O")
    >>> spec.mismatch(["x", "w", "b"], [(8, 3), (5, 3), None])
    >>> print(spec.mismatch(["x", "w", "b"], [(8, 3), (5, 4), None]))
    expected x (N, D), w (O, D), b (O)
         got x (N=8, D=3), w (O=5, D=4)
    D is 3 in x but 4 in w
    """

    text: str

    @cached_property
    def inputs(self) -> list[list[str]]:
        """The letters of each input, without those in brackets."""
        return [part.replace("?", "").split() for part in self._plain.split("->")[0].split(",")]

    @cached_property
    def outputs(self) -> list[list[str]]:
        """The letters of each result, without those in brackets."""
        return [part.split() for part in self._plain.split("->")[1].split(",")]

    @cached_property
    def _plain(self) -> str:
        return re.sub(r"\[[^]]*\]", "", self.text)

    @cached_property
    def _whole(self) -> ShapeSpec | None:
        """The specification with the letters in brackets, if there are any."""
        return ShapeSpec(self.text.replace("[", "").replace("]", "")) if "[" in self.text else None

    @cached_property
    def stacked(self) -> bool:
        """Whether any number of leading dimensions stand before those of each input and result."""
        return all(letters[:1] == ["..."] for letters in self.inputs + self.outputs)

    @cached_property
    def divisors(self) -> list[str]:
        """The settings that divide sizes."""
        return sorted({letter.partition("/")[2] for letters in self.inputs for letter in letters if "/" in letter})

    def mismatch(
        self, names: Sequence[str], shapes: Sequence[Shape | None], settings: Settings | None = None
    ) -> str | None:
        """What does not fit, in words, or None when all fits. A shape of None is an input left out."""
        if (whole := self._whole) is not None and any(
            shape is not None and len(shape) == len(letters) > len(plain)
            for letters, plain, shape in zip(whole.inputs, self.inputs, shapes, strict=False)
        ):
            return whole.mismatch(names, shapes, settings)
        sizes: dict[str, tuple[int, str]] = {}
        for name, letters, shape in zip(names, self.inputs, shapes, strict=False):
            if shape is None:
                continue
            problem = self._bind(name, letters, shape, sizes, settings or {})
            if problem:
                return f"{self._expected(names)}\n{self._got(names, shapes)}\n{problem}"
        return None

    def _bind(
        self,
        name: str,
        letters: list[str],
        shape: Shape,
        sizes: dict[str, tuple[int, str]],
        settings: Settings,
    ) -> str | None:
        """Give each letter of one input its size; say what clashes with an earlier input."""
        open_ended = bool(letters) and letters[0] == "..."
        named = letters[1:] if open_ended else letters
        if len(shape) < len(named) or (len(shape) > len(named) and not open_ended):
            return f"{name} has {len(shape)} dimensions, not {len(named)}{' or more' if open_ended else ''}"
        for letter, size in zip(named, shape[len(shape) - len(named) :], strict=True):
            letter, _, divisor = letter.partition("/")
            size *= settings.get(divisor, 1)
            if letter in sizes and sizes[letter][0] != size:
                known, owner = sizes[letter]
                times = f" times {divisor}" if divisor and settings.get(divisor, 1) != 1 else ""
                return f"{letter} is {known} in {owner} but {size} in {name}{times}"
            sizes[letter] = (size, name)
        return None

    def _expected(self, names: Sequence[str]) -> str:
        wanted = (f"{name} ({', '.join(letters)})" for name, letters in zip(names, self.inputs, strict=False))
        return "expected " + ", ".join(wanted)

    def _got(self, names: Sequence[str], shapes: Sequence[Shape | None]) -> str:
        got = (
            f"{name} {shape_text(shape, ' '.join(letters))}"
            for name, letters, shape in zip(names, self.inputs, shapes, strict=False)
            if shape is not None
        )
        return "     got " + ", ".join(got)


def shape_of(x: ArrayLike) -> Shape:
    """The shape of a Tensor, an array, or nested lists. (`np.shape` of a Tensor takes a detour.)

    Raises:
        DTypeError: x is none of these.
    """
    if hasattr(x, "shape"):
        shape: Shape = x.shape
        return shape
    array = np.asarray(x)
    if array.dtype.kind not in "fiubc":
        raise DTypeError(f"expected a Tensor or an array of numbers, not {'None' if x is None else type(x).__name__}")
    return array.shape


def checked_keepdims(keepdims: object) -> bool:
    """Whether reduced axes stay.

    Raises:
        UsageError: it is no boolean: an axis, perhaps.
    """
    if not isinstance(keepdims, (bool, np.bool_)):
        raise UsageError(
            f"keepdims is True or False, not {keepdims!r}: several axes are one tuple, as in x.sum((0, 1))"
        )
    return bool(keepdims)


def canonical_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Axes as a sorted tuple of non-negative numbers; None means all of them.

    >>> canonical_axes(-1, 3), canonical_axes(None, 2), canonical_axes((2, 0), 3)
    ((2,), (0, 1), (0, 2))

    Raises:
        ShapeError: an axis is out of range or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if not isinstance(axis, Sequence) else tuple(axis)
    result = tuple(sorted(canonical_axis(a, ndim) for a in axes))
    if len(set(result)) != len(result):
        raise ShapeError(f"axis {axis} names a dimension twice")
    return result


def canonical_axis(axis: int, ndim: int) -> int:
    """One axis as a non-negative number.

    Raises:
        UsageError: it is no integer.
        AxisError: it is out of range.
    """
    if not hasattr(axis, "__index__"):
        raise UsageError(f"axis is one integer here, such as -1 for the last dimension, not {axis!r}")
    axis = axis.__index__()
    if not -ndim <= axis < ndim:
        raise AxisError(f"axis {axis} is out of range for {ndim} dimensions")
    return axis % ndim


def per_axis(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """A setting for each spatial axis: one number stands for all of them.

    >>> per_axis(2, 3), per_axis((2, 1), 2)
    ((2, 2, 2), (2, 1))

    Raises:
        UsageError: it is not one integer, or one for each axis.
    """
    if type(value) is int:  # the usual case, quickly
        return (value,) * axes
    sizes = tuple(value) if isinstance(value, Sequence) else (value,) * axes
    if len(sizes) != axes or not all(hasattr(size, "__index__") for size in sizes):
        more = {1: "", 2: ", or two for height and width"}.get(axes, f", or one for each of {axes} axes")
        raise UsageError(f"this setting takes one integer{more}, not {value!r}")
    return tuple([size.__index__() for size in sizes])


def pair(value: int | Sequence[int]) -> Pair:
    """A setting of an image op for height and width: one number stands for both.

    >>> pair(2), pair((2, 1))
    ((2, 2), (2, 1))

    Raises:
        UsageError: it is neither one integer nor two.
    """
    if type(value) is int:  # the usual case, quickly
        return value, value
    height, width = per_axis(value, 2)
    return height, width
