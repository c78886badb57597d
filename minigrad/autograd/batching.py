"""How an op runs inside of `vmap`: its batching rule, applied to the values of all samples at once.

A batching rule says how one call of an op does the work of many. It receives inputs with the batch in front, or without
one where all samples share the input, and gives results with the batch in front:

    @softmax.batching
    def _(xs, batched, *, axis):                # xs: Tensors; batched: whether each has a batch in front
        return softmax(xs[0], axis=axis + 1)

Most ops need none: the rule follows from what they state of themselves.

* elementwise: the inputs are aligned, so that batches meet batches.
* `shapes="... M M -> ... M"`: leading dimensions may be any number, and the batch is one more.
* `shapes="N C H W -> N C I J"`: samples do not see each other, and the batch is joined to N.

An op with neither is called once a sample, with a warning.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from minigrad.autograd import operators
from minigrad.autograd.batched_array import BatchedArray
from minigrad.autograd.error_context import call_site
from minigrad.shapes import shape_of
from minigrad.typing import Settings, Value

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

Batched: TypeAlias = Sequence[bool]
BatchRule: TypeAlias = Callable[["Op[..., Any]", Sequence[Any], Batched, Settings], Any]
"""From an op, its inputs, which of them have a batch in front, and its settings to results with the batch in front;
or NotImplemented for a call that it does not cover."""

_told: Final[set[str]] = set()


def run_batched(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings, *, tells: bool) -> Any:
    """The results of all samples, with the batch in front."""
    for rule in (op.batch_rule, rule_from_facts(op)):
        out = NotImplemented if rule is None else rule(op, xs, batched, settings)
        if out is not NotImplemented:
            return out
    if tells:
        _tell(op)
    return one_by_one(op, xs, batched, settings)


def rule_from_facts(op: Op[..., Any]) -> BatchRule | None:
    """The batching rule that follows from what an op states of itself, if any does."""
    if op.elementwise:
        return aligned
    if op.shapes is None:
        return None
    if all(letters[:1] == ["..."] for letters in op.shapes.outputs):
        return with_leading_dimensions
    if all(letters[:1] == ["N"] for letters in op.shapes.outputs):
        return joined_to_first
    return None


def size_of(xs: Sequence[Any], batched: Batched) -> int:
    """The number of samples."""
    return next(shape_of(x)[0] for x, has_batch in zip(xs, batched, strict=True) if has_batch)


def with_rank(x: Value, rank: int) -> Value:
    """A batch of samples with dimensions of size 1 behind the batch, so that each sample has `rank` of them."""
    shape = shape_of(x)
    if len(shape) == rank + 1:
        return x
    return operators.ops.reshape(x, shape=(shape[0], *(1,) * (rank + 1 - len(shape)), *shape[1:]))


def _rank(x: Any) -> int:
    return 0 if x is None else len(shape_of(x))


def everywhere(x: Value, size: int) -> Value:
    """What all samples share, repeated for each of them without a copy."""
    return operators.ops.broadcast_to(x, shape=(size, *shape_of(x)))


# ---- rules from facts ----------------------------------------------------------------------------------------


def aligned(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The rule of an elementwise op: dimensions of size 1 behind the batch, as many as the widest input has."""
    rank = max(_rank(x) - b for x, b in zip(xs, batched, strict=True))
    return op(*[with_rank(x, rank) if b else x for x, b in zip(xs, batched, strict=True)], **settings)


def with_leading_dimensions(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The rule of an op on stacks, such as "... M M -> ... M": the batch is one more leading dimension."""
    assert op.shapes is not None
    spec = op.shapes.inputs[: len(xs)]
    if any(b and letters[:1] != ["..."] for letters, b in zip(spec, batched, strict=True)):
        return NotImplemented
    leads = [
        _rank(x) - b - (len(letters) - 1)
        for x, letters, b in zip(xs, spec, batched, strict=True)
        if letters[:1] == ["..."] and x is not None
    ]
    lead = max(leads)
    placed = [
        with_rank(x, lead + len(letters) - 1) if b else x for x, letters, b in zip(xs, spec, batched, strict=True)
    ]
    return op(*placed, **settings)


def joined_to_first(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The rule of an op on N independent samples, such as "N C H W -> N C I J": the batch is joined to N."""
    assert op.shapes is not None
    spec = op.shapes.inputs[: len(xs)]
    if any(b and letters[:1] != ["N"] for letters, b in zip(spec, batched, strict=True)):
        return NotImplemented
    size = size_of(xs, batched)
    joined = [
        x if letters[:1] != ["N"] or x is None else join(x if b else everywhere(x, size))
        for x, letters, b in zip(xs, spec, batched, strict=True)
    ]
    if "shape" in settings:
        first, *others = settings["shape"]
        settings = {**settings, "shape": (size * first, *others)}
    out = op(*joined, **settings)
    return tuple([split(y, size) for y in out]) if isinstance(out, tuple) else split(out, size)


def join(x: Value) -> Value:
    """The batch and the first dimension of each sample as one."""
    size, first, *others = shape_of(x)
    return operators.ops.reshape(x, shape=(size * first, *others))


def split(x: Value, size: int) -> Value:
    """The first dimension as a batch of `size` and the first dimension of each sample."""
    first, *others = shape_of(x)
    return operators.ops.reshape(x, shape=(size, first // size, *others))


# ---- without a rule ------------------------------------------------------------------------------------------


def _tell(op: Op[..., Any]) -> None:
    """Warn, once for each op, that it is called once a sample."""
    if op.name not in _told:
        _told.add(op.name)
        file, line = call_site()
        text = (
            f"vmap: the op {op.name} has no batching rule for this call and is called once a sample, at {file}:{line}, "
            f"which is slow: state elementwise= or shapes= with leading dimensions, or add one with @{op.name}.batching"
        )
        warnings.warn_explicit(text, UserWarning, file, line)


def one_by_one(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The results of one call a sample, stacked."""
    size = size_of(xs, batched)
    outs = [
        op(*[x[i] if b else x for x, b in zip(xs, batched, strict=True)], **sample_of(settings, i)) for i in range(size)
    ]
    if not op.results:
        return operators.ops.stack(outs)
    return tuple([operators.ops.stack(parts) for parts in zip(*outs, strict=True)])


def sample_of(value: Any, i: int) -> Any:
    """Sample number i of what settings, rules and containers of them hold."""
    if type(value) is BatchedArray:
        return value.value[i] if value.batched else value.value
    if isinstance(value, dict):
        return {name: sample_of(part, i) for name, part in value.items()}
    return tuple([sample_of(part, i) for part in value]) if type(value) is tuple else value


# ---- residuals -----------------------------------------------------------------------------------------------


def residual_op(op: Op[..., Any]) -> Op[..., Any]:
    """The op whose results are what another one keeps for its rules, without derivatives."""
    if op.residual_op is None:
        twin = copy.copy(op)
        count = len(op.residuals)
        twin.compute = twin.forward = lambda *xs, **settings: op.forward(*xs, **settings)[-count:]
        twin.results, twin.residuals = op.residuals, ()
        twin._allowed = 0
        op.residual_op = twin
    return op.residual_op
