"""How an op passes on little or nothing of a gradient: in words, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from minigrad.autograd.node import Node
from minigrad.autograd.trace import Event
from minigrad.diagnosis.sequence_words import SEQUENCE_OPS, sequence_words
from minigrad.diagnosis.text import input_range, number, percent
from minigrad.typing import Array

FLAT_BOUNDS: Final = {
    "relu": (0.0, None), "relu6": (0.0, 6.0), "hardtanh": (-1.0, 1.0), "hardsigmoid": (-3.0, 3.0),
    "hardswish": (-3.0, None), "threshold": (None, None), "leaky_relu": (0.0, None), "prelu": (0.0, None),
}  # fmt: skip
"""Where an op is flat (or has its smaller slope): for inputs up to the first number, and from the second on."""

NORMALIZING: Final = frozenset({"standardize", "standardize_layer"})
SATURATING: Final = frozenset(
    ["sigmoid", "tanh", "softmax", "log_softmax", "softmax_cross_entropy", "erf", "erfc", "logsigmoid", "softsign",
     "silu", "atan", "elu", "selu", "celu", "softplus", "gelu", "gelu_tanh", "mish", "exp", "exp2"]
)  # fmt: skip
RELATIVE_SLOPES: Final[dict[str, Callable[[Array], Array]]] = {
    "sigmoid": lambda out: 4 * out * (1 - out),
    "softmax": lambda out: 4 * out * (1 - out),
    "tanh": lambda out: 1 - out * out,
}
"""The slope of an op as a share of its largest slope, computed from the op's result."""

STEP_FUNCTIONS: Final = frozenset(["sign", "floor", "ceil", "trunc", "round", "step"])
SELECTING: Final = frozenset(["maximum", "minimum", "max", "min", "where", "max_pool", "getitem", "pool_take", "sort"])
PRODUCTS: Final = frozenset(
    ["multiply", "weighted", "matmul", "linear", "conv", "conv_input", "conv_weight", "einsum", "divide"]
)
SHRINKAGE: Final = frozenset(["softshrink", "hardshrink"])


class Words(NamedTuple):
    """Why an op passes on little (a clause without a period), and what to do about it (a sentence)."""

    cause: str
    advice: str


@dataclass(frozen=True)
class Attenuation:
    """One use of a value through which little or nothing of a gradient comes.

    Attributes:
        node: the node of the op.
        position: the position of the input whose gradient is in question.
        event: the call of the op.
        complete: whether nothing at all came through.
    """

    node: Node
    position: int
    event: Event
    complete: bool = False

    @property
    def x(self) -> Array | None:
        """The input in question, where it is known."""
        if self.position >= len(self.event.inputs) or self.event.inputs[self.position] is None:
            return None
        return np.asarray(self.event.inputs[self.position])

    def words(self) -> Words:
        """The cause, and what to do about it."""
        name = self.event.op.name
        if name in ("relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "threshold", *SHRINKAGE):
            return self._flat(name)
        if name in ("leaky_relu", "prelu"):
            return self._leaky(name)
        if name == "checkpoint":
            return Words(
                "no gradient comes through the function that checkpoint runs again",
                "Ask once more without checkpoint, to see which op in it is the cause.",
            )
        if name in SATURATING:
            return self._saturated(name)
        if name in STEP_FUNCTIONS:
            return Words(
                f"{name} is constant between its jumps, so its derivative is 0 wherever it exists",
                "Use a smooth function in its place.",
            )
        if name in ("maximum", "minimum") and (bound := self._bound(name)):
            return bound
        if name in SELECTING:
            return self._not_selected(name)
        if name in PRODUCTS and (factor := self._zero_factor(name)):
            return factor
        if (found := self.of_sequence()) is not None:
            return found
        if name in NORMALIZING:
            return Words(
                f"{name} (batch, layer or group normalization) removes the mean and the scale of its input, so a "
                "change that shifts or scales all values alike makes no difference",
                "A bias in front of a normalization is not needed: bias=False.",
            )
        return Words(f"the derivative of {name} is 0 at these values{input_range(self.x)}", "Look at its inputs.")

    def of_sequence(self) -> Words | None:
        """The words for saturated gates and masked rows; None where there are none, or the op is another one."""
        name = self.event.op.name
        found = sequence_words(name, self.event.inputs, self.event.settings) if name in SEQUENCE_OPS else None
        return None if found is None else Words(*found)

    def _flat(self, name: str) -> Words:
        flat = self._where_flat(name)
        if flat is None:
            return Words(
                f"all of the gradient arrives where {name} is flat", "Ask with the function, to see its inputs."
            )
        units = ""
        if flat.ndim > 1 and flat.shape[0] > 1:
            dead = flat.all(axis=(0, *range(2, flat.ndim)))
            kind = "channels" if flat.ndim > 2 else "units"
            units = f"; {int(dead.sum())} of {dead.size} {kind} are dead for every sample of the batch"
        where = "are not above 0, where it is flat (dead)" if name == "relu" else "lie where it is flat"
        share = percent(int(flat.sum()), flat.size)
        return Words(
            f"{share} of the inputs of {name} {where}{units}{input_range(self.x)}{self._others(flat)}",
            "A smaller learning rate, He initialization, biases that are not far below 0, normalized inputs or a "
            "leaky_relu keep units alive."
            if name.startswith("relu")
            else "Keep its inputs where it has a slope (normalize, or scale them down), or use a smooth function.",
        )

    def _where_flat(self, name: str) -> Array | None:
        """Where the op is flat, as booleans; None where neither input nor result is known."""
        x, settings = self.x, self.event.settings
        if name == "relu" and x is None and self.event.out is not None:
            x = np.asarray(self.event.out)
        if x is None:
            return None
        flat: Array
        if name == "hardtanh":
            flat = (x <= settings["min_val"]) | (x >= settings["max_val"])
        elif name == "threshold":
            flat = x <= settings["threshold"]
        elif name in SHRINKAGE:
            flat = np.abs(x) <= settings["lambd"]
        else:
            low, high = FLAT_BOUNDS[name]
            flat = (x <= low) | (x >= (np.inf if high is None else high))
        return flat

    def _leaky(self, name: str) -> Words:
        share = percent(int((self.x <= 0).sum()), self.x.size) if self.x is not None else "many"
        return Words(
            f"{share} of the inputs of {name} are not above 0, where its slope is the smaller one{input_range(self.x)}",
            "A larger slope for negative inputs, normalized inputs or another initialization pass on more.",
        )

    def _saturated(self, name: str) -> Words:
        if name in ("softmax_cross_entropy", "log_softmax"):
            return Words(
                f"{name} gives the target class a probability of 1, up to rounding{input_range(self.x)}",
                "There is nothing left to learn from this batch; if that cannot be, its inputs are too large.",
            )
        flat = self._where_saturated(name)
        steep = flat is not None and flat.mean() < 0.5
        if name == "softmax" and steep:
            return Words(
                "softmax passes on only the differences between the gradients of its results, which add up to 1 "
                "whatever its input, and these differences are small" + input_range(self.x),
                "The gradient of the sum or mean of all its results is 0: take the loss from some of them, as "
                "cross_entropy does from the inputs of softmax.",
            )
        if name == "sigmoid" and steep:
            return Words(
                f"{name} passes on at most a quarter of a gradient, even where it is steepest{input_range(self.x)}",
                "Inside of a network, relu, gelu or tanh pass on more.",
            )
        share = (
            f": {percent(int(flat.sum()), flat.size)} of its elements lie where it is flat" if flat is not None else ""
        )
        return Words(
            f"{name} is {'partly flat' if steep else 'saturated'}{share}{input_range(self.x)}",
            "Scale its input down (smaller weights, normalization, a temperature), or use relu or gelu.",
        )

    def _where_saturated(self, name: str) -> Array | None:
        """Where the slope is less than a thousandth of its largest; None where that is not known."""
        if name not in RELATIVE_SLOPES or self.event.out is None or not np.size(self.event.out):
            return None
        saturated: Array = RELATIVE_SLOPES[name](np.asarray(self.event.out, np.float64)) < 1e-3
        return saturated

    def _bound(self, name: str) -> Words | None:
        """The words for a maximum or minimum with a number, of which `clip` is made."""
        other = self.event.inputs[1 - self.position] if len(self.event.inputs) == 2 else None
        if other is None or np.size(other) != 1 or self.x is None:
            return None
        bound = float(np.asarray(other).reshape(()))
        outside = self.x < bound if name == "maximum" else self.x > bound
        side = "below" if name == "maximum" else "above"
        return Words(
            f"{percent(int(outside.sum()), outside.size)} of the elements lie {side} the bound {number(bound)} of "
            f"{name} (clip, clamp), which replaces them{input_range(self.x)}{self._others(outside)}",
            "Widen the bounds, or keep the values inside.",
        )

    def _others(self, flat: Array) -> str:
        """Why nothing comes through although only some of the elements lie where the op is flat."""
        return "; no gradient arrives at the others" if self.complete and not flat.all() else ""

    def _not_selected(self, name: str) -> Words:
        selected = {"where": "the other branch", "getitem": "other elements"}.get(
            name, "other elements or the other input"
        )
        return Words(
            f"{name} selected {selected}: what is not selected gets a gradient of 0",
            "Nothing is wrong if it should not have been selected; else look at the condition, index or values.",
        )

    def _zero_factor(self, name: str) -> Words | None:
        """The words for a product whose other factor, which multiplies the gradient, has zeros; None if it has none."""
        count = len(self.event.inputs)
        other = self.event.inputs[1 - self.position] if count >= 2 and self.position < 2 else None
        if other is None or not np.size(other):
            return None
        zeros = np.size(other) - int(np.count_nonzero(other))
        if not zeros:
            return None
        scope = self.event.scope
        share = percent(zeros, np.size(other))
        if name == "multiply" and scope is not None and "Dropout" in scope.kind:
            return Words(f"{scope} sets {share} of its input to 0", "Choose a smaller dropout probability p.")
        node = self.node.parents[1 - self.position] if 1 - self.position < len(self.node.parents) else None
        kind = "a constant" if node is None else "a variable" if node.op is None else "a result"
        which = "input" if self.position == 1 and name in ("linear", "conv") else "other factor"
        return Words(
            f"{name} passes on the gradient times its {which} ({kind} of shape {np.shape(other)}), {share} of which "
            "is 0",
            "Look at where the zeros come from: a mask, dropout with p=1, weights that were initialized with zeros, or "
            "inputs that are all 0.",
        )
