"""`custom_vjp`: a derivative of one's own for a whole function of Tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.arguments import positions
from minigrad.autograd.batched_array import LIVE, innermost, is_batched
from minigrad.autograd.complex_numbers import DIFFERENTIABLE, conjugated
from minigrad.autograd.level import Level
from minigrad.autograd.multiple_results import Results
from minigrad.autograd.nested import Nested, leaves, mapped, matching, rebuilt
from minigrad.autograd.node import STATE
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.autograd.vmap import spread, vmap
from minigrad.errors import GraphError, RuleError, UsageError
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import Function, Settings


class custom_vjp(ExplainedKeywords):  # noqa: N801  (a decorator, with JAX's name)
    """Give a function of Tensors a vector-Jacobian product of its own, as `jax.custom_vjp` does.

    `defvjp(fwd, bwd)` says how: `fwd` takes what the function takes, and gives (value, residuals); `bwd` takes
    (residuals, g), g the cotangent of the value, and gives one cotangent an argument, as a tuple. What happens inside
    of both is one step of the graph. At higher orders both are differentiated: write them with minigrad's functions.
    Forward mode uses `bwd` too. Where NaN is masked behind the function, `bwd` has to see to it itself.

    It is for functions whose derivative is known better than the chain rule finds it: implicit functions such as a
    fixed point, or formulas that are more stable. A new function on arrays is rather an `op`.

    Arguments by keyword, and then defaults too, become arguments by position, in f's order: `fwd` is called with all of
    them, and `bwd` gives a cotangent for each. Functions, numbers of steps and other settings are best named in
    `nondiff_argnums`: they come first in `bwd`, and have no cotangent.

    Args:
        f: a function of Tensors, and anything else, to a Tensor or containers of Tensors. It is called as it is where
            nothing is recorded.
        nondiff_argnums: the numbers of the arguments that are not differentiated, one or several; negative ones count
            from the end. `bwd` is called as bwd(*these, residuals, g), and gives the cotangents of the others
            (default (): none).

    Raises:
        UsageError: f is no function, or has no arguments of these numbers when it is called.

    >>> @custom_vjp
    ... def softplus(x):
    ...     return (1 + x.exp()).log()
    >>> softplus.defvjp(lambda x: ((1 + x.exp()).log(), x), lambda x, g: (g * x.sigmoid(),))
    >>> x = Tensor(50.0, requires_grad=True)
    >>> softplus(x).backward(); x.grad.item()
    1.0
    """

    def __init__(self, f: Function, nondiff_argnums: int | Sequence[int] = ()) -> None:
        if not callable(f):
            raise UsageError(f"custom_vjp takes a function, not {type(f).__name__}")
        functools.update_wrapper(self, f)
        self.function = f
        self.name = getattr(f, "__name__", type(f).__name__)
        self.nondiff_argnums = nondiff_argnums
        self.rules: tuple[Function, Function] | None = None

    def defvjp(self, fwd: Function, bwd: Function) -> None:
        """State the derivative.

        Args:
            fwd: from the function's arguments to its value and whatever `bwd` needs.
            bwd: from the arguments of `nondiff_argnums`, what `fwd` kept, and the cotangent of the value in its
                containers, to a tuple: the cotangent of each other argument, in its containers; None for one without a
                derivative.
        """
        self.rules = fwd, bwd

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """The function's value, recorded as one step when an argument requires gradients.

        Raises:
            UsageError: `defvjp` has not been called, or f takes no such keywords, or has keyword-only parameters.
            GraphError: `fwd` gives no pair, or no Tensors, or uses recorded Tensors that are not its arguments; or an
                argument of `nondiff_argnums` is recorded.
        """
        if self.rules is None:
            raise UsageError(f"{self.name}: say how it is differentiated, by {self.name}.defvjp(fwd, bwd)")
        args = self._by_position(args, settings) if settings else args
        if self.nondiff_argnums != ():
            return self._of_the_others(args)
        xs = [x for _, x in leaves(args) if isinstance(x, Tensor)]
        level = innermost(xs) if LIVE else None
        inside = STATE.recorder is not None and any(x.node is not None for x in xs)
        if level is not None and any(level.has_history(x) for x in xs):
            return self._with_batch(level, args, xs, inside)
        return _Call(self.name, *self.rules, args).run(xs) if inside else self.function(*args)

    def _by_position(self, args: tuple[Any, ...], settings: Settings) -> tuple[Any, ...]:
        try:
            bound = inspect.signature(self.function).bind(*args, **settings)
        except TypeError as error:
            raise UsageError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        if bound.kwargs:
            raise UsageError(
                f"{self.name}: {', '.join(bound.kwargs)} can be given by keyword only, and fwd and bwd take arguments "
                "by position: leave the * out of its signature"
            )
        return bound.args

    def _of_the_others(self, args: tuple[Any, ...]) -> Any:
        """The function of the arguments that are differentiated; the others are parts of it."""
        assert self.rules is not None
        static = positions(self.name, self.nondiff_argnums, len(args))
        for i in static:
            if any(isinstance(x, Tensor) and x.requires_grad for _, x in leaves(args[i])):
                raise GraphError(
                    f"{self.name}: argument {i} is in nondiff_argnums, and requires gradients: give it among the "
                    "others, with None for its cotangent if there is none, or x.detach() if it is a constant"
                )

        def whole(*others: Any) -> list[Any]:
            remaining = iter(others)
            return [x if i in static else next(remaining) for i, x in enumerate(args)]

        fwd, bwd = self.rules
        function = custom_vjp(lambda *others: self.function(*whole(*others)))
        function.name = self.name
        function.defvjp(
            lambda *others: fwd(*whole(*others)), lambda residuals, g: bwd(*[args[i] for i in static], residuals, g)
        )
        return function(*[x for i, x in enumerate(args) if i not in static])

    def _with_batch(self, level: Level, args: tuple[Any, ...], xs: list[Tensor], inside: bool) -> Any:
        """The function of what `vmap` runs it on, recorded as one step outside as well: all samples are one call."""
        assert self.rules is not None
        data: list[Any] = [level.lift(x)._data if isinstance(x, Tensor) else x for _, x in leaves(args)]
        axes = tuple([0 if is_batched(x) and x.batched else None for x in data])
        values = rebuilt(args, [x.value if is_batched(x) else x for x in data])
        if all(axis is None for axis in axes):
            out = level.outside(lambda: self(*values))
            return mapped(level.lift, out)
        in_axes, (fwd, bwd) = rebuilt(args, axes), self.rules
        outside = custom_vjp(vmap(self.function, in_axes))

        def pull(residuals: Any, g: Any) -> tuple[Any, ...]:
            found = vmap(bwd, (0, 0))(residuals, g)
            return tuple([_summed(part, axis) for part, axis in zip(found, in_axes, strict=True)])

        outside.defvjp(vmap(fwd, in_axes), pull)
        out = mapped(level.batch, level.outside(lambda: outside(*values)))
        if not inside:
            return out
        call = _Call(self.name, *self.rules, args)
        call.out, call.outs = out, [part for _, part in leaves(out)]
        return call.run(xs)


class _Call:
    """One recorded call: an op of the Tensors among the arguments, made for it."""

    def __init__(self, name: str, fwd: Function, bwd: Function, args: tuple[Any, ...]) -> None:
        self.name, self.fwd, self.bwd = name, fwd, bwd
        self.args = rebuilt(args, [wrap(x._data) if isinstance(x, Tensor) else x for _, x in leaves(args)])
        self.out, self.residuals = self._forward(self.args)
        self.outs = [out for _, out in leaves(self.out)]
        for what, nested in (("value", self.out), ("residuals", self.residuals)):
            if any(isinstance(x, Tensor) and x.node is not None for _, x in leaves(nested)):
                raise GraphError(
                    f"{name}: the {what} that fwd gives depend on a recorded Tensor that is not an argument, and its "
                    "gradient would be lost: pass it as an argument, or x.detach() if it is a constant"
                )
        self.pending: dict[int, Any] = {}
        self.of: object = None

    def _forward(self, args: tuple[Any, ...]) -> tuple[Nested, Any]:
        with recording():
            pair = self.fwd(*args)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise GraphError(f"{self.name}: fwd must give (value, residuals), a pair, not {type(pair).__name__}")
        outs = list(leaves(pair[0]))
        if not outs or not all(isinstance(out, Tensor) for _, out in outs):
            raise GraphError(f"{self.name}: the value that fwd gives must be a Tensor, or containers of Tensors")
        return pair

    def run(self, xs: Sequence[Tensor]) -> Nested:
        """The value, recorded."""
        several = len(self.outs) > 1
        op: Op[..., Any] = Op(
            lambda *xs: xs,  # which is never called: fwd has computed the value
            self.name,
            results=[f"result{k}" for k in range(len(self.outs))] if several else [],
            module=self.fwd.__module__,
        )
        op.vjp("xs")(self._rule)
        arrays = tuple([out._data for out in self.outs])
        out: Any = Results(arrays) if several else arrays[0]
        recorder = STATE.recorder
        if recorder is None or out.dtype.kind not in DIFFERENTIABLE:
            return self.out
        nodes = tuple([x.node for x in xs])
        mask = sum(1 << i for i, node in enumerate(nodes) if node is not None)
        values = (tuple([x._data for x in xs]), *arrays)
        whole = recorder(op.plan(mask, len(xs)), nodes, values, {}, out)
        return rebuilt(self.out, op._each_result(whole, out, recorder) if several else [whole])

    def _rule(self, g: Any, xs: tuple[Any, ...], i: int) -> Any:
        """The cotangent of Tensor number i among the arguments: all are computed at once, and handed out one by one."""
        if self.of is not g or i not in self.pending:
            self.of, self.pending = g, dict(enumerate(self._cotangents(g, xs)))
        found = self.pending.pop(i)
        if not self.pending:
            self.of = None
        return found

    def _cotangents(self, g: Any, xs: tuple[Any, ...]) -> list[Any]:
        gs = list(g) if isinstance(g, tuple) else [g]
        recorded = any(isinstance(x, Tensor) for x in (*gs, *xs))
        residuals = self.residuals
        if any(isinstance(x, Tensor) for x in xs):  # what it is computed from is differentiated, too
            given = iter(xs)
            values = [next(given) if isinstance(x, Tensor) else x for _, x in leaves(self.args)]
            _, residuals = self._forward(rebuilt(self.args, values))
        with recording(recorded):
            seeds = [conjugated(part if isinstance(part, Tensor) else wrap(part)) for part in gs]
            cotangent = rebuilt(self.out, seeds)
            found = self.bwd(residuals, cotangent)
        if not isinstance(found, tuple) or len(found) != len(self.args):
            what = f"{len(found)}" if isinstance(found, tuple) else type(found).__name__
            raise RuleError(f"{self.name}: bwd must give a tuple of {len(self.args)}, one an argument; it gave {what}")
        parts = [self._of_argument(x, part) for x, part in zip(self.args, found, strict=True)]
        with recording(recorded):  # bwd takes and gives gradients as users know them: see `complex_numbers`
            cotangents = [conjugated(part) for of_argument in parts for part in of_argument]
        return cotangents if recorded else [part._data for part in cotangents]

    def _of_argument(self, argument: Nested, found: Nested) -> list[Tensor]:
        """The cotangents of the Tensors in one argument, zeros for None."""
        values = [x for _, x in leaves(argument)]
        parts = [None] * len(values) if found is None else matching(self.name, argument, found)
        pairs = [(x, part) for x, part in zip(values, parts, strict=True) if isinstance(x, Tensor)]
        return [_as_cotangent(x, part) for x, part in pairs]


def _summed(found: Nested, axes: Nested) -> Nested:
    """The cotangents of one argument, summed over the samples that share it."""
    if found is None:
        return None
    pairs = zip(leaves(found), spread("in_axes", axes, found), strict=True)
    return rebuilt(found, [operators.ops.sum(part, axis=0) if axis is None else part for (_, part), axis in pairs])


def _as_cotangent(x: Tensor, found: Any) -> Tensor:
    if found is None:
        return wrap(np.zeros(x.shape, x.dtype))
    return found if isinstance(found, Tensor) else Tensor(found)
