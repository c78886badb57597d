"""`FunctionCall`: a function with arguments and settings, to be run and differentiated in every way that a law needs.

Functions of every framework are called alike, and so are plain functions of NumPy arrays that come with a gradient
written by hand (`grad=` or `vjp=`). A law asks for values, cotangents and tangents, all plain arrays, and does not
depend on the kind (see `minigrad.testing.frameworks`).
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np

from minigrad.autograd.op import Op
from minigrad.testing.calls.call_repr import format_call, function_name
from minigrad.testing.calls.linearization import Linearization, TensorLinearization, attach_call, cotangent_dtype
from minigrad.testing.frameworks.by_hand import ByHand
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.named import framework_named
from minigrad.testing.frameworks.opt_outs import opted_out
from minigrad.testing.frameworks.run import ArrayTuple
from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.typing import Array, Function

Result = TypeVar("Result")


@contextmanager
def no_arithmetic_warnings() -> Iterator[None]:
    """Silence warnings of arithmetic: laws try points where functions are infinite, or means of nothing."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@dataclass(frozen=True)
class FunctionCall:
    """A function with the arguments and settings of one call: what a law is about.

    Attributes:
        f: a function of Tensors to a Tensor or a tuple of them; or, with a hand-written gradient, of arrays to arrays.
        args: arrays, and whatever else f takes by position.
        settings: what f takes by keyword.
        vjp: `vjp(g, *args, **settings)`, the hand-written gradient for each differentiated argument.
        grad: the same for a function to one number, without g.
        jvp: `jvp(v, *args, **settings)`, J v written by hand.
        hvp: `hvp(v, *args, **settings)`, H v written by hand.
        argnums: which arguments are differentiated; None: all floating ones (of an op, those it has rules for).
        foreign: the framework that f is written in; None: minigrad, or by hand.
        straight_through, symmetric: what was said about the gradient, see `minigrad.testing.frameworks.opt_outs`.
        fixed_shapes: whether the arguments must have shapes that fit each other in a way that is not broadcasting.
        cache: what laws have computed for this call, for those that come later.
    """

    f: Function
    args: tuple[Any, ...]  # f may take anything
    settings: Mapping[str, Any] = field(default_factory=dict)
    vjp: Function | None = None
    grad: Function | None = None
    argnums: tuple[int, ...] | None = None
    foreign: Framework | None = None
    jvp: Function | None = None
    hvp: Function | None = None
    straight_through: bool | Function = False
    symmetric: int | tuple[int, ...] | None = None
    fixed_shapes: bool = False
    cache: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        f: Function,
        *args: object,
        vjp: Function | None = None,
        grad: Function | None = None,
        argnums: int | Sequence[int] | None = None,
        jvp: Function | None = None,
        hvp: Function | None = None,
        framework: Framework | str | None = None,
        modes: Sequence[str] | None = None,
        straight_through: bool | Function = False,
        symmetric: int | tuple[int, ...] | None = None,
        **settings: object,
    ) -> FunctionCall:
        """A call as one writes it: Tensors and Python floats become arrays, everything else stays what it is."""
        numbers = (argnums,) if isinstance(argnums, int) else None if argnums is None else tuple(argnums)
        if isinstance(framework, str):
            framework = framework_named(framework)
        framework = framework or getattr(f, "framework", None)
        owner = framework or TENSORS
        if framework is not None and modes is not None:
            framework = framework.with_modes(modes)
        f = owner.function(f)
        given = tuple([_as_argument(x, owner) for x in args])
        return cls(
            f, given, settings, vjp, grad, numbers, framework, jvp=jvp, hvp=hvp, straight_through=straight_through,
            symmetric=symmetric,
        )  # fmt: skip

    def with_args(self, args: Sequence[object]) -> FunctionCall:
        """The same call of other arguments."""
        return replace(self, args=tuple(args))

    def with_values(self, values: Sequence[Array]) -> FunctionCall:
        """The same call with other values for the differentiated arguments."""
        args = list(self.args)
        for i, value in zip(self.positions, values, strict=True):
            args[i] = value
        return self.with_args(args)

    def without_zeros(self) -> FunctionCall:
        """The same call at numbers nearby, none of them 0: a factor of 0 hides that a result depends on another one."""
        rng = np.random.default_rng(3)
        sizes = [rng.uniform(0.1, 0.3, x.shape) if _is_floating(x) else None for x in self.args]
        pairs = zip(self.args, sizes, strict=True)
        return self.with_args([x if s is None else np.where(x == 0, s, x * (1 + s)) for x, s in pairs])

    def in_double(self) -> FunctionCall:
        """The same call in double precision, where rounding hides nothing from laws about numbers."""
        floating = [_is_floating(x) for x in self.args]
        if all(x.dtype == np.float64 for x, f in zip(self.args, floating, strict=True) if f):
            return self
        return self.with_args([x.astype(np.float64) if f else x for x, f in zip(self.args, floating, strict=True)])

    # ---- what it is ------------------------------------------------------------------------------------------

    @cached_property
    def framework(self) -> Framework:
        """What computes the derivatives."""
        by_hand = {"vjp": self.vjp, "grad": self.grad, "jvp": self.jvp, "hvp": self.hvp}
        framework = self.foreign or TENSORS
        if any(d is not None for d in by_hand.values()):
            framework = ByHand(**by_hand, settings=self.settings)
        return opted_out(framework, straight_through=self.straight_through, symmetric=self.symmetric)

    @cached_property
    def function(self) -> Function:
        """f with its settings."""
        return partial(self.f, **self.settings) if self.settings else self.f

    @property
    def on_tensors(self) -> bool:
        """Whether f is a function of minigrad's own Tensors."""
        return self.framework is TENSORS

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """Which arguments are differentiated."""
        if self.argnums is not None:
            return self.argnums
        fixed = self.f.non_differentiable if isinstance(self.f, Op) and not self.f.variadic else ()
        return tuple(i for i, x in enumerate(self.args) if _is_floating(x) and not (fixed and self.names[i] in fixed))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each argument."""
        if hasattr(self.f, "argument_names"):
            return tuple(self.f.argument_names(len(self.args)))
        if isinstance(self.f, Op):
            known = list(self.f.inputs)
            variadic = self.f.inputs[0] if self.f.variadic else ""
        else:
            known, variadic = _parameters(self.f)
        if variadic:
            known = known[: known.index(variadic)]
            known += [f"{variadic}[{i}]" for i in range(len(self.args) - len(known))]
        return tuple([known[i] if i < len(known) else f"argument {i}" for i in range(len(self.args))])

    @property
    def values(self) -> ArrayTuple:
        """The differentiated arguments."""
        return tuple([self.args[i] for i in self.positions])

    @cached_property
    def is_differentiable(self) -> bool:
        """Whether there is anything to differentiate, and a floating result."""
        return bool(self.positions) and any(out.dtype.kind == "f" for out in self.results())

    @property
    def name(self) -> str:
        """The name of f."""
        return function_name(self.f)

    def as_python(self, law: str = "") -> str:
        """This call as one line of Python; with the name of a law, as the call of that law."""
        named = not hasattr(self.f, "framework")
        extra = {
            "vjp": self.vjp, "grad": self.grad, "jvp": self.jvp, "hvp": self.hvp, "argnums": self.argnums,
            "framework": self.foreign if named else None,
            "modes": ("vjp", "jvp") if self.foreign is not None and self.foreign.forward_mode else None,
            "straight_through": self.straight_through or None, "symmetric": self.symmetric,
        }  # fmt: skip
        settings = {**self.settings, **{name: value for name, value in extra.items() if value is not None}}
        if law:
            return format_call(f"laws.{law}", (self.f, *self.args), settings)
        return format_call(self.name, self.args, self.settings)

    def __repr__(self) -> str:
        return self.as_python()

    # ---- running ---------------------------------------------------------------------------------------------

    def given(self) -> list[object]:
        """What f is given besides the differentiated arguments, which are arrays here: values of the framework."""
        with self.framework.context():
            return [
                self.framework.constant(x) if isinstance(x, np.ndarray) and i not in self.positions else x
                for i, x in enumerate(self.args)
            ]

    def linearize(self) -> Linearization:
        """Run f on variables that share their memory with the arguments, where the framework can share it."""
        if self.on_tensors:
            return self.linearize_tensors()
        return Linearization(self, self._run(lambda: self.framework.linearize(*self._as_asked())))

    def linearize_tensors(self, *, inputs: Sequence[object] | None = None) -> TensorLinearization:
        """The same for a function of Tensors; on `inputs`, given as they are, if there are any."""
        if inputs is None:
            return TensorLinearization(self, self._run(lambda: TENSORS.linearize(*self._as_asked())))
        return TensorLinearization(self, self._run(lambda: TENSORS.run(self.function, inputs, self.positions)))

    def _as_asked(self) -> tuple[Function, list[object], tuple[int, ...]]:
        return self.function, self.given(), self.positions

    def _run(self, run: Callable[[], Result]) -> Result:
        try:
            return run()
        except Exception as error:
            attach_call(error, self)
            raise

    def variable(self, i: int) -> object:
        """Argument i as a Tensor, a variable if it is differentiated; what is no array as it is."""
        x = self.args[i]
        if not isinstance(x, np.ndarray):
            return x
        tensor = TENSORS.constant(x)
        tensor.requires_grad = i in self.positions
        return tensor

    def results(self) -> ArrayTuple:
        """The results, computed without recording."""
        return self._run(lambda: self.framework.value(*self._as_asked()))

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What f raises for arguments that it does not take (also as a ShapeError): such a call is no example."""
        return (ValueError, *self.framework.refusals)

    def is_accepted(self) -> bool:
        """Whether f takes these arguments: laws try some that were not drawn for it."""
        try:
            self.results()
        except self.refusals:
            return False
        return True

    def cotangents(self, seed: int = 0) -> ArrayTuple:
        """Generic cotangents of the results: random numbers between 1/2 and 3/2."""
        rng = np.random.default_rng(seed)
        return tuple([rng.uniform(0.5, 1.5, out.shape).astype(cotangent_dtype(out.dtype)) for out in self.results()])

    def tangents(self, seed: int = 1) -> ArrayTuple:
        """Generic tangents of the differentiated arguments."""
        rng = np.random.default_rng(seed)
        return tuple([rng.uniform(0.5, 1.5, x.shape).astype(x.dtype) for x in self.values])

    def gradients(self, cotangents: Sequence[Array] | None = None) -> ArrayTuple:
        """J'u for each differentiated argument, by a first-order pass."""
        return self.linearize().vjp(self.cotangents() if cotangents is None else cotangents)


def _is_floating(x: object) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _as_argument(x: object, framework: Framework) -> object:
    if framework.owns(x):
        return framework.array(x)
    return np.asarray(x) if isinstance(x, (float, complex, np.inexact)) else x


def _parameters(f: Function) -> tuple[list[str], str]:
    """The names of what f takes by position, and which of them stands for any number."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return [], ""
    known = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY and p.kind is not p.VAR_KEYWORD]
    return known, next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "")
