"""Recurrent layers: all time steps, forward and backward, as one op.

The ops take what the input contributes to the gates at all steps, z = x W_ih^T + b, which is one product outside. The
rows of z are those of the first step, then those of the second, and so on; where sequences end earlier than others
there are fewer rows at later steps, the longest sequences first (`sizes`, PyTorch's `batch_sizes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minigrad.autograd.registry import op
from minigrad.errors import ShapeError, UsageError
from minigrad.kernels import time_loop
from minigrad.kernels.time_loop import states_before, steps
from minigrad.ops.convolution import require_floating
from minigrad.ops.elementwise import relu, sigmoid, tanh
from minigrad.ops.linalg import linear
from minigrad.ops.shape import concat
from minigrad.shapes import Shape, shape_of
from minigrad.typing import ArrayLike, Settings, Value

Sizes = tuple[int, ...] | None


def sized(z: ArrayLike, h: ArrayLike, sizes: Sequence[int] | None, reverse: bool) -> Settings:
    """The settings that all of these ops have."""
    require_floating(z)
    rows, count = shape_of(z)[0], shape_of(h)[0]
    if sizes is None:
        if rows % count if count else rows:
            raise ShapeError(f"z has {rows} rows, which is no multiple of the {count} sequences of h: give sizes=")
        return {"sizes": None, "reverse": bool(reverse)}
    sizes = tuple([int(n) for n in sizes])
    if sum(sizes) != rows or any(n < 0 for n in sizes) or list(sizes) != sorted(sizes, reverse=True):
        raise ShapeError(f"sizes {sizes} must not increase, and add up to the {rows} rows of z")
    if sizes and sizes[0] > count:
        raise ShapeError(f"sizes begins with {sizes[0]} sequences, but h has {count}")
    return {"sizes": sizes, "reverse": bool(reverse)}


def require_gates(name: str, z: ArrayLike, count: int, size: int) -> None:
    """Refuse a z that has not as many columns as the gates."""
    if shape_of(z)[-1] != count * size:
        raise ShapeError(f"{name}: z has {shape_of(z)[-1]} columns, not {count} gates of {size}, the size of the state")


def walked(
    step: Callable[[Value, tuple[Value, ...]], tuple[Value, ...]],
    z: Value,
    states: tuple[Value, ...],
    sizes: Sizes,
    reverse: bool,
) -> tuple[Value, ...]:
    """The first state behind all steps, and the last states: what the fused ops are held to."""
    outs: list[tuple[int, Value]] = [(0, states[0][:0])]
    for rows, n in steps(sizes, reverse, shape_of(z)[0], shape_of(states[0])[0]):
        new = step(z[rows], tuple([state[:n] for state in states]))
        outs.append((rows.start, new[0]))
        states = tuple([concat([part, state[n:]], axis=0) for part, state in zip(new, states, strict=True)])
    return (concat([out for _, out in sorted(outs, key=lambda pair: pair[0])], axis=0), *states)


def gate_columns(x: Value, count: int) -> list[Value]:
    """What belongs to each gate."""
    size = x.shape[1] // count
    return [x[:, k * size : (k + 1) * size] for k in range(count)]


# ---- GRU -------------------------------------------------------------------------------------------------------------


def _gru_settings(
    z: ArrayLike, h: ArrayLike, w: ArrayLike, b: ArrayLike | None, *,
    sizes: Sequence[int] | None = None, reverse: bool = False,
) -> Settings:  # fmt: skip
    require_gates("gru", z, 3, shape_of(h)[1])
    return sized(z, h, sizes, reverse)


def _gru_by_steps(z: Value, h: Value, w: Value, b: Value, *, sizes: Sizes, reverse: bool) -> Value:
    def step(x: Value, states: tuple[Value, ...]) -> tuple[Value, ...]:
        from_x, from_h = gate_columns(x, 3), gate_columns(linear(states[0], w, b), 3)
        reset, update = (sigmoid(p + q) for p, q in zip(from_x[:2], from_h[:2], strict=True))
        return (update * states[0] + (1 - update) * tanh(from_x[2] + reset * from_h[2]),)

    return walked(step, z, (h,), sizes, reverse)


def _rows_by_weights(z_shape: Shape, w_shape: Shape) -> int:
    """Multiply-adds: each row is multiplied by the weights once."""
    return z_shape[0] * w_shape[0] * w_shape[1]


@op(shapes="R G, N H, G H, G? -> R H, N H", canonical=_gru_settings, reference=_gru_by_steps,
    results=("out", "h_last"), residuals=("gates", "added"), flops=_rows_by_weights,
    source="Cho et al. 2014, arXiv:1406.1078; the reset gate behind the product, as in cuDNN",
    hint="z = x W_ih^T + b has 3 gates of the hidden size")  # fmt: skip
def gru(z: Value, h: Value, w: Value, b: Value, *, sizes: Sizes, reverse: bool) -> Value:
    """Gated recurrent units over all steps: with thirds z_r, z_u, z_n of z and k_r, k_u, k_n of w h + b

        r = sigmoid(z_r + k_r),  u = sigmoid(z_u + k_u),  n = tanh(z_n + r k_n),  h = (1 - u) n + u h

    Args:
        z: what the input contributes, for all steps.
        h: the initial state of each sequence.
        w: what the state contributes.
        b: a term beside that, or None.
        sizes: how many sequences there are at each step (default None: all, at each).
        reverse: whether the last step comes first (default False).

    Returns:
        Two results: h of all steps, and the last h of each sequence.

    Shapes: z (R, 3H), h (N, H), w (3H, H), b (3H) -> (R, H), (N, H).

    Raises:
        DTypeError: z is not floating.
        ShapeError: sizes that do not fit together.
    """
    return time_loop.gru(z, h, w, b, sizes=sizes, reverse=reverse)


@gru.fast_vjp("z", "h", "w", "b")
def _(
    g: Value, out: Value, h: Value, w: Value, gates: Value, added: Value, *, sizes: Sizes, reverse: bool,
    wanted: frozenset[str],
) -> tuple[Value | None, ...]:  # fmt: skip
    before = states_before(out, h, sizes, reverse)
    g_out, g_h = g
    to_z, to_h, inner = time_loop.gru_back(g_out, g_h, w, before, gates, added, sizes=sizes, reverse=reverse)
    to_w = inner.T @ before if "w" in wanted else None
    to_b = inner.sum(axis=0) if "b" in wanted else None
    return to_z, to_h, to_w, to_b


# ---- Elman's -----------------------------------------------------------------------------------------------------


def _rnn_settings(
    z: ArrayLike, h: ArrayLike, w: ArrayLike, *,
    nonlinearity: str = "tanh", sizes: Sequence[int] | None = None, reverse: bool = False,
) -> Settings:  # fmt: skip
    if nonlinearity not in ("tanh", "relu"):
        raise UsageError(f'rnn: nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
    return {"nonlinearity": nonlinearity, **sized(z, h, sizes, reverse)}


def _rnn_by_steps(z: Value, h: Value, w: Value, *, nonlinearity: str, sizes: Sizes, reverse: bool) -> Value:
    bend = {"tanh": tanh, "relu": relu}[nonlinearity]
    return walked(lambda x, states: (bend(x + linear(states[0], w, None)),), z, (h,), sizes, reverse)


@op(shapes="R H, N H, H H -> R H, N H", canonical=_rnn_settings, reference=_rnn_by_steps,
    results=("out", "h_last"), flops=_rows_by_weights,
    source="Elman 1990, doi:10.1207/s15516709cog1402_1")  # fmt: skip
def rnn(z: Value, h: Value, w: Value, *, nonlinearity: str, sizes: Sizes, reverse: bool) -> Value:
    """A recurrent layer over all steps: h = tanh(z + w h), or relu of that.

    Args:
        z: what the input contributes, for all steps.
        h: the initial state of each sequence.
        w: what the state contributes.
        nonlinearity: "tanh" or "relu" (default "tanh").
        sizes: how many sequences there are at each step (default None: all, at each).
        reverse: whether the last step comes first (default False).

    Returns:
        Two results: h of all steps, and the last h of each sequence.

    Shapes: z (R, H), h (N, H), w (H, H) -> (R, H), (N, H).

    Raises:
        DTypeError: z is not floating.
        ShapeError: sizes that do not fit together.
        UsageError: another nonlinearity.
    """
    return time_loop.rnn(z, h, w, nonlinearity=nonlinearity, sizes=sizes, reverse=reverse)


@rnn.fast_vjp("z", "h", "w")
def _(
    g: Value, h: Value, w: Value, out: Value, *, nonlinearity: str, sizes: Sizes, reverse: bool, wanted: frozenset[str]
) -> tuple[Value | None, ...]:
    g_out, g_h = g
    to_z, to_h = time_loop.rnn_back(g_out, g_h, w, out, nonlinearity=nonlinearity, sizes=sizes, reverse=reverse)
    to_w = to_z.T @ states_before(out, h, sizes, reverse) if "w" in wanted else None
    return to_z, to_h, to_w
