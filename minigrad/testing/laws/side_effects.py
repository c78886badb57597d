"""Laws of side effects: a call repeats, writes to nothing of its caller's, and shares no memory that may be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from minigrad.autograd.node import override_state
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.calls.linearization import TensorLinearization
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.laws.law_registry import always, has_gradient, law
from minigrad.testing.laws.violation import LawViolation, expect, result_names
from minigrad.typing import Array


@law(applies=always)
def repeatable(call: FunctionCall) -> None:
    """The same call twice gives the same bits: values and gradients."""
    about = Diagnosis("not repeatable", "two equal calls differ")
    first, again = call.results(), call.results()
    expect("repeatable", call, again, first, names=result_names(first), exact=True, diagnosis=about)
    if has_gradient(call):
        cotangents = call.cotangents()
        expect("repeatable", call, call.gradients(cotangents), call.gradients(cotangents), exact=True, diagnosis=about)


@law(applies=always)
def purity(call: FunctionCall) -> None:
    """No argument, array among the settings or cotangent is written to, neither forward nor backward."""
    args, settings = list(call.args), dict(call.settings)
    given = [(f"input {name}", x) for name, x in zip(call.names, args, strict=True)]
    given += [(f"setting {name}", x) for name, x in settings.items()]
    copies = [(name, x, x.copy()) for name, value in given for x in _arrays_in(value)]
    call.results()
    _check_unchanged(call, copies, "by the forward function")
    if has_gradient(call):
        cotangents = call.cotangents()
        copies += [("the cotangent", g, g.copy()) for g in cotangents]
        at_call = call.linearize()
        at_call.vjp(cotangents)
        _check_unchanged(call, copies, "by the backward pass")
        if isinstance(at_call, TensorLinearization):
            at_call.recorded_vjp(cotangents)
            _check_unchanged(call, copies, "by the recorded backward pass")


def _arrays_in(value: object) -> Iterator[Array]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays_in(part)


def _check_unchanged(call: FunctionCall, copies: Sequence[tuple[str, Array, Array]], by: str) -> None:
    """Raise if an array is no longer what its copy is, after putting it back: others may look at it later."""
    __tracebackhide__ = True
    for name, now, before in copies:
        if not np.array_equal(now, before, equal_nan=before.dtype.kind == "f"):
            found = now.copy()
            now[...] = before
            about = Diagnosis("input mutated", f"{name.removeprefix('input ')} was written to {by}")
            expect("purity", call, [found], [before], names=[name], exact=True, diagnosis=about)


@law(applies=always)
def aliasing(call: FunctionCall) -> None:
    """Writing later to what a caller holds changes no result and no gradient.

    Sharing memory is no fault by itself: minigrad hands out views on purpose (of reshaped or broadcast Tensors, of one
    cotangent for both terms of a sum), but read-only ones, and variables are only ever updated in a copy while someone
    else holds their array. So for a function of Tensors the law writes to everything that a caller can write to (the
    arrays that Tensors were made of, variables, gradients) and compares everything else; and it calls the function
    again with other values, whose results must be in memory of their own.

    Of a function of another framework, results and gradients must survive a later call with other values.

    A plain NumPy function has no such protection: its gradients must not share memory with its arguments, with its
    cotangent or with each other, and its result not with an argument, unless what is shared is read-only.
    """
    if not call.framework.hands_out_views:
        _check_nothing_shared(call)
        return
    _check_later_call(call)
    if has_gradient(call):
        if call.on_tensors:
            _check_later_writes(call)
        else:
            _check_later_pass(call)


def _check_nothing_shared(call: FunctionCall) -> None:
    arguments = [(f"argument {name}", x) for name, x in zip(call.names, call.args, strict=True)]
    mine = [(name, x) for name, x in arguments if isinstance(x, np.ndarray)]
    outs, cotangents = call.results(), call.cotangents()
    _check_disjoint(call, list(zip(result_names(outs), outs, strict=True)), mine)
    gradients = call.linearize().vjp(cotangents)
    names = [f"the gradient of {call.names[i]}" for i in call.positions]
    others = mine + [("the cotangent", g) for g in cotangents]
    for name, gradient in zip(names, gradients, strict=False):
        _check_disjoint(call, [(name, gradient)], others)
        others.append((name, gradient))


def _check_disjoint(call: FunctionCall, made: Sequence[tuple[str, Array]], others: Sequence[tuple[str, Array]]) -> None:
    for name, x in made:
        for other, y in others:
            if x.flags.writeable and y.flags.writeable and np.shares_memory(x, y):
                raise LawViolation(
                    "aliasing",
                    call,
                    cause="output aliases an input",
                    detail=f"{name} shares memory with {other}",
                    note="a later write to one of them changes the other: return a copy",
                    harmless=True,
                )


def _check_later_call(call: FunctionCall) -> None:
    """A function that keeps one array for its results would overwrite the earlier one."""
    first = call.results()
    before = [out.copy() for out in first]
    if not _halved(call).is_accepted():
        return
    about = Diagnosis("output aliases an input", "a later call changed this result")
    expect("aliasing", call, first, before, names=result_names(first), exact=True, diagnosis=about)


def _halved(call: FunctionCall) -> FunctionCall:
    """The same call with other values."""
    return call.with_values([np.asarray(x * 0.5) for x in call.values])


def _check_later_pass(call: FunctionCall) -> None:
    """A function that keeps what its rule needs in one place for all calls would pull back through the last one."""
    cotangents = call.cotangents()
    at_call = call.linearize()
    before = [g.copy() for g in at_call.vjp(cotangents)]
    later = _halved(call)
    try:
        later.linearize().vjp(cotangents)
    except Exception:  # it does not take these values
        return
    about = Diagnosis("stale saved value", "a later call changed this gradient: what the rule uses was overwritten")
    expect("aliasing", call, at_call.vjp(cotangents), before, exact=True, diagnosis=about)


def _check_later_writes(call: FunctionCall) -> None:
    cotangents = call.cotangents()
    copies = [x.copy() if isinstance(x, np.ndarray) else x for x in call.args]
    given = [_as_given_by_users(call, i, x) for i, x in enumerate(copies)]
    at_call = call.linearize_tensors(inputs=given)
    # A result that is an argument itself may change with it.
    made = [k for k, out in enumerate(at_call.run.outs) if not any(out is x for x in given)]
    values, gradients = [at_call.values[k].copy() for k in made], [g.copy() for g in at_call.vjp(cotangents)]
    names = [result_names(at_call.run.outs)[k] for k in made]

    def check(written: str) -> None:
        about = Diagnosis("output aliases an input", f"a write to {written} changed it")
        now = [at_call.values[k] for k in made]
        expect("aliasing", call, now, values, names=names, exact=True, diagnosis=about)
        expect("aliasing", call, at_call.vjp(cotangents), gradients, exact=True, diagnosis=about)

    for i, x in enumerate(copies):
        if isinstance(x, np.ndarray):
            x[...] = _other_values(x)
            check(f"the array that {call.names[i]} was made of")
    with override_state(recorder=None):
        for i in call.positions:
            array = at_call.run.inputs[i].writable()
            array[...] = _other_values(array)
            check(f"the variable {call.names[i]}")


def _as_given_by_users(call: FunctionCall, i: int, x: object) -> object:
    """A Tensor, but constants of an op as bare arrays."""
    if i in call.positions:
        return Tensor(x, requires_grad=True)
    return Tensor(x) if isinstance(x, np.ndarray) and not isinstance(call.f, Op) else x


def _other_values(x: Array) -> Array:
    """Values unlike those of x, of its dtype."""
    return np.asarray(~x if x.dtype == bool else x + 1)
