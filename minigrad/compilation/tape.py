"""`Tape`: writes down what happens while a function runs, as the instructions of a program.

Values are told apart by the arrays that hold them. An array that no instruction made is an argument of the call, the
values of a Tensor that the function reaches (its state: read anew at each replay), or a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Literal

import numpy as np

from minigrad.autograd.backward import pull_back
from minigrad.autograd.elementwise import BinaryOp, UnaryOp
from minigrad.autograd.error_context import call_site
from minigrad.autograd.multiple_results import Results
from minigrad.autograd.node import STATE, Node, override_state
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.autograd.rule import Plan
from minigrad.autograd.tensor import Tensor, record
from minigrad.compilation.flops import flops_of_call
from minigrad.compilation.known_arrays import LOADERS, KnownArrays
from minigrad.compilation.program import Constant, Instruction, Nested, Ref, Wrapped
from minigrad.compilation.returned_numbers import is_returned
from minigrad.compilation.walk import walk
from minigrad.kernels.array_utils import is_of_sizes, of_sizes
from minigrad.kernels.buffers import pool
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE
from minigrad.rng import rng_state
from minigrad.typing import Array, Settings


class Tape:
    """What is written while a function runs; it is the `capture` of the thread's state.

    Args:
        arguments: the Tensors among the leaves of the call's arguments.
        state: the Tensors that the function reaches, with names.
        function: the function itself (default None: it is not known).

    Attributes:
        refusal: why no program can repeat the call, and the line; None if one can.
        known: which arrays hold which values.
        numbers: the numbers that leave in a return statement, by their ids, and their values.
    """

    def __init__(
        self, arguments: Sequence[Tensor | None], state: Mapping[Tensor, str], function: object = None
    ) -> None:
        self.function = function
        self.numbers: dict[int, tuple[float, int]] = {}
        self.instructions: list[Instruction] = []
        self.refusal: tuple[str, tuple[str, int]] | None = None
        self.depth = 0  # inside of a rule or a Python call: what happens there is part of one instruction
        self.backward = self.recomputed = False
        self._pending: list[Any] = []  # results of one call that have been seen so far
        self._written: list[Tensor] = []
        self._random = repr(rng_state())
        self.known = KnownArrays(arguments, state, self._load)

    # ---- what the engine tells -------------------------------------------------------------------------------

    def record(
        self, plan: Plan, parents: tuple[Node | None, ...], values: tuple[Any, ...], settings: Settings, out: Any
    ) -> Tensor:
        """A result enters the graph."""
        result = record(plan, parents, values, settings, out)
        op = plan.op
        if self.depth or op.result_of is not None or op.name == "checkpoint":
            return result
        inputs, rest = (values[0], values[1:]) if op.variadic else (values[: len(parents)], values[len(parents) :])
        count = len(op.residuals)
        outs = out.arrays if isinstance(out, Results) else (out,)
        self._op(op, inputs, settings, outs, rest[:count])
        if not isinstance(out, Results) and result._data is not out:
            self.known.alias(result._data, out)
        return result

    def watch(self, op: Op[..., Any], inputs: tuple[Any, ...], settings: Settings, out: Any) -> None:
        """An op gave a constant. One with several results tells of each."""
        if self.depth:
            return
        self._pending.append(out)
        if len(self._pending) == len(op.results or ("out",)):
            outs, self._pending = tuple(self._pending), []
            self._op(op, inputs, settings, outs, (None,) * len(op.residuals))

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], pure: bool) -> Any:
        """Run a Python function: one instruction."""
        if self.depth:
            return function(*args)
        if self.recomputed and not pure:
            self.refuse("a checkpoint runs again what draws random numbers or changes state")
        # Objects, dicts among them, are found at each replay as they are then.
        self.check_draws()
        arguments = tuple([Constant(x) if type(x) is dict else self.encoded(x) for x in args])
        self.depth += 1
        try:
            result = function(*args)
        finally:
            self.depth -= 1
            self._random = repr(rng_state())
        results, expected = self._returned(result)
        writes = self._forget_written()
        name = function.__name__.strip("_")
        self.emit(
            Instruction("check" if pure else "call", name, function, arguments, {}, results, expected=expected,
                        writes=writes)
        )  # fmt: skip
        return result

    def pull_back(
        self, seeds: Mapping[Node, Any], nodes: list[Node], targets: Set[Node], record: bool, keep: bool
    ) -> dict[Node, Any]:
        """Run a backward pass, each rule an instruction."""
        if self.depth or record:
            if record:
                self.refuse("a derivative that is itself recorded (create_graph=True, or nested derivatives)")
            with override_state(capture=None):
                return pull_back(seeds, nodes, frozenset(targets), record=record, keep=keep)
        before, self.backward = self.backward, True
        try:
            with np.errstate(divide="ignore", invalid="ignore"):
                return walk(self, dict(seeds), nodes, targets, keep)
        finally:
            self.backward = before

    def copied(self, original: Any, copy: Any) -> None:
        """A copy is the same value, if the original is a known one; what is unknown need not become known."""
        if is_of_sizes(original):
            of_sizes(copy)
        if not self.depth and self.known.find(original) is not None:
            self.known.alias(copy, original)

    def looked(self, tensor: Tensor, how: str, number: object = None) -> None:
        """What Python does with a number or an array cannot be seen, unless it is returned as it is."""
        if self.depth:
            return
        if type(number) is float and is_returned(self.function):
            self.numbers[id(number)] = (number, self.number(tensor._data))
        else:
            self.refuse(f"a Tensor's values leave it as {how}, and what is done with them cannot be seen")

    def written(self, tensor: Tensor) -> None:
        """Allowed within Python calls only: they are repeated."""
        if not self.depth:
            self.refuse("values are written into a Tensor")
        self._written.append(tensor)

    def check_draws(self) -> None:
        """Refuse where anything but a Python call has drawn from the default generator: it may decide by that."""
        if repr(rng_state()) != self._random:
            self.refuse(
                "random numbers are drawn from the default generator, and what is done with them cannot be seen"
            )

    def refuse(self, reason: str) -> None:
        """Remember the first reason why there can be no program."""
        if self.refusal is None:
            self.refusal = (reason, call_site())

    # ---- writing ---------------------------------------------------------------------------------------------

    def emit(self, instruction: Instruction) -> None:
        """Write down an instruction, with where it comes from."""
        fields = {"site": call_site(), "backward": self.backward, "recomputed": self.recomputed}
        if instruction.loads is None:  # which may stand between a call that has run and what is written of it
            fields["scratch"] = pool.largest_scratch()
        self.instructions.append(Instruction(**{**vars(instruction), **fields}))

    def _load(self, kind: Literal["load", "load gradient"], tensor: Tensor, number: int) -> None:
        self.emit(Instruction(kind, kind, LOADERS[kind], (Constant(tensor),), {}, number))

    def _op(
        self, op: Op[..., Any], inputs: tuple[Any, ...], settings: Settings, outs: tuple[Any, ...], kept: Any
    ) -> None:
        if REGISTRY.get(op.name) is not op:
            self.refuse(f"{op} is no registered op: its function may be another one at each call")
            return
        arguments = tuple([self.encoded(x) for x in inputs])
        encoded = {name: self.encoded(value) for name, value in settings.items()}
        results: Nested = tuple([self.made(x) for x in (*outs, *kept)])
        results = results if op._gives_tuple else results[0]
        self.emit(Instruction("op", op.name, _function(op, inputs), arguments, encoded, results, op=op,
                              flops=flops_of_call(op, inputs, settings, np.shape(outs[0])),
                              plain=(op.forward, False) if op.elementwise else None))  # fmt: skip

    def add(self, earlier: Any, later: Any) -> Any:
        """The sum of two cotangents of one value."""
        out = earlier + later
        arguments = (self.encoded(earlier), self.encoded(later))
        self.emit(Instruction("accumulate", "accumulate", np.add, arguments, {}, self.made(out), plain=(np.add, False)))
        return out

    def _returned(self, result: Any) -> tuple[Nested, Nested]:
        """The numbers of the arrays that a Python call returned, and what else it returned."""
        if isinstance(result, np.ndarray):
            return self.made(result), None
        if isinstance(result, tuple):
            parts = [self._returned(part) for part in result]
            return tuple([number for number, _ in parts]), tuple([rest for _, rest in parts])
        return None, Constant(result)

    # ---- arguments and results --------------------------------------------------------------------------------------

    def encoded(self, x: Any) -> Nested:
        """An argument as it stands in an instruction."""
        if isinstance(x, np.ndarray):
            return Ref(self.number(x))
        if isinstance(x, np.generic):
            found = self.known.find(x)
            return Constant(x) if found is None else Ref(found)
        if isinstance(x, Tensor):
            return Constant(x) if x in self.known.tensors else Wrapped(self.number(x._data))
        if type(x) in (tuple, list):
            return type(x)([self.encoded(part) for part in x])
        if type(x) is dict:
            return {key: self.encoded(part) for key, part in x.items()}
        return Constant(x)

    def made(self, x: Any) -> Nested:
        """The number of a new value; None for what is no array."""
        if isinstance(x, tuple):
            return tuple([self.made(part) for part in x])
        return self.known.new(x) if isinstance(x, (np.ndarray, np.generic)) else None

    def number(self, array: Array) -> int:
        """The number of the value that an array holds."""
        return self.known.number(array)

    def _forget_written(self) -> tuple[Tensor, ...]:
        """Values of Tensors that a Python call has changed are to be loaded anew."""
        written, self._written = tuple(dict.fromkeys(self._written)), []
        for tensor in written:
            if not self.known.forget(tensor):
                self.refuse("a Python call writes into a Tensor that is an argument, or was made in the call")
        return written


def _function(op: Op[..., Any], inputs: tuple[Any, ...]) -> Callable[..., Any]:
    """What computes an op for inputs of such sizes: its forward function, or the one that tries a compiled loop."""
    if not isinstance(op, (UnaryOp, BinaryOp)):
        return op.compute
    first = next((x for x in inputs if type(x) is np.ndarray), None)
    return op.forward if first is None or first.size < MIN_FUSED_SIZE else op.compute


def capturing(tape: Tape) -> Any:
    """Inside this block (and thread) everything is written on the tape."""
    recorder = tape.record if STATE.recorder is not None else None
    return override_state(recorder=recorder, watcher=tape.watch, capture=tape)
