"""The pass for a relu in front of max pooling: its gradient is taken behind that, where there are fewer pixels.

relu.x(max_pool.x(g, positions), out)    max_pool.x(relu.x(g, pooled), positions)

At the positions of largest pixels `out` is what was pooled, and elsewhere the cotangent is 0 in any case: so that the
gradient is the same, and `out` need not be kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from minigrad.compilation.program import Instruction, Program, Ref
from minigrad.typing import Array


def relu_behind_pooling(program: Program) -> Program:
    """Let gradients pass a relu before they are spread over the images that were pooled, not afterwards."""
    values = dict(program.values)
    uses = Counter(n for i in program.instructions for n in set(i.reads))
    uses.update(program.returned)
    made = {number: instruction for instruction in program.instructions for number in instruction.makes}
    done: dict[Instruction, Instruction] = {}
    for relu in program.instructions:
        if relu.name != "relu.x" or relu.kind != "rule" or uses[relu.arguments[0].number] != 1:
            continue
        spread = made.get(relu.arguments[0].number)
        pooled = None if spread is None else _pooled(program, spread, relu.arguments[1], made)
        if spread is not None and pooled is not None:
            g, result, few = spread.arguments[0], relu.results, max(values) + 1
            values[few] = replace(values[pooled], storage=few)
            values[result] = replace(values[spread.results], storage=result)
            done[spread] = replace(relu, function=_of_any_layout(relu), arguments=(g, Ref(pooled)), results=few)
            done[relu] = replace(spread, arguments=(Ref(few), *spread.arguments[1:]), results=result)
    return replace(program, instructions=tuple([done.get(each, each) for each in program.instructions]), values=values)


def _of_any_layout(relu: Instruction) -> Callable[..., Any]:
    """What computes the gradient of a relu, also of other arrays than those that were captured."""
    loop, plain = relu.function, None if relu.plain is None else relu.plain[0]
    if plain is None or plain is loop:
        return loop

    def gradient(g: Array, out: Array) -> Any:
        found = loop(g, out)
        return plain(g, out) if found is NotImplemented else found

    return gradient


def _pooled(program: Program, spread: Instruction, out: object, made: dict[int, Instruction]) -> int | None:
    """What max pooling gave, if this is its rule and it pooled `out`."""
    if spread.name != "max_pool.x" or spread.kind != "rule" or not isinstance(spread.arguments[0], Ref):
        return None
    forward = made.get(spread.arguments[1].number)
    if forward is None or forward.name != "max_pool" or forward.arguments[0] != out:
        return None
    g, pooled = program.values[spread.arguments[0].number], program.values[forward.results[0]]
    fewer = pooled.nbytes < program.values[spread.results].nbytes
    return forward.results[0] if fewer and g.dtype == pooled.dtype else None
