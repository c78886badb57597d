"""Laws of form: shapes, dtypes, memory layouts, and broadcasting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.op import Op
from minigrad.errors import DTypeError
from minigrad.testing.calls.function_call import Call
from minigrad.testing.diagnose.cause import Diagnosis, cause_of_shape
from minigrad.testing.diagnose.gradient_diagnosis import diagnosed, sum_to
from minigrad.testing.laws.law_registry import LawViolation, differentiable, expect, law
from minigrad.typing import Array

DTYPES = (np.float16, np.float32, np.float64)


@law
def shape_and_dtype(call: Call) -> None:
    """A gradient has its argument's shape and dtype; arguments of one floating dtype give results of that dtype.

    A function whose setting is called `dtype` gives what it is told. One that says with a `DTypeError` that it does not
    work in half precision need not.
    """
    dtypes = dict.fromkeys((*(x.dtype.type for x in call.values), *DTYPES))
    for dtype in dtypes:
        alike = call.with_args([_cast(x, dtype) for x in call.args])
        try:
            run = alike.run()
        except DTypeError:
            if dtype is np.float16:
                continue
            raise
        if "dtype" not in call.settings:
            for name, out in zip(_results(run.outs), run.values, strict=True):
                if out.dtype != _with_integers(alike, dtype):
                    _require_dtype(alike, name, out.dtype, dtype)
        cotangents = [np.ones(out.shape, out.dtype if out.dtype.kind == "f" else dtype) for out in run.values]
        gradients = run.pull(cotangents)
        _require_count(alike, gradients)
        for i, g in zip(call.positions, gradients, strict=True):
            x = alike.args[i]
            if g.shape != x.shape:
                about = cause_of_shape(alike, i, g.shape)
                expect("shape_and_dtype", alike, [g], [x], names=[_gradient_name(call, i)], diagnosis=about)
            _require_dtype(alike, _gradient_name(call, i), g.dtype, x.dtype)


def _cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def _gradient_name(call: Call, i: int) -> str:
    return f"the gradient of {call.names[i]}"


def _require_dtype(call: Call, name: str, found: Any, wanted: Any) -> None:
    wanted = np.dtype(wanted)
    if found.kind == "f" and found != wanted:
        raise LawViolation(
            "shape_and_dtype",
            call,
            argument=name,
            expected=str(wanted),
            found=str(found),
            cause="dtype leak",
            detail=f"{found} comes of {wanted} arguments",
        )


def _with_integers(call: Call, dtype: Any) -> Any:
    """What NumPy makes of a floating dtype together with the integers among the arguments."""
    return np.result_type(dtype, *[x.dtype for x in call.args if isinstance(x, np.ndarray) and x.dtype.kind in "iu"])


def _require_count(call: Call, gradients: Sequence[Array]) -> None:
    if len(gradients) != len(call.positions):
        wanted = ", ".join(call.names[i] for i in call.positions)
        raise LawViolation(
            "shape_and_dtype",
            call,
            note=f"the gradient has {len(gradients)} parts, but should have one for each: {wanted}",
        )


# ---- layout --------------------------------------------------------------------------------------------------


def layouts(x: Array) -> Iterator[tuple[str, Array]]:
    """The same values in memory in other ways: Fortran order, every other element, backward, broadcast where equal."""
    if x.ndim and x.size:
        yield "Fortran order", np.asfortranarray(x)
        yield "every other element of a larger array", np.repeat(x, 2, -1)[..., ::2]
        yield "a reversed view", np.flip(np.flip(x).copy())
        core = x[:1]
        if len(x) > 1 and np.array_equal(np.broadcast_to(core, x.shape), x):
            yield "a broadcast view", np.broadcast_to(core.copy(), x.shape)


@law(applies=lambda call: any(isinstance(x, np.ndarray) and x.ndim and x.size for x in call.args))
def layout(call: Call) -> None:
    """It does not matter how arguments lie in memory: contiguous, strided, reversed, broadcast ones give the same."""
    plain = call.with_args([np.array(x, order="C") if isinstance(x, np.ndarray) else x for x in call.args])
    values, smooth = plain.value(), differentiable(call)
    cotangents = plain.cotangents()
    gradients = plain.gradients(cotangents) if smooth else ()
    for i, x in enumerate(plain.args):
        for kind, same in layouts(x) if isinstance(x, np.ndarray) else ():
            other = plain.with_args([*plain.args[:i], same, *plain.args[i + 1 :]])
            about = Diagnosis("depends on memory layout", f"{call.names[i]} as {kind}")
            scales = [_size(values)] * len(values)
            expect("layout", other, other.value(), values, names=_results(values), scales=scales, diagnosis=about)
            if smooth:
                found, scales = other.gradients(cotangents), [_size(gradients)] * len(gradients)
                expect("layout", other, found, gradients, scales=scales, diagnosis=about)


# ---- broadcasting --------------------------------------------------------------------------------------------


@law(applies=lambda call: differentiable(call) and _tiled(call) is not None)
def broadcasting(call: Call) -> None:
    """f of arguments that broadcast is f of them tiled to one shape, and the gradients are sums over the copies.

    It applies to elementwise functions: moving one element of the tiled arguments moves only that one of the result.
    """
    call = call.in_double()
    tiled = _tiled(call)
    assert tiled is not None
    values, expected = call.value(), tiled.value()
    expect("broadcasting", call, values, expected, names=_results(values), scales=[_size(expected)])
    cotangents = call.cotangents()
    wide = tiled.gradients(cotangents)
    summed = [sum_to(g, x.shape) for g, x in zip(wide, call.values, strict=True)]
    found = call.gradients(cotangents)
    scales = [_size([sum_to(np.abs(g), x.shape)]) for g, x in zip(wide, call.values, strict=True)]
    expect("broadcasting", call, found, summed, scales=scales, diagnosis=lambda k: diagnosed(call, call.positions[k]))


def _tiled(call: Call) -> Call | None:
    """The call with all arrays tiled to the shape of the result, if f is elementwise and they differ in shape."""
    shapes = {x.shape for x in call.args if isinstance(x, np.ndarray)}
    if len(shapes) < 2 or (isinstance(call.f, Op) and call.f.shapes is not None):
        return None
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    outs = call.value()
    if len(outs) != 1 or outs[0].shape != shape or not outs[0].size:
        return None
    tile = [np.broadcast_to(x, shape).copy() if isinstance(x, np.ndarray) else x for x in call.args]
    tiled = call.with_args(tile)
    try:
        return tiled if _is_elementwise(tiled, shape) else None
    except Exception:  # what f says to arrays that it was not called with does not matter here
        return None


def _is_elementwise(call: Call, shape: tuple[int, ...]) -> bool:
    """Whether each element of the result depends on the same element of the arguments alone."""
    rng = np.random.default_rng(3)
    generic = [x * (1 + rng.uniform(0.1, 0.3, x.shape)) if _is_floating(x) else x for x in call.args]
    (before,) = call.with_args(generic).value()
    if before.shape != shape:
        return False
    others = np.ones(before.size, bool)
    others[0] = False
    for i, x in enumerate(generic):
        if _is_floating(x):
            moved = x.copy()
            moved.flat[0] *= 1.125
            (after,) = call.with_args([*generic[:i], moved, *generic[i + 1 :]]).value()
            if not np.array_equal(after.ravel()[others], before.ravel()[others], equal_nan=True):
                return False
    return True


def _is_floating(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _size(arrays: Sequence[Array]) -> float:
    """The largest finite number among all."""
    return max(
        (float(np.max(np.abs(a[np.isfinite(a)]), initial=0.0)) for a in arrays if a.dtype.kind == "f"), default=0
    )


def _results(outs: Sequence[Any]) -> list[str]:
    return ["the result"] if len(outs) == 1 else [f"result {k}" for k in range(len(outs))]
