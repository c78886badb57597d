"""Why recurrent layers and attention pass on little of a gradient: saturated gates, queries that see nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from minigrad.autograd.registry import REGISTRY
from minigrad.diagnosis.text import percent
from minigrad.ops.scaled_dot_product import attention_weights
from minigrad.typing import Array, Settings

GATES: Final = {"lstm": ("input", "forget", "cell", "output"), "gru": ("reset", "update", "new"), "rnn": ("state",)}
BETWEEN_0_AND_1: Final = frozenset(["input", "forget", "output", "reset", "update"])
SEQUENCE_OPS: Final = frozenset([*GATES, "attention"])
FLAT: Final = 1e-3
"""The share of its largest slope below which a gate counts as flat."""


def sequence_words(
    name: str, inputs: Sequence[Any], settings: Settings, at_least: float = 0.1
) -> tuple[str, str] | None:
    """A cause and advice; None where the values tell nothing.

    Args:
        name: of the op, one of `SEQUENCE_OPS`.
        inputs: of the call.
        settings: likewise.
        at_least: the share of flat ones from which on a kind of gates is told (default 0.1).
    """
    if any(x is None for x in inputs[:3]):
        return None
    if name == "attention":
        return _attention(inputs, settings)
    results = REGISTRY[name].forward(*inputs, **settings)
    gates = results[0] if name == "rnn" else results[-2]
    return _recurrent(name, np.asarray(gates, np.float64), settings, at_least)


def _recurrent(name: str, gates: Array, settings: Settings, at_least: float) -> tuple[str, str] | None:
    if settings.get("nonlinearity") == "relu":
        if (gates <= 0).mean() <= at_least:
            return None
        return (
            f"{percent(int((gates <= 0).sum()), gates.size)} of the states of rnn are 0, where relu is flat (dead)",
            "Smaller recurrent weights, biases that are not far below 0, or tanh keep states alive.",
        )
    names = GATES[name]
    size = gates.shape[1] // len(names)
    parts = {gate: gates[:, k * size : (k + 1) * size] for k, gate in enumerate(names)}
    flat = {
        gate: (4 * x * (1 - x) if gate in BETWEEN_0_AND_1 else 1 - x * x) < FLAT for gate, x in parts.items() if x.size
    }
    told = [f"{percent(int(x.sum()), x.size)} of the {gate} gates" for gate, x in flat.items() if x.mean() > at_least]
    if not told:
        return None
    told = [text.replace("cell gates", "cell inputs").replace("state gates", "states") for text in told]
    return (
        f"gates of {name} are saturated, at 0, 1 or -1 where they are flat: {', '.join(told)}",
        "Scale the input down (normalize it), make the weights smaller, or clip gradients from the beginning on.",
    )


def masked_scores(inputs: Sequence[Any]) -> tuple[str, str] | None:
    """The same for a call of `where` that gives forbidden scores -inf, as attention with dropout does.

    Args:
        inputs: of the call.
    """
    if len(inputs) != 3 or any(x is None for x in inputs):
        return None
    seen, scores, other = map(np.asarray, inputs)
    if other.shape or other != -np.inf or scores.ndim < 2:
        return None
    return _blind(np.broadcast_to(seen, scores.shape))


def _blind(seen: Array) -> tuple[str, str] | None:
    """The words for rows in which nothing is seen; None if there are none. Shapes: (..., S)."""
    blind = ~seen.any(axis=-1)
    if not blind.any():
        return None
    return (
        f"{percent(int(blind.sum()), blind.size)} of the queries of attention may look at nothing: their rows of "
        "the mask forbid all keys, so that they get 0 and give no gradient",
        "Look at the mask: True is where to look in scaled_dot_product_attention, and where not to in nn's layers.",
    )


def _attention(inputs: Sequence[Any], settings: Settings) -> tuple[str, str] | None:
    q, k, _, mask = inputs
    weights = np.asarray(attention_weights(q, k, mask, **settings))
    rows = weights.reshape(-1, weights.shape[-1])
    blind = _blind(rows != 0)
    if blind is not None:
        return blind
    sure = rows.max(axis=1) > 1 - FLAT
    if sure.mean() < 0.5:
        return None
    return (
        f"attention is saturated: {percent(int(sure.sum()), len(rows))} of the queries look at one key only",
        "Make queries and keys smaller (a smaller scale, normalization), or let them see more than one key.",
    )
