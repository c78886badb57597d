"""`vmap`: a function of one sample as a function of a batch, computed for all samples at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from minigrad.autograd import operators
from minigrad.autograd.batched_array import BatchedArray
from minigrad.autograd.level import Level, Randomness, running
from minigrad.autograd.nested import Nested, is_container, leaves, part_paths, rebuilt
from minigrad.autograd.node import STATE
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import require_function
from minigrad.errors import AxisError, DTypeError, GraphError, ShapeError, UsageError
from minigrad.shapes import canonical_axis
from minigrad.typing import Function

Axes = Any
"""An axis, None, or containers of them as of the values that they belong to."""


def vmap(
    f: Function, in_axes: Axes = 0, out_axes: Axes = 0, *, randomness: Randomness = "error"
) -> Callable[..., Nested]:
    """A function of one sample as a function of a batch of them: vmap(f)(xs)[i] = f(xs[i]), without a loop.

    f is called once, with Tensors in the shape of one sample, whose ops work on all samples at once. It composes with
    all derivatives in either order: `vmap(grad(f))` gives the gradient of each sample, `grad` of a function with `vmap`
    in it differentiates through it, `vmap` of a pullback gives Jacobians, and `vmap` over stacked parameters runs an
    ensemble.

    What f decides in Python (`if`, `while`, `float(x)`) is decided for all samples at once, and so cannot depend on a
    sample's values: that raises an error. Neither can shapes, as of `x[x > 0]`.

    Args:
        f: a function to a Tensor, or to containers of Tensors.
        in_axes: which axis of the arguments is the batch: one number for all, or a tuple with one for each argument;
            each may be None for what all samples share, and a container like the argument, or like a part of it, for
            parts that differ (default 0).
        out_axes: where the batch stands in the results: a number, or a container like the result; None for a
            result that all samples share, without a batch (default 0).
        randomness: what random draws inside do: "error"; "different", each sample draws its own; "same", all samples
            share one draw, as in `torch.func.vmap` (default "error"). Numbers that NumPy draws in f itself are the
            same for all samples.

    Returns:
        A function of what f takes. What it is given by keyword is passed on to f as it is.

    Raises:
        UsageError: f is no function; in_axes do not fit the arguments, or all are None; random draws with
            randomness="error".
        ShapeError: the batches differ in size, or an argument has no such axis.
        GraphError: f needs the values of one sample as a plain number or array, or a result with out_axes=None differs
            between samples.

    Source: Bradbury et al. 2018, "JAX: composable transformations of Python+NumPy programs".

    >>> vmap(lambda x, y: x @ y)(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[1.0, 1.0], [1.0, 0.0]]))
    Tensor([3., 3.], shape=(2,), dtype=float32)
    """
    require_function("vmap", f)
    if randomness not in get_args(Randomness):
        raise UsageError(f'vmap: randomness is "error", "different" or "same", not {randomness!r}')

    def batched(*args: Any, **settings: Any) -> Nested:
        operators.ops.load_batching_rules()
        if STATE.capture is not None:
            STATE.capture.refuse("vmap")
        axes = _axes_of_arguments(in_axes, args)
        values = [(f"argument {path}", x) for path, x in leaves(args)]
        given = [_with_batch_in_front(name, x, axis) for (name, x), axis in zip(values, axes, strict=True)]
        size = _common_size([(name, x) for (name, _), x, a in zip(values, given, axes, strict=True) if a is not None])
        with running(Level(size, randomness)) as level:
            inside = [x if axis is None else level.batch(x) for x, axis in zip(given, axes, strict=True)]
            out = f(*rebuilt(args, inside), **settings)
        return _results(level, out, out_axes)

    return batched


# ---- arguments -------------------------------------------------------------------------------------------------------


def _axes_of_arguments(in_axes: Axes, args: tuple[Any, ...]) -> list[int | None]:
    """The axis of each value in the arguments."""
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise UsageError(
            f"vmap: in_axes names {len(in_axes)} arguments, but the function was called with {len(args)} by position; "
            "what is given by keyword is passed on as it is"
        )
    axes = spread("in_axes", in_axes, args)
    if all(axis is None for axis in axes):
        raise UsageError(f"vmap: in_axes={in_axes!r} names no axis, so that nothing has a batch")
    return axes


def spread(what: str, axes: Axes, nested: Nested, path: str = "") -> list[int | None]:
    """The axis of each value of a container, where `axes` has one for a whole part of it, or for each."""
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes] * len(list(leaves(nested)))
    if not is_container(axes):
        raise UsageError(f"vmap: {what} is made of integers and None, not {axes!r}")
    there, parts = dict(part_paths(axes)), part_paths(nested) if is_container(nested) else []
    if sorted(there) != sorted(step for step, _ in parts):
        got = type(nested).__name__ + (f" with {', '.join(step for step, _ in parts)}" if parts else "")
        raise UsageError(f"vmap: {what}{path} has {', '.join(there)}, but stands for {got}")
    return [axis for step, part in parts for axis in spread(what, there[step], part, path + step)]


def _with_batch_in_front(name: str, x: Any, axis: int | None) -> Any:
    if axis is None:
        return x
    if not isinstance(x, Tensor):
        try:
            x = Tensor(x)
        except DTypeError as error:
            raise DTypeError(f"vmap: {name}: {error}; in_axes=None passes it on as it is") from None
    try:
        axis = canonical_axis(axis, x.ndim)
    except AxisError:
        raise ShapeError(f"vmap: {name} has shape {x.shape}, without an axis {axis}: see in_axes") from None
    return operators.ops.moveaxis(x, axis, 0) if axis else x


def _common_size(batched: list[tuple[str, Tensor]]) -> int:
    """The number of samples."""
    sizes = {name: x.shape[0] for name, x in batched}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        raise ShapeError(f"vmap: the batches differ in size ({listed}): in_axes=None is for what all samples share")
    return next(iter(sizes.values()))


# ---- results ---------------------------------------------------------------------------------------------------------


def _results(level: Level, out: Nested, out_axes: Axes) -> Nested:
    """What the function returned, with the batch where `out_axes` has it."""
    if out is None:
        raise GraphError("vmap: the function returned None, and should return a Tensor, or containers of Tensors")
    axes = spread("out_axes", out_axes, out)
    return rebuilt(out, [_result(level, path, x, a) for (path, x), a in zip(leaves(out), axes, strict=True)])


def _result(level: Level, path: str, x: Any, axis: int | None) -> Tensor:
    try:
        x = wrap(x) if type(x) is BatchedArray else x if isinstance(x, Tensor) else Tensor(x)
    except DTypeError as error:
        raise GraphError(
            f"vmap: the function must return Tensors, or containers of them; result{path}: {error}"
        ) from None
    value, has_batch = level.seen_outside(x)
    if axis is None:
        if has_batch:
            raise GraphError(f"vmap: out_axes is None for result{path}, but it differs between samples")
        return value
    value = level.values(x)
    try:
        place = canonical_axis(axis, value.ndim)
    except AxisError:
        raise ShapeError(
            f"vmap: result{path} has shape {x.shape} in a sample, without a place {axis} for out_axes"
        ) from None
    return operators.ops.moveaxis(value, 0, place) if place else value
