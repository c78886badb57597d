"""The pass for large gradients of linear layers: each is computed and used some rows at a time, and never whole.

w = linear.w(g, x); step_parameters(optimizer, [p], [w], group)    step_by_rows(optimizer, p, group, g, x)

The gradient of a matrix of weights, g' x, is far larger than what it is made of, and its update goes number by number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

from minigrad.autograd.silence import has_nan
from minigrad.autograd.tensor import Tensor
from minigrad.compilation.generate import silence
from minigrad.compilation.memory_passes import is_update
from minigrad.compilation.normalization_gradient import all_finite
from minigrad.compilation.program import Instruction, Program, Ref, Silence
from minigrad.kernels.array_utils import as_contiguous
from minigrad.kernels.jit import numba_available
from minigrad.kernels.outer_product import OuterProduct
from minigrad.optim import Optimizer
from minigrad.optim.row_step import step_by_rows
from minigrad.typing import Array

LEAST_BYTES: Final = 1 << 19
"""Of a gradient that is not kept whole: it, the parameters, and what is kept for them do not fit the near caches."""

MOST_SAMPLES: Final = 64
"""With more, products are faster as a whole."""


def update_by_rows(program: Program) -> Program:
    """Let the update of a large matrix, right behind its gradient, compute that some rows at a time."""
    if not numba_available():
        return program
    uses = Counter(n for i in program.instructions for n in i.reads)
    uses.update(program.returned)
    done: list[Instruction] = []
    for instruction in program.instructions:
        rule = done[-1] if done else instruction
        if is_update(instruction) and rule.name == "linear.w" and rule.kind == "rule" and not rule.recomputed:
            optimizer, params, gradients, group = instruction.arguments
            if gradients == [Ref(rule.results)] and uses[rule.results] == 1 and _suits(program, rule):
                done[-1] = replace(
                    instruction, name="step_by_rows", function=RowUpdate(rule, instruction),
                    arguments=(optimizer, params[0], group, *rule.arguments), parts=(rule, instruction),
                )  # fmt: skip
                continue
        done.append(instruction)
    return replace(program, instructions=tuple(done))


def _suits(program: Program, rule: Instruction) -> bool:
    g, x = (program.values[number] for number in rule.reads)
    few = g.nbytes <= MOST_SAMPLES * g.shape[-1] * g.dtype.itemsize
    return few and program.values[rule.results].nbytes >= LEAST_BYTES and g.dtype == x.dtype and g.dtype.char in "fd"


class RowUpdate:
    """What updates a matrix of weights by its gradient, from g (..., O) and x (..., D).

    Args:
        rule: the call that gives the whole gradient.
        update: the call of the optimizer.
    """

    def __init__(self, rule: Instruction, update: Instruction) -> None:
        self.rule, self.update = rule, update

    def __call__(self, optimizer: Optimizer, p: Tensor, group: dict[str, Any], g: Array, x: Array) -> None:
        """Update p."""
        g, x = (as_contiguous(each.reshape(-1, each.shape[-1])) for each in (g, x))
        # Then all products are finite, and nothing has to be silenced.
        if not (all_finite(g, x) and step_by_rows(optimizer, p, OuterProduct(g, x), group)):
            self.update.function(optimizer, [p], [self._whole(g, x)], group)

    def _whole(self, g: Array, x: Array) -> Array:
        found: Array = self.rule.function(g, x)
        if isinstance(self.rule.silence, Silence) and has_nan(found):
            found = silence(self.rule.silence, found, self.rule.function, (g, x), {})
        return found
