"""How an op lets little or nothing of a gradient through: in words, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.autograd.trace import Event
from minigrad.diagnosis.reason import number, percent

DEAD: Final = {
    "relu": (0.0, None), "relu6": (0.0, 6.0), "hardtanh": (-1.0, 1.0), "hardsigmoid": (-3.0, 3.0),
    "hardswish": (-3.0, None), "threshold": (None, None), "leaky_relu": (0.0, None), "prelu": (0.0, None),
}  # fmt: skip
"""Where the flat sides of an op begin, seen from its input: below the first, above the second."""

SATURATING: Final = frozenset(
    ["sigmoid", "tanh", "softmax", "log_softmax", "softmax_cross_entropy", "erf", "erfc", "logsigmoid", "softsign",
     "silu", "atan", "elu", "selu", "celu", "softplus", "gelu", "gelu_tanh", "mish", "exp", "exp2"]
)  # fmt: skip
SLOPES: Final[dict[str, Callable[[Any], Any]]] = {
    "sigmoid": lambda out: 4 * out * (1 - out),
    "softmax": lambda out: 4 * out * (1 - out),
    "tanh": lambda out: 1 - out * out,
}
"""The slope of an op from its result, as a part of the largest that there is."""

STEPS: Final = frozenset(["sign", "floor", "ceil", "trunc", "round", "step"])
CHOOSING: Final = frozenset(["maximum", "minimum", "max", "min", "where", "max_pool", "getitem", "pool_take", "sort"])
PRODUCTS: Final = frozenset(["multiply", "matmul", "linear", "conv", "conv_input", "conv_weight", "einsum", "divide"])
SHRINKING: Final = frozenset(["softshrink", "hardshrink"])


@dataclass(frozen=True)
class Block:
    """One use of a value, seen as an obstacle.

    Attributes:
        node: of the op.
        position: of the input whose gradient is in question.
        event: its call.
        whole: whether nothing at all came through.
    """

    node: Node
    position: int
    event: Event
    whole: bool = False

    @property
    def x(self) -> Any:
        """The input in question, as far as it is known."""
        return self.event.inputs[self.position] if self.position < len(self.event.inputs) else None

    def words(self) -> tuple[str, str]:
        """What the matter is, and what to do about it."""
        name = self.event.op.name
        if name in ("relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "threshold", *SHRINKING):
            return self._flat(name)
        if name in ("leaky_relu", "prelu"):
            return self._leaking(name)
        if name == "checkpoint":
            return (
                "nothing comes through the function that checkpoint runs again",
                "Ask once more without checkpoint, to see which op in it is the one.",
            )
        if name in SATURATING:
            return self._saturated(name)
        if name in STEPS:
            return (
                f"{name} is a staircase, flat wherever it has a derivative",
                "Use something smooth in its place.",
            )
        if name in ("maximum", "minimum") and (bound := self._bound(name)):
            return bound
        if name in CHOOSING:
            return self._not_chosen(name)
        if name in PRODUCTS and (factor := self._factor(name)):
            return factor
        if name == "standardize":
            return (
                "standardize (batch, layer or group normalization) removes the mean and the scale of its input, so a "
                "change that moves or scales all values alike makes no difference",
                "A bias in front of a normalization is not needed: bias=False.",
            )
        return self._generic(name)

    def _flat(self, name: str) -> tuple[str, str]:
        dead = self._dead(name)
        if dead is None:
            return f"all that arrives at {name} meets its flat side", "Ask with the function, to see its inputs."
        units = ""
        if dead.ndim > 1 and dead.shape[0] > 1:
            axes = (0, *range(2, dead.ndim))
            whole = dead.all(axis=axes)
            kind = "channels" if dead.ndim > 2 else "units"
            units = f"; {int(whole.sum())} of {whole.size} {kind} are dead for every sample of the batch"
        share = percent(int(dead.sum()), dead.size)
        what = "dead: their input is not above 0" if name == "relu" else "on its flat side"
        spread = _range(self.x)
        return (
            f"{share} of what {name} sees is {what}{units}{spread}{self._others(dead)}",
            "A smaller learning rate, He initialization, biases that are not far below 0, normalized inputs or a "
            "leaky_relu keep units alive."
            if name.startswith("relu")
            else "Keep its inputs within the slope (normalize, or scale them down), or use a smooth function.",
        )

    def _dead(self, name: str) -> Any:
        """Where the op is flat, as an array of booleans; None where neither input nor result is known."""
        x, out = self.x, self.event.out
        settings = self.event.settings
        if name == "relu" and (x is not None or out is not None):
            return np.asarray(out if x is None else x) <= 0
        if x is None:
            return None
        x = np.asarray(x)
        if name == "hardtanh":
            return (x <= settings["min_val"]) | (x >= settings["max_val"])
        if name == "threshold":
            return x <= settings["threshold"]
        if name in SHRINKING:
            return np.abs(x) <= settings["lambd"]
        low, high = DEAD[name]
        return (x <= low) | (x >= (np.inf if high is None else high))

    def _leaking(self, name: str) -> tuple[str, str]:
        low = percent(int((np.asarray(self.x) <= 0).sum()), np.size(self.x)) if self.x is not None else "much"
        return (
            f"{low} of what {name} sees is not above 0, where its slope is the one on the left{_range(self.x)}",
            "A larger slope on the left, normalized inputs or another initialization hand on more.",
        )

    def _saturated(self, name: str) -> tuple[str, str]:
        if name in ("softmax_cross_entropy", "log_softmax"):
            return (
                f"{name} is sure of its answer and right, up to the last digit{_range(self.x)}",
                "There is nothing left to learn from this batch; if that cannot be, its inputs are too large.",
            )
        flat = self._where_flat(name)
        if name == "softmax" and flat is not None and flat.mean() < 0.5:
            return (
                "softmax hands on only how what arrives differs from result to result, since these add up to 1 "
                "whatever its input, and that is little" + _range(self.x),
                "The sum or mean of all its results has no slope: take the loss from some of them, as cross_entropy "
                "does from the inputs of softmax.",
            )
        share = (
            f": {percent(int(flat.sum()), flat.size)} of its elements lie where it is flat" if flat is not None else ""
        )
        if name == "sigmoid" and flat is not None and flat.mean() < 0.5:
            text = f"{name} hands on at most a quarter, even where it is steepest"
            return text + _range(self.x), "Inside of a network, relu, gelu or tanh hand on more."
        text = f"{name} is saturated{share}" if flat is None or flat.mean() >= 0.5 else f"{name} is partly flat{share}"
        advice = "Scale its input down (smaller weights, normalization, a temperature), or use relu or gelu."
        return text + _range(self.x), advice

    def _where_flat(self, name: str) -> Any:
        """Where the slope is less than a thousandth of its largest; None where that is not known."""
        if name not in SLOPES or self.event.out is None or not np.size(self.event.out):
            return None
        return SLOPES[name](np.asarray(self.event.out, np.float64)) < 1e-3

    def _bound(self, name: str) -> tuple[str, str] | None:
        """`clip` is made of maximum and minimum with a number."""
        other = self.event.inputs[1 - self.position] if len(self.event.inputs) == 2 else None
        if other is None or np.size(other) != 1 or self.x is None:
            return None
        bound = float(np.asarray(other).reshape(()))
        outside = np.asarray(self.x) < bound if name == "maximum" else np.asarray(self.x) > bound
        side = "below" if name == "maximum" else "above"
        return (
            f"{percent(int(outside.sum()), outside.size)} of the elements lie {side} the bound {number(bound)} of "
            f"{name} (clip, clamp), which puts the bound in their place{_range(self.x)}{self._others(outside)}",
            "Widen the bounds, or keep the values inside.",
        )

    def _others(self, lost: Any) -> str:
        """How it can be that nothing comes through although only a part of the elements is lost here."""
        return "; no gradient arrives at the others" if self.whole and not lost.all() else ""

    def _not_chosen(self, name: str) -> tuple[str, str]:
        whom = {"where": "the other branch", "getitem": "other elements"}.get(name, "other elements or the other input")
        return (
            f"{name} chose {whom}: what is not chosen gets a gradient of zero",
            "Nothing is wrong if it should not have been chosen; else look at the condition, index or values.",
        )

    def _factor(self, name: str) -> tuple[str, str] | None:
        """A product hands on the gradient times the other factor, which may be zero."""
        count = len(self.event.inputs)
        other = self.event.inputs[1 - self.position] if count >= 2 and self.position < 2 else None
        if other is None or not np.size(other):
            return None
        zeros = np.size(other) - int(np.count_nonzero(other))
        if not zeros:
            return None
        scope = self.event.scope
        if name == "multiply" and scope is not None and "Dropout" in scope.kind:
            return (
                f"{scope} multiplies by 0 {percent(zeros, np.size(other))} of what goes through it",
                "Choose a smaller dropout probability p.",
            )
        node = self.node.parents[1 - self.position] if 1 - self.position < len(self.node.parents) else None
        what = (
            "a variable" if node is not None and node.op is None else "a result" if node is not None else "a constant"
        )
        which = "input" if self.position == 1 and name in ("linear", "conv") else "other factor"
        return (
            f"{name} hands on the gradient times its {which} ({what} of shape {np.shape(other)}), and "
            f"{percent(zeros, np.size(other))} of that is zero",
            "Look at where the zeros come from: a mask, dropout with p=1, weights that were initialized with zeros, or "
            "inputs that are all zero.",
        )

    def _generic(self, name: str) -> tuple[str, str]:
        facts = _range(self.x)
        return f"the derivative of {name} is zero at these values{facts}", "Look at the values that it gets."


def _range(x: Any) -> str:
    if x is None or not np.size(x):
        return ""
    low, high = float(np.min(x)), float(np.max(x))
    if low == high:
        return f" (its input is {number(low)})" if np.size(x) == 1 else f" (its inputs are all {number(low)})"
    return f" (its inputs lie between {number(low)} and {number(high)})"
