"""Passes for convolutions by kernels of one pixel that read the same images, as the branches of an inception module do.

conv(x, v); conv(x, w)                conv_each(x, v, w)          one product, which reads x once
conv.x(g, v) + conv.x(h, w)           conv_sum(g, h, v, w)        likewise, and no images are added up
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, Final

import numpy as np

from minigrad.autograd.silence import has_nan, nothing_to_silence
from minigrad.compilation.generate import silence
from minigrad.compilation.program import Constant, Instruction, Program, Ref, Silence
from minigrad.kernels.jit import numba_available
from minigrad.kernels.sibling_convolutions import PLAIN, conv_each, conv_sum, is_worthwhile
from minigrad.typing import Array

SETTINGS: Final = {
    name: tuple(map(Constant, value)) if isinstance(value, tuple) else Constant(value) for name, value in PLAIN.items()
}


def convolve_siblings(program: Program) -> Program:
    """Compute convolutions of the same images together, where the first of them is."""
    if not numba_available():
        return program
    instructions = list(program.instructions)
    made = {number: k for k, each in enumerate(instructions) for number in each.makes}
    siblings: dict[int, list[int]] = {}  # positions, by the images
    for position, each in enumerate(instructions):
        if each.name == "conv" and each.kind == "op" and not each.recomputed and _is_pointwise(program, each):
            siblings.setdefault(each.reads[0], []).append(position)
    early: dict[int, list[Instruction]] = {}  # what loads kernels, by the position before which it goes
    gone: set[int] = set()
    for first, *others in siblings.values():
        together = [first, *[k for k in others if _could_be_at(first, k, program, made)]]
        calls = [instructions[k] for k in together]
        if len(calls) > 1 and _are_worthwhile(program, calls):
            loads = [load for k in calls[1:] if (load := made.get(k.reads[1], -1)) > first]
            early[first] = [instructions[load] for load in loads]
            gone.update(loads, together[1:])
            instructions[first] = replace(
                calls[0], kind="fused", name="conv_each", function=conv_each, settings={}, parts=tuple(calls), flops=0,
                arguments=(calls[0].arguments[0], *[each.arguments[1] for each in calls]),
                results=tuple([each.results for each in calls]),
            )  # fmt: skip
    kept = [part for k, each in enumerate(instructions) if k not in gone for part in (*early.get(k, ()), each)]
    return replace(program, instructions=tuple(kept))


def sum_siblings(program: Program) -> Program:
    """Compute a sum of cotangents of the same images as one product, where the sum is complete."""
    if not numba_available():
        return program
    uses = Counter(number for each in program.instructions for number in each.reads)
    uses.update(program.returned)
    made = {number: each for each in program.instructions for number in each.makes}
    inner = {k for each in program.instructions if each.kind == "accumulate" for k in each.reads if uses[k] == 1}
    values, done = dict(program.values), dict[Instruction, list[Instruction]]()
    for root in program.instructions:
        if root.kind != "accumulate" or root.results in inner:
            continue
        calls, terms = [root], list[Ref]()
        for each in calls:  # grows while it is read
            for number in each.reads:
                call = made.get(number)
                if call is not None and call.kind == "accumulate" and number in inner:
                    calls.append(call)
                else:
                    terms.append(Ref(number))
        rules = [
            rule for term in terms if (rule := made.get(term.number)) is not None and _is_rule(program, rule, inner)
        ]
        if len(rules) < 2 or not _are_worthwhile(program, rules) or _changes(program, rules, root):
            continue
        done |= {each: [] for each in (*rules, *calls)}
        rest = [term for term in terms if term.number not in {rule.results for rule in rules}]
        number = rules[-1].results if rest else root.results
        values[number] = replace(values[rules[-1].results], storage=number)
        done[root] = [_summed(rules, number, root)]
        for term, call in zip(rest, calls[: len(rest)][::-1], strict=True):
            done[root].append(replace(call, arguments=(term, Ref(number))))
            number = call.results
    kept = [part for each in program.instructions for part in done.get(each, [each])]
    return replace(program, instructions=tuple(kept), values=values)


def _summed(rules: Sequence[Instruction], number: int, root: Instruction) -> Instruction:
    """One call in place of some rules and of the sum of what they give, with so many terms."""
    factors = [rule.arguments[k] for k in (0, 1) for rule in rules]
    return replace(
        rules[-1], kind="fused", name="conv_sum", function=SiblingSum(rules), arguments=tuple(factors), settings={},
        results=number, parts=tuple(rules), silence=None, flops=0, backward=root.backward,
    )  # fmt: skip


class SiblingSum:
    """The sum of the cotangents that some rules give, with the rule of silence."""

    def __init__(self, rules: Sequence[Instruction]) -> None:
        self.rules = rules

    def __call__(self, *arrays: Array) -> Any:
        """Of the cotangents of all rules, then the kernels."""
        found, count, rule = conv_sum(*arrays), len(self.rules), self.rules[0].silence
        known = isinstance(rule, Silence) and nothing_to_silence(found, rule.node, arrays[count:])
        if known or not has_nan(found):
            return found
        return reduce(np.add, map(self._by_rule, self.rules, arrays[:count], arrays[count:]))

    def _by_rule(self, rule: Instruction, g: Array, w: Array) -> Any:
        shape = tuple([size.value for size in rule.arguments[2]])
        settings: dict[str, Any] = dict(PLAIN)
        found = rule.function(g, w, shape, **settings)
        if isinstance(rule.silence, Silence) and has_nan(found):
            return silence(rule.silence, found, rule.function, (g, w, shape), settings)
        return found


def _is_pointwise(program: Program, call: Instruction) -> bool:
    """Whether it is a convolution without bias, or its rule for x, by kernels of one pixel, at every pixel."""
    x, w, *others = call.arguments
    if not isinstance(x, Ref) or not isinstance(w, Ref) or dict(call.settings) != SETTINGS:
        return False
    images, kernels = program.values[x.number], program.values[w.number]
    plain = others == [Constant(None)] if call.kind == "op" else True
    return plain and images.dtype == kernels.dtype and images.dtype.char in "fd" and kernels.shape[2:] == (1, 1)


def _is_rule(program: Program, call: Instruction, inner: set[int]) -> bool:
    """Whether it gives such a cotangent, which is added to others only."""
    rule = call.name == "conv.x" and call.kind == "rule" and not call.recomputed
    return rule and call.results in inner and _is_pointwise(program, call)


def _are_worthwhile(program: Program, calls: Sequence[Instruction]) -> bool:
    """Whether one product for all calls takes less time."""
    values = program.values
    shapes = [values[call.reads[1]].shape for call in calls]
    return is_worthwhile(values[calls[0].reads[0]].shape, shapes)


def _could_be_at(first: int, position: int, program: Program, made: dict[int, int]) -> bool:
    """Whether what a convolution needs is there at `first`, or kernels can be loaded there, which are the same then."""
    between = program.instructions[first:position]
    changed = [x for each in between for x in each.writes]
    for number in program.instructions[position].reads:
        if made.get(number, -1) > first and program.instructions[made[number]].kind != "load":
            return False
        source = made.get(program.storage(number))
        state = None if source is None else program.instructions[source].loads
        if changed and (source is None or any(x is state for x in changed)):
            return False
    return True


def _changes(program: Program, rules: Sequence[Instruction], root: Instruction) -> bool:
    """Whether kernels may change between the first of some rules and the last sum of what they give."""
    positions = [k for k, each in enumerate(program.instructions) if each is root or each in rules]
    return any(each.writes for each in program.instructions[positions[0] : positions[-1]])
