"""Laws of arrays: shapes and dtypes of gradients, memory layouts, and broadcasting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard

import numpy as np
from numpy.typing import DTypeLike

from minigrad.autograd.op import Op
from minigrad.errors import DTypeError
from minigrad.testing.calls.explicit_broadcasting import tiled, unbroadcast
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.diagnose.gradient_diagnosis import diagnose_gradient, diagnose_shape
from minigrad.testing.laws.law_registry import has_gradient, law
from minigrad.testing.laws.violation import LawViolation, expect, largest, result_names
from minigrad.typing import Array, DType, Shape


@law
def shape_and_dtype(call: FunctionCall) -> None:
    """A gradient has its argument's shape and dtype; arguments of one floating dtype give results of that dtype.

    A function with a setting called `dtype` gives that one. A function that raises a `DTypeError` for half precision is
    not tested in it.
    """
    dtypes = dict.fromkeys((*(x.dtype.type for x in call.values), *call.framework.dtypes))
    for dtype in dtypes:
        alike = call.with_args([_cast(x, dtype) for x in call.args])
        try:
            at_call = alike.linearize()
        except DTypeError:
            if dtype is np.float16:
                continue
            raise
        if "dtype" not in call.settings:
            for name, out in zip(result_names(at_call.values), at_call.values, strict=True):
                if out.dtype != _with_integers(alike, dtype):
                    _require_dtype(alike, name, out.dtype, np.dtype(dtype))
        cotangents = [np.ones(out.shape, out.dtype if out.dtype.kind == "f" else dtype) for out in at_call.values]
        gradients = at_call.vjp(cotangents)
        _require_count(alike, gradients)
        for i, g in zip(call.positions, gradients, strict=True):
            x = alike.args[i]
            if g.shape != x.shape:
                about = diagnose_shape(alike, i, g.shape)
                expect("shape_and_dtype", alike, [g], [x], names=[_gradient_name(call, i)], diagnosis=about)
            _require_dtype(alike, _gradient_name(call, i), g.dtype, x.dtype)


def _cast(x: object, dtype: DTypeLike) -> object:
    return x.astype(dtype) if _is_floating(x) else x


def _gradient_name(call: FunctionCall, i: int) -> str:
    return f"the gradient of {call.names[i]}"


def _require_dtype(call: FunctionCall, name: str, found: DType, wanted: DType) -> None:
    if found.kind == "f" and found != wanted:
        raise LawViolation(
            "shape_and_dtype",
            call,
            argument=name,
            expected=str(wanted),
            found=str(found),
            cause="dtype leak",
            detail=f"{wanted} arguments give {found}",
            harmless=True,
        )


def _with_integers(call: FunctionCall, dtype: DTypeLike) -> DType:
    """What NumPy makes of a floating dtype together with the integers among the arguments."""
    return np.result_type(dtype, *[x.dtype for x in call.args if isinstance(x, np.ndarray) and x.dtype.kind in "iu"])


def _require_count(call: FunctionCall, gradients: Sequence[Array]) -> None:
    if len(gradients) != len(call.positions):
        wanted = ", ".join(call.names[i] for i in call.positions)
        raise LawViolation(
            "shape_and_dtype",
            call,
            note=f"the gradient has {len(gradients)} parts, but should have one for each: {wanted}",
        )


# ---- layout --------------------------------------------------------------------------------------------------


LAYOUTS: Final = ("Fortran order", "every other element of a larger array", "a reversed view", "a broadcast view")


def in_layout(x: object, kind: str) -> Array | None:
    """The same values in memory in another way; None where there is none, as a broadcast view of rows that differ.

    Args:
        x: an argument.
        kind: one of `LAYOUTS`.
    """
    if not isinstance(x, np.ndarray) or not x.ndim or not x.size:
        return None
    if kind == "Fortran order":
        return np.asfortranarray(x)
    if kind == "every other element of a larger array":
        return np.repeat(x, 2, -1)[..., ::2]
    if kind == "a reversed view":
        return np.flip(np.flip(x).copy())
    equal = len(x) > 1 and np.array_equal(np.broadcast_to(x[:1], x.shape), x)
    return np.broadcast_to(x[:1].copy(), x.shape) if equal else None


@law(applies=lambda call: any(isinstance(x, np.ndarray) and x.ndim and x.size for x in call.args))
def layout(call: FunctionCall) -> None:
    """Values and gradients do not depend on whether arguments are contiguous, strided, reversed or broadcast views.

    All arguments take other layouts at once, in four turns in which each takes every one. Where that makes a
    difference, each changes alone, to find the one that makes it.
    """
    plain = call.with_args([np.array(x, order="C") if isinstance(x, np.ndarray) else x for x in call.args])
    values, cotangents = plain.results(), plain.cotangents()
    gradients = plain.gradients(cotangents) if has_gradient(call) else None

    def check(changed: Mapping[int, Array], what: str) -> None:
        __tracebackhide__ = True
        other = plain.with_args([changed.get(i, x) for i, x in enumerate(plain.args)])
        about, scales = Diagnosis("depends on memory layout", what), [largest(values)] * len(values)
        expect("layout", other, other.results(), values, names=result_names(values), scales=scales, diagnosis=about)
        if gradients is not None:
            found, scales = other.gradients(cotangents), [largest(gradients)] * len(gradients)
            expect("layout", other, found, gradients, scales=scales, diagnosis=about)

    for turn in range(len(LAYOUTS)):
        kinds = {i: LAYOUTS[(i + turn) % len(LAYOUTS)] for i in range(len(plain.args))}
        views = {i: view for i, kind in kinds.items() if (view := in_layout(plain.args[i], kind)) is not None}
        told = {i: f"{call.names[i]} as {kinds[i]}" for i in views}
        try:
            check(views, ", ".join(told.values()))
        except LawViolation:
            for i, view in views.items():
                check({i: view}, told[i])
            raise


# ---- broadcasting --------------------------------------------------------------------------------------------


@law(applies=lambda call: has_gradient(call) and _tiled_if_elementwise(call) is not None)
def broadcasting(call: FunctionCall) -> None:
    """f of arguments that broadcast is f of them tiled to one shape, and the gradients are sums over the copies.

    It applies to elementwise functions: moving one element of the tiled arguments moves only that one of the result.
    """
    call = call.in_double()
    full = _tiled_if_elementwise(call)
    assert full is not None
    values, expected = call.results(), full.results()
    expect("broadcasting", call, values, expected, names=result_names(values), scales=[largest(expected)])
    cotangents = call.cotangents()
    wide = full.gradients(cotangents)
    summed = [unbroadcast(g, x.shape) for g, x in zip(wide, call.values, strict=True)]
    found = call.gradients(cotangents)
    scales = [largest([unbroadcast(np.abs(g), x.shape)]) for g, x in zip(wide, call.values, strict=True)]

    def why(k: int) -> Diagnosis:
        return diagnose_gradient(call, call.positions[k])

    expect("broadcasting", call, found, summed, scales=scales, diagnosis=why)


def _tiled_if_elementwise(call: FunctionCall) -> FunctionCall | None:
    """The call with all arrays tiled to the shape of the result, if f is elementwise and they differ in shape."""
    shapes = {x.shape for x in call.args if isinstance(x, np.ndarray)}
    if len(shapes) < 2 or call.fixed_shapes or (isinstance(call.f, Op) and call.f.shapes is not None):
        return None
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    outs = call.results()
    if len(outs) != 1 or outs[0].shape != shape or not outs[0].size:
        return None
    full = tiled(call, shape)
    try:
        return full if _is_elementwise(full, shape) else None
    except Exception:  # what f raises for arrays that it was not called with does not matter here
        return None


def _is_elementwise(call: FunctionCall, shape: Shape) -> bool:
    """Whether each element of the result depends on the same element of the arguments alone."""
    generic = call.without_zeros()
    (before,) = generic.results()
    if before.shape != shape:
        return False
    others = np.ones(before.size, bool)
    others[0] = False
    for i, x in enumerate(generic.args):
        if _is_floating(x):
            moved = x.copy()
            moved.flat[0] *= 1.125
            (after,) = generic.with_args([*generic.args[:i], moved, *generic.args[i + 1 :]]).results()
            if not np.array_equal(after.ravel()[others], before.ravel()[others], equal_nan=True):
                return False
    return True


def _is_floating(x: object) -> TypeGuard[Array]:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"
