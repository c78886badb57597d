"""`Op`: a forward function on arrays, with its derivative rules beside it.

This is the only place where an op runs and is recorded. Writing one takes a few lines:

    @op(shapes="... D -> ... D")
    def cube(x):
        return x * x * x

    @cube.vjp("x")
    def _(g, x):
        return 3 * g * x * x

The forward function receives NumPy arrays: its positional parameters are the *inputs*, its keyword-only parameters
the *settings*. A rule gives the vector-Jacobian product for one input and asks for what it needs by parameter name:

    g            the cotangent of the result (always first)
    x            an input of that name                     x_shape   its shape
    out          the result                                <kept>    a residual that the op declares with `residuals=`
    <result>     one of several results (`results=`), in place of `out`; g is then a tuple, a cotangent each
    i            the position of the input, for an op with variadic inputs (`*xs`)
    keyword-only the settings

What no rule names is not saved. Rules are written with operators and ops only. A first-order backward pass runs them on
plain arrays (an op that is given no Tensor computes on arrays and returns one); when the backward pass is itself being
recorded, the same rules run on Tensors. So there is one rule, and every order of derivative is right.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar

import numpy as np

from minigrad.autograd.batched_array import LIVE, innermost
from minigrad.autograd.complex_numbers import DIFFERENTIABLE, Complex, refuse_complex
from minigrad.autograd.error_context import add_error_context
from minigrad.autograd.multiple_results import Results, rule_of_result, split
from minigrad.autograd.node import STATE, Node, Recorder
from minigrad.autograd.rule import Plan, Rule
from minigrad.autograd.signature import forward_signature, settings_by_position
from minigrad.autograd.tensor import Tensor, as_operand, copy_if_writable, record, wrap
from minigrad.domain import REAL, Domain
from minigrad.errors import RuleError, ShapeError
from minigrad.kernels.lazy_fusion import fused, with_loop
from minigrad.shapes import ShapeSpec
from minigrad.typing import Array, Function, Settings

if TYPE_CHECKING:
    import typing_extensions as extensions

    P = extensions.ParamSpec("P", default=...)
    R = extensions.TypeVar("R", default=Any)
else:
    P, R = ParamSpec("P"), TypeVar("R")


class Op(Generic[P, R]):
    """A differentiable function; see this module's docstring for how to write one.

    For type checkers, P stands for the parameters of a call, and R for what it gives: a Tensor, or a tuple of them.

    Args:
        forward: arrays and settings in; an array out, or with `residuals` a tuple of an array and the residuals. With
            `results`, as many arrays as these, in front of the residuals.
        name: unique among all ops.
        shapes: the shape specification, checked on every call (default None: shapes are not checked).
        residuals: the names of what the forward function keeps for its rules (default ()).
        non_differentiable: the inputs that have no derivative (default ()).
        canonical: from settings as users write them to those of `forward` (default None: they are the same).
        reference: the same function made of other ops, for tests and where only fast rules exist; of an op with several
            results it gives a tuple (default None).
        domain: where each input may lie (default None: on the whole real line).
        linear: the inputs in which the op is linear, each alone (default ()).
        complex: what its rules are for complex numbers, see `complex_numbers` (default None: it refuses them).
        kinks: where it is continuous without a derivative: points, or "ties" for one that chooses (default ()).
        results: the names of the results of an op that has several; a call gives a tuple of them (default ()).
        onnx: the name of the ONNX operator that does the same (default None: there is none).
        flops: counts the multiply-adds of a call from its shapes and settings (default None: there are none).
        source: the paper that it is from (default None).
        hint: what to do about inputs whose shapes do not fit, for the error (default "").
        elementwise: whether element k of the result depends on element k of the inputs only (default False).
        module: the name of the module that it belongs to (default None: the forward function's).

    Attributes:
        inputs: the names of the inputs. With `variadic`, the one name stands for any number of them.
        loop: of an elementwise op, the same as `forward` in one compiled loop, or it says NotImplemented.
        compute: what `forward` gives, by the loop where that is possible.
        rules, fast_rules: the vector-Jacobian product for each input, and faster ones for arrays at first order.
        joint_rule: one for several inputs at once; None if there is none.
        result_of: the op that this one picks a result of, as `svd.s` does of `svd`; None for all others.

    Raises:
        RuleError: a fact names no input.
    """

    def __init__(
        self,
        forward: Function,
        name: str,
        *,
        shapes: str | None = None,
        residuals: Sequence[str] = (),
        non_differentiable: Sequence[str] = (),
        canonical: Function | None = None,
        reference: Function | None = None,
        domain: Mapping[str, Domain] | None = None,
        linear: Sequence[str] = (),
        kinks: Sequence[float] | Literal["ties"] = (),
        results: Sequence[str] = (),
        onnx: str | None = None,
        flops: Function | None = None,
        source: str | None = None,
        hint: str = "",
        elementwise: bool = False,
        complex: Complex | None = None,
        module: str | None = None,
    ) -> None:
        self.module = module or getattr(forward, "__module__", "")
        self.name, self._title, self.forward, self.__doc__ = name, name, forward, forward.__doc__
        self.result_of: Op[..., Any] | None = None
        self.canonical, self.reference, self.elementwise, self.complex = canonical, reference, elementwise, complex
        self.residuals, self.results = tuple(residuals), tuple(results)
        form = forward_signature(name, forward, canonical, self.results)
        self.inputs, self.settings, self.variadic, self._defaults, self.__signature__ = form
        self._gives_tuple = bool(residuals or results)
        self.non_differentiable = frozenset(self._checked(non_differentiable))
        self.linear = tuple(self._checked(linear))
        self.kinks = kinks if isinstance(kinks, str) else tuple(kinks)
        self.domain = {name: (domain or {}).get(name, REAL) for name in self.inputs}
        self.shapes = ShapeSpec(shapes) if shapes is not None else None
        self.onnx, self.flops, self.source, self.hint = onnx, flops, source, hint
        self.result_ops = tuple([_result_op(self, k) for k in range(len(self.results))])
        self.loop: Function = fused(forward, name)
        self.compute: Function = with_loop(forward, self.loop) if elementwise else forward
        self.rules: dict[str, Rule] = {}
        self.fast_rules: dict[str, Rule] = {}
        self.batch_rule: Function | None = None
        self.residual_op: Op[..., Any] | None = None
        bits = [1 << i for i, name in enumerate(self.inputs) if name not in self.non_differentiable]
        self._allowed = -1 if self.variadic else sum(bits)
        self._max_inputs = sys.maxsize if self.variadic else len(self.inputs)
        self._plans: dict[tuple[int, int], Plan] = {}
        self._short_plans: list[Plan | None] = [None] * 4  # by mask alone, for one or two inputs
        self._fitting: set[tuple[object, ...]] = set()

    def _checked(self, names: Sequence[str]) -> Sequence[str]:
        for name in names:
            if name not in self.inputs:
                raise RuleError(f"op {self.name}: {name!r} is not an input; the inputs are {', '.join(self.inputs)}")
        return names

    def __str__(self) -> str:
        return self._title

    def __repr__(self) -> str:
        return f"{self.name}{self.__signature__}"  # the first line of help()

    # ---- rules -----------------------------------------------------------------------------------------------

    def vjp(self, name: str) -> Callable[[Function], Function]:
        """Register the decorated function as the vector-Jacobian product for the input `name`."""
        return lambda function: self._add_rule(self.rules, (name,), function)

    def fast_vjp(self, *names: str) -> Callable[[Function], Function]:
        """Register a quicker twin of that rule, which only ever sees arrays.

        With several names it gives a tuple, a product for each of these inputs. A keyword `wanted` tells it the names
        of those that are asked for; the others may be None.
        """
        return lambda function: self._add_rule(self.fast_rules, names, function)

    def batching(self, function: Function) -> Function:
        """Register the decorated function as the batching rule for `vmap`; `autograd/batching.py` says what it is."""
        self.batch_rule = lambda op, xs, batched, settings: (
            function(xs, batched, **settings) if op is self else NotImplemented
        )
        return function

    def _add_rule(self, rules: dict[str, Rule], names: Sequence[str], function: Function) -> Function:
        self._checked(names)
        rules.update(dict.fromkeys(names, Rule.of(self, names, function)))
        self._forget_plans()
        return function

    def _forget_plans(self) -> None:
        self._plans.clear()
        self._short_plans = [None] * 4

    def plan(self, mask: int, count: int) -> Plan:
        """The plan for the differentiable inputs whose bits are set in `mask`, of `count` inputs."""
        found = self._plans.get((mask, count))
        if found is None:
            found = self._plans[mask, count] = Plan(self, mask, count)
        return found

    def _short_plan(self, mask: int, count: int) -> Plan:
        plan = self._short_plans[mask] = self.plan(mask, count)
        return plan

    # ---- running ---------------------------------------------------------------------------------------------

    def __call__(self, *inputs: P.args, **settings: P.kwargs) -> R:
        """Compute, and record when an input requires gradients.

        Given a Tensor, the result is a Tensor (or a tuple of them). Given arrays only, which is how a backward pass of
        first order runs the rules, the results are arrays: types, which cannot tell, say Tensor there, too.
        """
        if len(inputs) > self._max_inputs:
            inputs, settings = settings_by_position(self, inputs, settings)  # type: ignore[assignment]
        if LIVE and (level := innermost((*inputs, *settings.values()))) is not None:
            return level.call(self, inputs, settings)  # type: ignore[no-any-return]
        arrays: list[Any] = []  # with None, numbers and tuples of settings among them
        parents: list[Node | None] = []
        mask, bit, constant, mixed = 0, 1, True, False
        for x in inputs:
            if type(x) is Tensor:
                constant = False
                arrays.append(x._data)
                parents.append(x.node)
                if x.node is not None:
                    mask |= bit
            else:
                mixed = True
                arrays.append(self._from_list(len(arrays), x) if type(x) is list or type(x) is tuple else x)
                parents.append(None)
            bit <<= 1
        try:
            if self.complex is None:
                refuse_complex(self, arrays)
            if self.shapes is not None:
                self._check_shapes(arrays, settings)
            canonical: Settings = settings
            if self.settings:
                canonical = self.canonical(*arrays, **settings) if self.canonical else self._defaults | settings
            out = self.compute(*arrays, **canonical)
            residuals: tuple[Array, ...] = ()
            if self._gives_tuple:
                out, residuals = split(out, self.results, self.residuals)
            mask &= self._allowed
            differentiable = mask and out.dtype.kind in DIFFERENTIABLE  # integers and booleans have no derivatives
        except Exception as error:
            add_error_context(self, inputs, settings, error)
        if differentiable:
            recorder = STATE.recorder
            if recorder is not None:
                plan = self.plan(mask, len(arrays))
                if mixed:
                    arrays = [
                        a if type(x) is Tensor else copy_if_writable(a) for a, x in zip(arrays, inputs, strict=True)
                    ]
                values = ((tuple(arrays),) if self.variadic else tuple(arrays)) + residuals
                values += out.arrays if self.results else (out,)
                recorded = recorder(plan, tuple(parents), values, canonical, out)
                return self._each_result(recorded, out, recorder) if self.results else recorded  # type: ignore[return-value]
        outs = out.arrays if self.results else (out,)
        if not constant:
            outs = tuple([wrap(array) for array in outs])
        if STATE.watcher is not None:
            for result in outs:
                STATE.watcher(self, tuple(arrays), canonical, result if constant else result._data)
        return outs if self.results else outs[0]  # type: ignore[return-value]

    def _each_result(self, whole: Tensor, out: Results, recorder: Recorder) -> tuple[Tensor, ...]:
        """The results of a call that was recorded as a whole, each with a node of its own behind it."""
        assert whole.node is not None
        return tuple([self.result(whole.node, k, array, recorder) for k, array in enumerate(out.arrays)])

    def result(self, node: Node, k: int, array: Array, recorder: Recorder = record) -> Tensor:
        """Result number `k` of the call that `node` recorded, with a node of its own."""
        if array.dtype.kind not in DIFFERENTIABLE:
            return wrap(array)
        plan = self.result_ops[k].plan(1, 1)
        return recorder(plan, (node,), (node, array), {}, array)  # the rule asks for node.shape

    def _from_list(self, position: int, numbers: Sequence[Any]) -> Array:
        """A list given in place of a Tensor: of class numbers and the like, or of values in the default dtype."""
        constant = self.non_differentiable.issuperset(self.inputs[position : position + 1]) and not self.variadic
        return np.asarray(numbers) if constant else as_operand(numbers)

    def _check_shapes(self, arrays: list[Any], settings: Settings) -> None:
        """Hold the inputs against `shapes=`; combinations that fitted once are remembered."""
        shapes = tuple([None if a is None else np.shape(a) for a in arrays])
        assert self.shapes is not None
        key = (shapes, *[settings.get(name) for name in self.shapes.divisors])
        if key in self._fitting:
            return
        if problem := self.shapes.mismatch(self.inputs, shapes, settings):
            raise ShapeError(problem + (f"\nhint: {self.hint}" if self.hint else ""))
        if len(self._fitting) < 1000:
            self._fitting.add(key)


def _result_op(whole: Op[..., Any], k: int) -> Op[..., Tensor]:
    """The op of the nodes behind one that has several results: it picks one of these, such as `svd.s`."""
    op = Op[..., Tensor](lambda x: x, f"{whole.name}.{whole.results[k]}", complex="holomorphic", module=whole.module)
    op.result_of, op._title = whole, f"{whole}'s result {whole.results[k]}"
    op.vjp("x")(rule_of_result(k))
    return op
