"""`Level`: one call of `vmap` that is running. It runs the ops inside, and records them for the derivatives inside.

There are two worlds. Inside of the function values are those of one sample, and what is recorded there belongs to
derivatives taken inside: `vmap(grad(f))`. The values behind them, of all samples, belong to the world outside, where
the ops run by their batching rules, and are recorded for derivatives taken outside: `grad(vmap(f))`.

A Tensor from outside that is used inside has no history there, like every argument of a derivative: it is *lifted*, to
a value that all samples share. That also keeps the two histories apart: what is recorded inside is always a
BatchedArray of this level, so that any other Tensor is one of the world outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from minigrad.autograd.batched_array import LIVE, BatchedArray
from minigrad.autograd.batching import everywhere, residual_op, run_batched
from minigrad.autograd.complex_numbers import DIFFERENTIABLE
from minigrad.autograd.error_context import add_error_context
from minigrad.autograd.multiple_results import Results
from minigrad.autograd.node import STATE, Node, override_state
from minigrad.autograd.tensor import Tensor, as_operand, copy_if_writable, record, wrap
from minigrad.errors import GraphError, UsageError
from minigrad.typing import Array, Settings, Value

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

Randomness = Literal["error", "different", "same"]


class Level:
    """One call of `vmap` that is running.

    Args:
        size: the number of samples.
        randomness: what random draws inside do (default "error").
        tells: whether there is a warning where an op is called once a sample (default True).

    Attributes:
        outer: the call around this one, or None.
        depth: how many calls there are, this one included.
        live: whether it is still running.
    """

    def __init__(self, size: int, randomness: Randomness = "error", tells: bool = True) -> None:
        self.size, self.randomness, self.tells = size, randomness, tells
        self.outer: Level | None = STATE.level
        self.depth: int = 1 if self.outer is None else self.outer.depth + 1
        self.recorder = STATE.recorder
        self.live = True

    def require_live(self) -> None:
        """Refuse values that have left the function.

        Raises:
            GraphError: the call of `vmap` has ended.
        """
        if not self.live:
            raise GraphError(
                "a value from inside of vmap is used after it has ended, when its samples are no longer told apart: "
                "return it from the function, in place of keeping it in a list or an attribute"
            )

    def has_history(self, x: Tensor) -> bool:
        """Whether a Tensor of this level was computed from what is recorded outside."""
        value = self.lift(x)._data.value  # type: ignore[attr-defined]
        return value.node is not None or type(value._data) is BatchedArray

    def lift(self, x: Tensor) -> Tensor:
        """A Tensor as this level sees it: what is recorded outside has no history inside."""
        data: Any = x._data
        if type(data) is BatchedArray and data.level is self:
            return x
        return wrap(BatchedArray(x, False, self))

    def batch(self, value: Value) -> Tensor:
        """One Tensor for all samples, from a value with the batch in front."""
        return wrap(BatchedArray(value if isinstance(value, Tensor) else wrap(value), True, self))

    def values(self, x: Tensor) -> Tensor:
        """The values of all samples behind a Tensor, with the batch in front; repeated if they share one."""
        value, has_batch = self.seen_outside(x)
        return value if has_batch else everywhere(value, self.size)

    def seen_outside(self, x: Tensor) -> tuple[Tensor, bool]:
        """The value behind a Tensor, and whether it has a batch in front."""
        data: Any = x._data
        return (data.value, data.batched) if type(data) is BatchedArray and data.level is self else (x, False)

    # ---- running an op ---------------------------------------------------------------------------------------

    def call(self, op: Op[..., Any], inputs: Sequence[Any], settings: Settings) -> Any:
        """What `Op.__call__` does where an input or a setting is a BatchedArray of this level.

        Given a Tensor, the result is a Tensor (or a tuple of them); given BatchedArrays and arrays only, a
        BatchedArray.
        """
        as_tensors = _has_tensor([*inputs, *settings.values()])
        xs: list[Any] = []
        parents: list[Node | None] = []
        try:
            for x in inputs:
                entered, node = self._entered(op, len(xs), x)
                xs.append(entered)
                parents.append(node)
            if op.shapes is not None:
                op._check_shapes(xs, settings)
            canonical: Settings = settings
            if op.settings:
                canonical = op.canonical(*xs, **settings) if op.canonical else op._defaults | settings
            found, batched = self.outside(lambda: self._run(op, xs, canonical))
            values = [y if isinstance(y, Tensor) else wrap(y) for y in (found if op.results else (found,))]
            outs = [BatchedArray(value, batched, self) for value in values]
        except Exception as error:
            add_error_context(op, tuple(inputs), settings, error)
        mask = sum(1 << i for i, node in enumerate(parents) if node is not None) & op._allowed
        out = Results(tuple(outs)) if op.results else outs[0]
        if mask and STATE.recorder is not None and out.dtype.kind in DIFFERENTIABLE:
            return self._recorded(op, xs, parents, mask, canonical, out)
        results = tuple([wrap(each) if as_tensors else each for each in outs])
        return results if op.results else results[0]

    def _entered(self, op: Op[..., Any], position: int, x: Any) -> tuple[Any, Node | None]:
        """An input as an array, a BatchedArray of this level or a number, and its node inside."""
        if type(x) is Tensor:
            data: Any = x._data
            if type(data) is BatchedArray and data.level is self:
                return data, x.node
            if x.node is None and type(data) is not BatchedArray:
                return data, None
            return BatchedArray(x, False, self), None
        if type(x) is BatchedArray:
            return x if x.level is self else BatchedArray(wrap(x), False, self), None
        if isinstance(x, (list, tuple)):
            x = as_operand(x) if op.elementwise else op._from_list(position, x)
        return copy_if_writable(x), None

    def _run(self, op: Op[..., Any], xs: Sequence[Any], settings: Settings) -> tuple[Any, bool]:
        """The values of the results, and whether they have a batch in front."""
        values = [x.value if type(x) is BatchedArray else x for x in xs]
        batched = [type(x) is BatchedArray and x.batched for x in xs]
        settings = {name: self._shared(value) for name, value in settings.items()}
        if any(batched) or any(map(self._is_batched, settings.values())):
            return run_batched(op, values, batched, settings, tells=self.tells), True
        return op(*values, **settings), False

    def _shared(self, setting: Any) -> Any:
        """A setting with the values themselves in place of BatchedArrays that all samples share."""
        if type(setting) is tuple:
            return tuple([self._shared(part) for part in setting])
        return setting.value if type(setting) is BatchedArray and not setting.batched else setting

    def _is_batched(self, setting: Any) -> bool:
        if type(setting) is tuple:
            return any(map(self._is_batched, setting))
        return type(setting) is BatchedArray and setting.level is self

    def outside(self, run: Callable[[], Any]) -> Any:
        """Run something in the world outside: recorded there, unless the function says `no_grad`."""
        recorder, level = STATE.recorder, STATE.level
        STATE.recorder, STATE.level = None if STATE.silent else self.recorder, self.outer
        try:
            return run()
        finally:
            STATE.recorder, STATE.level = recorder, level

    # ---- recording inside ------------------------------------------------------------------------------------

    def _recorded(
        self, op: Op[..., Any], xs: list[Any], parents: list[Node | None], mask: int, settings: Settings, out: Any
    ) -> Any:
        """The results as Tensors that are recorded inside."""
        plan = op.plan(mask, len(xs))
        residuals: tuple[Any, ...] = (None,) * len(op.residuals)
        if plan.recorded is not None and any(name in op.residuals for pull in plan.recorded for name in pull.wants):
            residuals = self.call(residual_op(op), xs, settings)
        values = ((tuple(xs),) if op.variadic else tuple(xs)) + residuals
        values += out.arrays if op.results else (out,)
        whole = record(plan, tuple(parents), values, settings, out)
        return op._each_result(whole, out, record) if op.results else whole

    # ---- randomness ------------------------------------------------------------------------------------------

    def draw(self, sample: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Value:
        """Random numbers for one sample, as `randomness` says.

        Raises:
            UsageError: `randomness` is "error".
        """
        if self.randomness == "error":
            raise UsageError(
                'random numbers are drawn inside of vmap: say by vmap(..., randomness="different") that each sample '
                'draws its own (dropout in training, say), or "same" that all share one draw; or call .eval()'
            )
        if self.randomness == "same":
            return _drawn(sample, shape, self.outer)
        drawn = _drawn(sample, (self.size, *shape), self.outer)
        return BatchedArray(wrap(drawn), True, self)


@contextmanager
def running(level: Level) -> Iterator[Level]:
    """Inside this block (and thread) the level is the innermost one, and ops look for its values."""
    LIVE.append(level)
    try:
        with override_state(level=level):
            yield level
    finally:
        level.live = False
        LIVE.remove(level)


def draw(sample: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Value:
    """Random numbers in a shape: an array, or inside of `vmap` what its `randomness` says.

    Args:
        sample: from a shape to an array of random numbers.
        shape: the sizes.
    """
    return _drawn(sample, shape, STATE.level)


def _drawn(sample: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...], level: Level | None) -> Value:
    return sample(shape) if level is None else level.draw(sample, shape)


def _has_tensor(values: Sequence[Any]) -> bool:
    return any(isinstance(x, Tensor) or (type(x) is tuple and _has_tensor(x)) for x in values)
