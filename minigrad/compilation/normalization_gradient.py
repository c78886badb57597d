"""`NormalizationGradient`: the gradients of a normalization and of a relu behind it, from the cotangent of that."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from minigrad.autograd.silence import has_nan
from minigrad.compilation.generate import silence
from minigrad.compilation.program import Instruction
from minigrad.kernels.normalization import overflows, standardize_gradients, standardize_relu_gradients
from minigrad.typing import Array, Shape


class NormalizationGradient:
    """What computes the cotangents of a normalization's x, w and b.

    Where the relu was flat, it finds again from x: the result of the relu need not be kept. The sums that are the
    cotangents of w and b tell whether anything was not finite, so that nobody has to look for NaN in that of x.

    Args:
        rule: the call of the rule for x, w and b.
        forward: what computed relu(standardize(x, w, b)); None without a relu.
    """

    def __init__(self, rule: Instruction, forward: Callable[..., Any] | None = None) -> None:
        self.rule, self.forward = rule, forward

    def __call__(
        self, g: tuple[Array, Array, Array], x: Array, w: Array, mean: Array, variance: Array, w_shape: Shape,
        b_shape: Shape, b: Array | None = None, **settings: Any,
    ) -> tuple[Array, ...]:  # fmt: skip
        """The three cotangents, for that of relu(standardize(x, w, b)); for that of standardize without b."""
        g_out, *others = g
        usual = not (any(other.any() for other in others) or overflows(x, variance))
        if usual:
            if b is None:
                found = standardize_gradients(g_out, x, w, mean, variance, **settings)
            else:
                found = standardize_relu_gradients(g_out, x, w, b, mean, variance, **settings)
            if all_finite(*found[1:], w, variance):
                return found
        if self.forward is not None:
            out, *_ = self.forward(x, w, b, **settings)
            g_out = np.where(out > 0, g_out, g_out.dtype.type(0))
        return self._by_rule((g_out, *others), x, w, mean, variance, w_shape, b_shape, **settings)

    def _by_rule(self, *arguments: Any, **settings: Any) -> tuple[Array, ...]:
        """The answer of the rule, where NaN may be none."""
        found = [*self.rule.function(*arguments, **settings)]
        silences = self.rule.silence if isinstance(self.rule.silence, tuple) else ()
        for each in silences:
            if each.index is not None and has_nan(found[each.index]):
                found[each.index] = silence(each, found[each.index], self.rule.function, arguments, settings)
        return tuple(found)


def all_finite(*arrays: Array) -> bool:
    """Whether all numbers are finite, and none is so large that its square is not."""
    return all(isfinite(np.vdot(x, x)) for x in arrays)
