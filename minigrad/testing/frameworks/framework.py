"""`Framework`: the protocol between the kit and whatever computes derivatives.

The kit works on NumPy arrays. A framework says how an array becomes one of its own values and back (`constant`,
`array`), and how a function is run and pulled back (`vjp`). That is enough for `check_grads` and `@gradtest`, with
laws, shrinking and likely causes. A small tape, for example, which keeps `value`, `parents` and `grad`:

    class Tape(Framework):
        name, value_type, refusals = "tape", Var, (ShapeMismatch,)

        def constant(self, x):
            return Var(x)

        def array(self, value):
            return value.value

        def vjp(self, f, args, positions, *, record=False):
            outs = as_tuple(f(*args))

            def pull(cotangents):
                for i in positions:
                    args[i].grad = None
                backward(outs, cotangents)
                return [args[i].grad for i in positions]

            return outs, pull

    check_grads, gradtest = kit_for(Tape())  # of minigrad.testing.frameworks.kit

What else a framework can do is said by attributes: whether what it pulls back can be differentiated again
(`higher_order`), whether it has a forward mode of its own (`forward_mode`, with `jvp`). Which laws make no sense for
it, and why, follows from these (`left_out`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from types import FunctionType
from typing import Any, ClassVar

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing.frameworks.complex_parts import ComplexParts
from minigrad.testing.frameworks.left_out import reasons_to_leave_out
from minigrad.testing.frameworks.run import ArrayTuple, Pull, Run, as_tuple, in_dtype_of
from minigrad.typing import Array, DType, Function


class Framework(ComplexParts, ABC):
    """Runs functions and differentiates them; see this module's docstring.

    Attributes:
        name: how reports and pasted lines call it.
        value_type: the type of its values: its tensors, arrays or nodes.
        refusals: what its functions raise for arguments that they do not take, besides `ValueError`.
        hands_out_views: whether results and gradients may share memory with what was given, as frameworks let them.
        dtypes: the floating dtypes that it computes in.
        result_kinds: the kinds of dtypes (as in NumPy's `dtype.kind`) of results that have derivatives.
        higher_order: whether gradients can be differentiated again: `vjp(..., record=True)`.
        forward_mode: whether it has `jvp`.
        claims_gradient: whether there are first derivatives to check.
        hvp: a product with the second derivatives that does not come from differentiating again; none unless set.
        note: what a report must say about it.
    """

    name: ClassVar[str] = "framework"
    value_type: ClassVar[type | tuple[type, ...]] = ()
    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    hands_out_views: ClassVar[bool] = True
    dtypes: ClassVar[tuple[type[np.floating[Any]], ...]] = (np.float32, np.float64)
    result_kinds: ClassVar[str] = "f"
    higher_order: bool = False
    forward_mode: bool = False
    claims_gradient: bool = True
    hvp: Function | None = None
    note: str = ""

    # ---- what a framework says ---------------------------------------------------------------------------------

    @abstractmethod
    def constant(self, x: Array) -> Any:
        """A value of the framework from an array, without a history; in the same memory where that is possible.

        Args:
            x: an array of any dtype and memory layout.
        """

    @abstractmethod
    def array(self, value: Any) -> Array:
        """The array of a value of the framework, in the same memory where that is possible.

        Args:
            value: what a function returned, or a gradient.
        """

    @abstractmethod
    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f, and give its results with the function that pulls cotangents back.

        Args:
            f: a function of the framework's values.
            args: what it is given.
            positions: which of these are differentiated.
            record: whether what is pulled back will be differentiated again (default False; only where
                `higher_order`).

        Returns:
            The results, and a function that takes a cotangent for each floating result, any number of times, and gives
            a gradient for each of the positions; None for one that nothing depends on.
        """

    def jvp(self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Any]) -> Sequence[Any]:
        """J v by the framework's forward mode: a tangent for each floating result.

        Args:
            f: a function of the framework's values.
            args: what it is given.
            positions: which of these are moved.
            tangents: how each of them is moved.
        """
        raise NotImplementedError(f"{self.name} has no forward mode")

    def function(self, f: Any) -> Function:
        """What a user gave as a function of the framework's values: a class with a `backward` becomes its `apply`.

        Args:
            f: what `check_grads` or `gradtest` was given.
        """
        return f  # type: ignore[no-any-return]

    def rules(self, x: object) -> Sequence[Function]:
        """The Python functions that pull back through x: they are read and changed to find out what is wrong.

        Args:
            x: a function, or whatever a tested function refers to. Unless a framework knows better, each may be one.
        """
        return [x] if isinstance(x, FunctionType) else []

    def module(self, make: Callable[[], Any]) -> Any:
        """The module (layer, model) that a function makes, as a function of its inputs and parameters.

        Args:
            make: a function without positional parameters, which makes the module.

        Raises:
            UsageError: the framework has none.
        """
        name = getattr(make, "__name__", make)
        raise UsageError(f"gradtest: {name} has no positional parameters, so there is nothing to differentiate")

    def context(self) -> AbstractContextManager[object]:
        """What surrounds everything that runs: a precision that is switched on, for example."""
        return nullcontext()

    def left_out(self) -> Mapping[str, str]:
        """The laws that make no sense here, by name, each with the reason."""
        twice, forward = self.higher_order or self.hvp is not None, self.forward_mode or self.higher_order
        return reasons_to_leave_out(self.name, twice=twice, forward=forward, gradient=self.claims_gradient)

    def with_modes(self, modes: Sequence[str]) -> Framework:
        """The same framework with its forward mode in use, or not.

        Args:
            modes: "vjp" and perhaps "jvp".

        Raises:
            UsageError: it is another word, or there is no forward mode.
        """
        if not set(modes) <= {"vjp", "jvp"} or "vjp" not in modes:
            raise UsageError(f'modes={tuple(modes)!r}: it is ("vjp",) or ("vjp", "jvp")')
        if "jvp" in modes and type(self).jvp is Framework.jvp:
            raise UsageError(f"modes={tuple(modes)!r}: {self.name} has no forward mode here")
        result = copy(self)
        result.forward_mode = "jvp" in modes
        return result

    def require_results(self, values: ArrayTuple) -> None:
        """Check that results can be differentiated.

        Args:
            values: the results as arrays.

        Raises:
            UsageError: none is floating.
        """
        if not any(value.dtype.kind in self.result_kinds for value in values):
            raise UsageError(
                f"the function returned no floating {self.value_name}, so there is nothing to differentiate"
            )

    @property
    def value_name(self) -> str:
        """What its values are called."""
        return self.value_type.__name__ if isinstance(self.value_type, type) else "value"

    def __repr__(self) -> str:
        return repr(self.name)

    # ---- what the kit asks -------------------------------------------------------------------------------------

    def owns(self, x: object) -> bool:
        """Whether x is one of the framework's values."""
        return isinstance(x, self.value_type)

    def floating_dtype(self, x: object) -> DType | None:
        """The floating dtype of an argument; None for all that has no derivative."""
        if isinstance(x, float) and not isinstance(x, np.generic):
            return np.dtype(np.float64)
        if self.owns(x):
            x = self.array(x)
        return x.dtype if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f" else None

    def as_array(self, x: object) -> Array:
        """The array of an argument: a number, an array or one of the framework's values."""
        return self.array(x) if self.owns(x) else np.asarray(x)

    def value(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> ArrayTuple:
        """The results as arrays; arguments at the positions are arrays, all others are given to f as they are."""
        with self.context():
            return tuple([self.array(out) for out in as_tuple(f(*self._given(args, positions)))])

    def linearize(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> Run:
        """Run f to be pulled back through; the arguments are those of `value`."""
        with self.context():
            outs, pull = self.vjp(f, self._given(args, positions), positions)
            values = tuple([self.array(out) for out in outs])

        def pull_arrays(cotangents: Sequence[Array]) -> ArrayTuple:
            with self.context():
                found = pull(self._cotangents(values, cotangents))
                if len(found) == len(args) != len(positions):
                    found = [found[i] for i in positions]
                if len(found) != len(positions):  # whoever asked will say so
                    return tuple([self.array(g) for g in found])
                return tuple([self._gradient(g, args[i]) for g, i in zip(found, positions, strict=True)])

        return Run(values, pull_arrays)

    def derivative(self, f: Function, positions: Sequence[int], count: int) -> Function:
        """The claimed derivative as a function of the framework's values: (*args, *cotangents) -> J'u.

        Args:
            f: a function of the framework's values.
            positions: which arguments are differentiated.
            count: how many arguments there are.
        """

        def pulled_back(*args_and_cotangents: Any) -> tuple[Any, ...]:
            args, cotangents = args_and_cotangents[:count], args_and_cotangents[count:]
            _, pull = self.vjp(f, list(args), positions, record=True)
            found = zip(pull(cotangents), positions, strict=True)
            return tuple([self.constant(np.zeros_like(self.array(args[i]))) if g is None else g for g, i in found])

        return pulled_back

    def push_forward(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Array]
    ) -> ArrayTuple:
        """J v for each floating result: by the forward mode, or by transposing the derivative, which is linear in u."""
        with self.context():
            given = self._given(args, positions)
            if self.forward_mode:
                vs = [self.constant(np.asarray(v)) for v in tangents]
                return tuple([self.array(v) for v in self.jvp(f, given, positions, vs)])
            zeros = [np.zeros_like(v) for v in self.value(f, args, positions) if v.dtype.kind in self.result_kinds]
            us = range(len(args), len(args) + len(zeros))
            return self.linearize(self.derivative(f, positions, len(args)), [*given, *zeros], us).pull(tangents)

    def second_derivative(
        self,
        f: Function,
        args: Sequence[Any],
        positions: Sequence[int],
        cotangents: Sequence[Array],
        tangents: Sequence[Array],
    ) -> ArrayTuple:
        """H v, H the second derivatives of the sum of u * f."""
        with self.context():
            us = self._cotangents(self.value(f, args, positions), cotangents)
            return self.linearize(self.derivative(f, positions, len(args)), [*args, *us], positions).pull(tangents)

    # ---- conversions -------------------------------------------------------------------------------------------

    def _given(self, args: Sequence[Any], positions: Sequence[int]) -> list[Any]:
        """The arguments, with values of the framework for the differentiated ones."""
        return [self.constant(np.asarray(x)) if i in positions else x for i, x in enumerate(args)]

    def _cotangents(self, values: ArrayTuple, cotangents: Sequence[Array]) -> list[Any]:
        """Cotangents of the floating results, in their dtypes."""
        pairs = zip(values, cotangents, strict=True)
        return [self.constant(in_dtype_of(value, g)) for value, g in pairs if value.dtype.kind in self.result_kinds]

    def _gradient(self, g: Any, x: Any) -> Array:
        return np.zeros(np.shape(x), np.asarray(x).dtype) if g is None else self.array(g)
