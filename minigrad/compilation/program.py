"""What a program is: a flat list of calls on numbered values, as plain data.

    v3, v4 = softmax_cross_entropy(v2, v1)        an op's forward function
    v7 = softmax_cross_entropy.x(v6, v4, v1)      a rule: the vector-Jacobian product for input x
    v9 = accumulate(v7, v8)                       two cotangents of one value, added up
    step_parameters(optimizer, [w], [v9], group)  a Python call: the genuine code, which finds what it depends on
    v0 = load(w)                                  the present values of a Tensor that belongs to the state

Values that no instruction makes are arguments of the call, or constants. Passes (`passes.py`) make
programs of programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.typing import Array, DType, Shape

Kind = Literal["op", "rule", "accumulate", "check", "call", "load", "load gradient", "fused"]
"""What an instruction does; see the examples above. Only a "call" has effects; a "check" may raise."""

Nested = Any  # a recursive type: tuples, lists and dicts of references and Python values


class Ref(NamedTuple):
    """A value that stands among the arguments of an instruction."""

    number: int


class Wrapped(NamedTuple):
    """A value that an instruction gets as a Tensor: Python calls take Tensors."""

    number: int


class Constant(NamedTuple):
    """An argument that is the same at every replay: a Python value, or an object by its identity."""

    value: Any


@dataclass(frozen=True)
class Value:
    """What is known of a value.

    Attributes:
        shape, dtype: of the array.
        nbytes: its size.
        storage: the number of the value whose memory it lies in: its own, unless it is a view.
        whole: whether it is all of that memory.
        pooled: whether the memory came from `kernels.buffers`, which can be told where the next result is to lie.
        name: of a parameter, where it is one ("" for others).
    """

    shape: Shape
    dtype: DType
    nbytes: int
    storage: int
    whole: bool = True
    name: str = ""
    pooled: bool = False


@dataclass(frozen=True)
class Silence:
    """What the rule of silence needs to know where a rule gives NaN: whose rule it is, and for which input.

    `index` is the place of that among the results of a rule for several inputs; None for a rule for one.
    """

    node: Node
    parent: Node
    position: int
    index: int | None = None


@dataclass(frozen=True, eq=False)
class Instruction:
    """One call.

    Attributes:
        kind: what it does.
        name: of the op, the rule ("conv.w"), or the Python function.
        function: what is called.
        arguments: by position; references stand for values, at any depth.
        settings: by keyword, likewise.
        results: the number of the result; for several, a tuple of numbers, None where nobody asks for one.
        backward: whether it belongs to a backward pass, where infinite slopes are no reason to warn.
        op: the op that it is a call or a rule of.
        silence: for a rule that multiplies: see `Silence`; a tuple for one for several inputs.
        expected: for a Python call: what it must return beside arrays.
        writes: the Tensors of the state that a Python call changes.
        flops: its multiply-adds, of those ops that count them.
        site: the file and line outside of minigrad that it comes from.
        recomputed: whether a checkpoint runs it again on purpose.
        plain: for what works element by element: the function that can be traced into a loop, and whether a cotangent
            of 0 silences NaN in it.
        parts: of a fused instruction, the instructions that it stands for.
        into: the value whose memory the result may take (None: new memory).
        scratch: the bytes of the largest scratch memory that it takes while it runs.
        room: where scratch memory may lie in the program's arena: from which byte to which (None: nowhere).
    """

    kind: Kind
    name: str
    function: Callable[..., Any]
    arguments: tuple[Nested, ...]
    settings: Mapping[str, Nested] = field(default_factory=dict)
    results: Nested = None
    backward: bool = False
    op: Op[..., Any] | None = None
    silence: Silence | tuple[Silence, ...] | None = None
    expected: Nested = None
    writes: tuple[Tensor, ...] = ()
    flops: int = 0
    site: tuple[str, int] = ("", 0)
    recomputed: bool = False
    plain: tuple[Callable[..., Any], bool] | None = None
    parts: tuple[Instruction, ...] = ()
    into: int | None = None
    scratch: int = 0
    room: tuple[int, int] | None = None

    @property
    def reads(self) -> list[int]:
        """The numbers of the values that it takes."""
        return list(numbers_in((self.arguments, dict(self.settings))))

    @property
    def makes(self) -> list[int]:
        """The numbers of the values that it gives."""
        return list(_results_in(self.results))

    @property
    def loads(self) -> Tensor | None:
        """The Tensor whose values or gradient it reads."""
        return self.arguments[0].value if self.kind in ("load", "load gradient") else None

    @property
    def decides(self) -> bool:
        """Whether it is a check that sends a call back to its beginning, where it returns something else."""
        several = type(self.expected) is tuple
        return self.kind == "check" and (several or (self.expected is not None and self.expected.value is not None))

    @property
    def pure(self) -> bool:
        """Whether it does nothing but compute its results."""
        return self.kind not in ("call", "check")


@dataclass(frozen=True)
class Program:
    """A captured call, ready to be repeated.

    Attributes:
        instructions: in the order in which they run.
        values: what is known of each value, by number.
        arguments: for each leaf of the arguments, its value; None for one that nobody reads.
        constants: the values that are always the same.
        outputs: what is returned, in its containers: see `arguments.py`.
        gradients: what the `.grad` of variables is at the end (of those among the arguments: by the leaf): a number, or
            None where it was cleared.
        names: of the Tensors of the state.
        title: of the function.
        places: where values lie in the arena of the program: offsets in bytes, by number. Others lie elsewhere.
        arena: the bytes of the arena.
    """

    instructions: tuple[Instruction, ...]
    values: Mapping[int, Value]
    arguments: tuple[int | None, ...]
    constants: Mapping[int, Array]
    outputs: Nested
    gradients: tuple[tuple[Tensor | int, int | None], ...]
    names: Mapping[Tensor, str] = field(default_factory=dict)
    title: str = "program"
    places: Mapping[int, int] = field(default_factory=dict)
    arena: int = 0

    @property
    def returned(self) -> set[int]:
        """The values that are seen after the call: results and gradients."""
        return {*numbers_in(self.outputs), *[number for _, number in self.gradients if number is not None]}

    def storage(self, number: int) -> int:
        """The value in whose memory a value lies."""
        return self.values[number].storage


def numbers_in(nested: Nested) -> Iterator[int]:
    """The numbers of the values that are referred to, at any depth."""
    if isinstance(nested, (Ref, Wrapped)):
        yield nested.number
    elif isinstance(nested, Constant):
        return
    elif isinstance(nested, (tuple, list)):
        for part in nested:
            yield from numbers_in(part)
    elif isinstance(nested, dict):
        for part in nested.values():
            yield from numbers_in(part)


def renumbered(nested: Nested, numbers: Mapping[int, int]) -> Nested:
    """The same with other values referred to."""
    if isinstance(nested, (Ref, Wrapped)):
        return type(nested)(numbers.get(nested.number, nested.number))
    if isinstance(nested, Constant):
        return nested
    if isinstance(nested, tuple) and type(nested) is not tuple:
        return type(nested)(*[renumbered(part, numbers) for part in nested])
    if isinstance(nested, (tuple, list)):
        return type(nested)([renumbered(part, numbers) for part in nested])
    if isinstance(nested, dict):
        return {key: renumbered(part, numbers) for key, part in nested.items()}
    return nested


def _results_in(results: Nested) -> Iterator[int]:
    if isinstance(results, int):
        yield results
    elif isinstance(results, tuple):
        for part in results:
            yield from _results_in(part)


def same(one: Nested, other: Nested) -> bool:
    """Whether two arguments are the same: scalars and arrays by value, other objects by identity."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, Node):
        return one.plan is other.plan and bool(one.shape == other.shape)
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())
    if isinstance(one, (float, complex, np.generic)):
        return repr(one) == repr(other)
    if isinstance(one, (bool, int, str, bytes, np.dtype, slice)):
        return bool(one == other)
    return False
