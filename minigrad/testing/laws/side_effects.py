"""Laws of memory: nothing is written to that belongs to others, nothing is shared that a write could corrupt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.autograd.node import override_state
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.testing.calls.function_call import Call
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.laws.law_registry import LawViolation, differentiable, expect, law
from minigrad.typing import Array


@law(applies=lambda call: True)
def repeatable(call: Call) -> None:
    """The same call twice gives the same bits: values and gradients."""
    about = Diagnosis("not repeatable", "two equal calls differ")
    first, again = call.value(), call.value()
    expect("repeatable", call, again, first, names=_results(first), exact=True, diagnosis=about)
    if differentiable(call):
        cotangents = call.cotangents()
        expect("repeatable", call, call.gradients(cotangents), call.gradients(cotangents), exact=True, diagnosis=about)


@law(applies=lambda call: True)
def purity(call: Call) -> None:
    """No argument, array among the settings or cotangent is written to, neither forward nor backward."""
    args, settings = list(call.args), dict(call.settings)
    watched = [(f"input {name}", x) for name, x in zip(call.names, args, strict=True)]
    watched += [(f"setting {name}", x) for name, x in settings.items()]
    arrays = [(name, x, x.copy()) for name, part in watched for x in _arrays(part)]
    call.value()
    _unchanged(call, arrays, "by the forward function")
    if differentiable(call):
        cotangents = call.cotangents()
        arrays += [("the cotangent", g, g.copy()) for g in cotangents]
        run = call.run()
        run.pull(cotangents)
        _unchanged(call, arrays, "by the backward pass")
        if not call.on_arrays:
            run.pull(cotangents, record=True)
            _unchanged(call, arrays, "by the recorded backward pass")


def _arrays(value: Any) -> Iterator[Array]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)


def _unchanged(call: Call, arrays: list[tuple[str, Array, Array]], by: str) -> None:
    """Raise if an array is no longer what its copy is, after putting it back: others may look at it later."""
    __tracebackhide__ = True
    for name, now, before in arrays:
        if not np.array_equal(now, before, equal_nan=before.dtype.kind == "f"):
            found = now.copy()
            now[...] = before
            about = Diagnosis("input mutated", f"{name.removeprefix('input ')} was written to {by}")
            expect("purity", call, [found], [before], names=[name], exact=True, diagnosis=about)


@law(applies=lambda call: True)
def aliasing(call: Call) -> None:
    """What a caller may write to later corrupts no result and no gradient.

    Sharing memory is no fault by itself: minigrad hands out views on purpose (of reshaped or broadcast Tensors, of one
    cotangent for both terms of a sum), but read-only ones, and variables are only ever updated in a copy while someone
    else holds their array. So for a function of Tensors the law writes through every door that is open (the arrays that
    Tensors were made of, variables, gradients) and looks whether anything else changes; and it calls the
    function again with other values, whose results must be in memory of their own.

    A plain NumPy function has no such protection: its gradients must not share memory with its arguments, with its
    cotangent or with each other, and its result not with an argument, unless what is shared is read-only.
    """
    if call.on_arrays:
        _nothing_shared(call)
        return
    _later_calls_leave_results(call)
    if differentiable(call):
        _writes_reach_nothing(call)


def _nothing_shared(call: Call) -> None:
    arguments = [(f"argument {name}", x) for name, x in zip(call.names, call.args, strict=True)]
    mine = [(name, x) for name, x in arguments if isinstance(x, np.ndarray)]
    outs, cotangents = call.value(), call.cotangents()
    _disjoint(call, list(zip(_results(outs), outs, strict=True)), mine)
    gradients = call.run().pull(cotangents)
    names = [f"the gradient of {call.names[i]}" for i in call.positions]
    others = mine + [("the cotangent", g) for g in cotangents]
    for name, gradient in zip(names, gradients, strict=False):
        _disjoint(call, [(name, gradient)], others)
        others.append((name, gradient))


def _disjoint(call: Call, made: list[tuple[str, Array]], others: list[tuple[str, Array]]) -> None:
    for name, x in made:
        for other, y in others:
            if x.flags.writeable and y.flags.writeable and np.shares_memory(x, y):
                raise LawViolation(
                    "aliasing",
                    call,
                    cause="output aliases an input",
                    detail=f"{name} shares memory with {other}",
                    note="a later write to one of them changes the other: return a copy",
                )


def _later_calls_leave_results(call: Call) -> None:
    """A function that keeps one array for its results would overwrite the earlier one."""
    first = call.value()
    before = [out.copy() for out in first]
    if not call.with_values([x[...] * 0.5 if x.size else x for x in call.values]).is_taken():
        return
    about = Diagnosis("output aliases an input", "a later call changed this result")
    expect("aliasing", call, first, before, names=_results(first), exact=True, diagnosis=about)


def _writes_reach_nothing(call: Call) -> None:
    cotangents = call.cotangents()
    own = [x.copy() if isinstance(x, np.ndarray) else x for x in call.args]
    given = [_given(call, i, x) for i, x in enumerate(own)]
    run = call.run(inputs=given)
    own_results = [k for k, out in enumerate(run.outs) if not any(out is x for x in given)]  # the others are arguments
    values, gradients = [run.values[k].copy() for k in own_results], [g.copy() for g in run.pull(cotangents)]
    names = [_results(run.outs)[k] for k in own_results]

    def check(written: str) -> None:
        about = Diagnosis("output aliases an input", f"a write to {written} changed it")
        now = [run.values[k] for k in own_results]
        expect("aliasing", call, now, values, names=names, exact=True, diagnosis=about)
        expect("aliasing", call, run.pull(cotangents), gradients, exact=True, diagnosis=about)

    for i, x in enumerate(own):
        if isinstance(x, np.ndarray):
            x[...] = _other(x)
            check(f"the array that {call.names[i]} was made of")
    with override_state(recorder=None):
        for i in call.positions:
            array = run.inputs[i].writable()
            array[...] = _other(array)
            check(f"the variable {call.names[i]}")


def _given(call: Call, i: int, x: Any) -> Any:
    """An argument as a user hands it over: a Tensor, but constants of an op as bare arrays."""
    if i in call.positions:
        return Tensor(x, requires_grad=True)
    return Tensor(x) if isinstance(x, np.ndarray) and not isinstance(call.f, Op) else x


def _other(x: Array) -> Any:
    """Values unlike those of x, of its dtype."""
    return ~x if x.dtype == bool else x + 1


def _results(outs: Any) -> list[str]:
    return ["the result"] if len(outs) == 1 else [f"result {k}" for k in range(len(outs))]
