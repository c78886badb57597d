"""The law of `vmap`: an op on a batch gives what a loop over the samples gives, and so do its derivatives."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.transforms import vjp
from minigrad.autograd.vmap import vmap
from minigrad.errors import BatchingError
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.laws.law_registry import law
from minigrad.testing.laws.violation import expect, largest
from minigrad.typing import Array

SAMPLES = 3
Axes = tuple[int | None, ...]


@law(applies=lambda call: call.on_tensors and isinstance(call.f, Op) and any(map(_is_array, call.args)))
def vectorization(call: FunctionCall) -> None:
    """vmap of an op, and of its vector-Jacobian product, equals the loop over the samples.

    With all arguments in a batch, and with each alone; the batch in front and behind; and in two batches, one in the
    other. A rule of one's own that needs plain numbers (NumPy's functions, `if`) is no violation: vmap refuses it in
    words.
    """
    call = call.in_double()
    samples = [call.with_args([_sample(x, i) for x in call.args]) for i in range(SAMPLES)]
    if not all(sample.is_accepted() for sample in samples):
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "vmap: the op", UserWarning)  # an op without a rule is right, too
        try:
            for axes in _choices(call.args):
                chosen = [_mixed(call, sample, axes) for sample in samples]
                _expect_loop(call, chosen, axes)
            _expect_nested_loop(call, samples)
        except BatchingError:
            if isinstance(call.f, Op) and str(call.f.module).startswith("minigrad."):  # ours are for batches
                raise


def _is_array(x: object) -> bool:
    return isinstance(x, np.ndarray)


def _sample(x: Any, i: int) -> Any:
    """Sample number i: numbers of the same kind in the same order, integers also backward."""
    if not _is_array(x):
        return x
    return np.asarray(x * (1 - i / 64)) if x.dtype.kind == "f" else np.flip(x) if i % 2 else x


def _choices(args: Sequence[object]) -> Iterator[Axes]:
    """The axis of the batch for each argument: for all in front, for all behind, for each alone."""
    arrays = [i for i, x in enumerate(args) if _is_array(x)]
    yield tuple([0 if i in arrays else None for i in range(len(args))])
    yield tuple([np.asarray(x).ndim if i in arrays else None for i, x in enumerate(args)])
    for alone in arrays if len(arrays) > 1 else ():
        yield tuple([0 if i == alone else None for i in range(len(args))])


def _mixed(call: FunctionCall, sample: FunctionCall, axes: Axes) -> FunctionCall:
    """A sample, with what has no batch as all samples share it."""
    pairs = zip(call.args, sample.args, axes, strict=True)
    return call.with_args([x if axis is None else y for x, y, axis in pairs])


def _stacked(calls: Sequence[FunctionCall], axes: Axes) -> list[Any]:
    columns = zip(*[call.args for call in calls], strict=True)
    return [c[0] if axis is None else np.stack(c, axis) for c, axis in zip(columns, axes, strict=True)]


def _expect_loop(call: FunctionCall, samples: Sequence[FunctionCall], axes: Axes) -> None:
    said = f"of vmap with in_axes={axes}"
    given = _stacked(samples, axes)
    looped = [np.stack(parts) for parts in zip(*[sample.results() for sample in samples], strict=True)]
    _expect_equal(call, _arrays(vmap(call.function, axes)(*given)), looped, f"a result {said}")
    if call.is_differentiable:
        cotangents = [sample.cotangents(i) for i, sample in enumerate(samples)]
        each = [sample.gradients(g) for sample, g in zip(samples, cotangents, strict=True)]
        gs = [np.stack(parts) for parts in zip(*cotangents, strict=True)]
        found = vmap(_pulled(call), (0, *axes))(tuple(gs), *given)
        expected = [np.stack(parts) for parts in zip(*each, strict=True)]
        _expect_equal(call, _arrays(found), expected, f"a cotangent {said}")


def _expect_nested_loop(call: FunctionCall, samples: Sequence[FunctionCall]) -> None:
    """A batch of batches: with rows (a, b) and (b, c), what the loop gives for these."""
    axes = tuple([0 if _is_array(x) else None for x in call.args])
    rows = (samples[:2], samples[1:])
    given = [
        x if axis is None else np.stack([_stacked(row, axes)[k] for row in rows])
        for k, (x, axis) in enumerate(zip(call.args, axes, strict=True))
    ]
    looped = [
        np.stack([np.stack([sample.results()[k] for sample in row]) for row in rows])
        for k in range(len(call.results()))
    ]
    found = vmap(vmap(call.function, axes), axes)(*given)
    _expect_equal(call, _arrays(found), looped, "a result of vmap of vmap")


def _pulled(call: FunctionCall) -> Any:
    """From cotangents of the results and the arguments to the cotangents of those that are differentiated."""

    def pulled(gs: tuple[Tensor, ...], *args: Any) -> Any:
        def of_differentiated(*xs: Any) -> Any:
            given = list(args)
            for i, x in zip(call.positions, xs, strict=True):
                given[i] = x
            return call.function(*given)

        out, pull = vjp(of_differentiated, *[args[i] for i in call.positions])
        return pull(gs if isinstance(out, tuple) else gs[0])

    return pulled


def _arrays(found: Any) -> list[Array]:
    return [x.numpy() for x in (found if isinstance(found, tuple) else (found,))]


def _expect_equal(call: FunctionCall, found: Sequence[Array], looped: Sequence[Array], name: str) -> None:
    names, scales = [name] * len(found), [largest([x]) for x in looped]
    expect("vectorization", call, found, looped, names=names, scales=scales)
