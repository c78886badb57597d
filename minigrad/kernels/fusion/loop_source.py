"""From the graph of an expression to the Python source of the loop that computes it for every element.

The loop is a function of result arrays, input arrays, numbers that are the same for all elements, and of where it
starts and stops. Every node of the graph that a result needs is one line. Where a function is not made for all
numbers, a second loop computes the elements beyond its limit once more, if there are any.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .expression import Graph, Node
from .primitives import PRIMITIVES, VECTOR_MATH


def loop_source(
    graph: Graph, name: str, arrays: Sequence[str], numbers: Sequence[str], results: Sequence[str],
    shared: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The module that defines the loop of a graph.

    Args:
        graph: with as many outputs as results.
        name: the function's.
        arrays: the inputs that differ from element to element.
        numbers: the inputs that do not.
        results: the names of the arrays that it fills.
        shared: by the name of an input, the result that takes its memory (default: none). The input is no parameter
            then: LLVM does several elements at a time only where it sees that there is one array, not two that overlap.
    """
    shared = shared or {}
    inputs = used_inputs(graph, arrays)
    parameters = [*results, *[x for x in arrays if x not in shared], *numbers, "start", "stop"]
    body = [
        *[f"{x} = {x}[start:stop]" for x in (*results, *[x for x in inputs if x not in shared])],
        *[f"{x} = f({x})" for x in numbers],
        *elements(graph, numbers, {x: shared.get(x, x) for x in inputs}, results),
    ]
    return module(graph, name, parameters, body)


def row_loop_source(
    graph: Graph, name: str, arrays: Sequence[str], single: Collection[str], results: Sequence[str],
    shared: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The module that defines the loop of a graph over rows of arrays that broadcast; see `RowView`.

    The function takes results and arrays, flat, the steps of each, the sizes `middle` and `row`, which part of each row
    it is to compute (`first`, `length`), and at which row it starts and stops.

    Args:
        graph: with as many outputs as results.
        name: the function's.
        arrays: the inputs.
        single: those of them that have one number for a row.
        results: the names of the arrays that it fills.
        shared: as for `loop_source` (default: none).
    """
    shared = shared or {}
    given = [x for x in arrays if x not in shared]
    parameters = [*results, *given, "steps", "middle", "row", "first", "length", "start", "stop"]
    inputs = used_inputs(graph, arrays)
    body = ["for k in range(start, stop):", "    outer, across = k // middle, k % middle"]
    for position, x in enumerate((*results, *given)):
        if x in results or x in inputs:
            body.append(f"    at = outer * steps[{position}, 0] + across * steps[{position}, 1]")
            line = f"{x}_i = {x}[at]" if x in single else f"{x}_row = {x}[at + first : at + first + length]"
            body.append(f"    {line}")
    along = {x: f"{shared.get(x, x)}_row" for x in inputs if x not in single}
    inside = elements(graph, (), along, [f"{x}_row" for x in results])
    return module(graph, name, parameters, [*body, *[f"    {line}" for line in inside]])


def used_inputs(graph: Graph, arrays: Sequence[str]) -> list[str]:
    """The arrays that the graph has as inputs."""
    return [array for array in arrays if any(n.function == "input" and n.args == (array,) for n in graph.nodes)]


def elements(
    graph: Graph, numbers: Sequence[str], inputs: Mapping[str, str], results: Sequence[str], sums: Collection[str] = ()
) -> list[str]:
    """The loop over elements: reads the inputs, each from the array that it is mapped to, and writes the results.

    To those that are in `sums` it adds.
    """
    names = _names(graph, numbers)
    computed = [i for i in graph.reachable() if graph.nodes[i].function not in ("input", "constant")]
    lines = [f"{names[i]} = {_line(graph.nodes[i], names)}" for i in computed]
    tests = [_beyond(graph.nodes[i], names) for i in computed if _is_limited(graph.nodes[i])]
    beyond = tests[0] if len(tests) == 1 else " | ".join(f"({test})" for test in tests)
    loads = [f"{x}_i = {array}[i]" for x, array in inputs.items()]
    stores = [
        f"{x}[i] {'+=' if x in sums else '='} {names[out.index]}" for x, out in zip(results, graph.outputs, strict=True)
    ]
    body = [
        *["beyond = False"] * bool(beyond),
        f"for i in range(len({results[0]})):",
        *[f"    {line}" for line in (*loads, *lines, *stores)],
    ]
    if beyond:
        exact = [f"{names[i]} = {_line(graph.nodes[i], names, limited=True)}" for i in computed]
        body += [
            f"    beyond |= {beyond}",
            "if beyond:",
            f"    for i in range(len({results[0]})):",
            *[f"        {line}" for line in (*loads, *exact)],
            f"        if {beyond}:",
            *[f"            {line}" for line in stores],
        ]
    return body


def module(graph: Graph, name: str, parameters: Sequence[str], body: Sequence[str], imports: Sequence[str] = ()) -> str:
    """The module of a function of such parameters and lines, and of what else it imports."""
    functions = {graph.nodes[i].function for i in graph.reachable()}
    used = sorted(functions & VECTOR_MATH.keys())
    return "\n".join(
        [
            "import numpy as np",
            "",
            *["from minigrad.kernels.fusion.float_bits_numba import copysign"] * ("copysign" in functions),
            *["from minigrad.kernels.fusion.vector_math_numba import library"] * bool(used),
            "from minigrad.kernels.jit import compiled",
            "from minigrad.kernels.widest_registers_numba import use_widest",
            *imports,
            "",
            f"f = np.{graph.dtype.name}",
            *[f"{x} = library(f).{x}" for x in used],
            "",
            "",
            "@compiled",
            f"def {name}({', '.join(parameters)}):",
            "    use_widest()",
            *[f"    {line}" for line in body],
            "",
        ]
    )


def reads_again(graph: Graph) -> bool:
    """Whether the loop may need its inputs again when it has written its results."""
    return any(_is_limited(graph.nodes[i]) for i in graph.reachable())


def cost(graph: Graph) -> int:
    """About how many additions an element takes; what is read and written counts, too."""
    nodes = [graph.nodes[i] for i in graph.reachable()]
    return len(graph.outputs) + sum(PRIMITIVES[n.function].cost if n.function in PRIMITIVES else 1 for n in nodes)


def _names(graph: Graph, numbers: Sequence[str]) -> list[str]:
    """What each node is called in the loop: inputs by name, constants by their number."""
    names = []
    for i, node in enumerate(graph.nodes):
        if node.function == "input":
            names.append(node.args[0] if node.args[0] in numbers else f"{node.args[0]}_i")
        elif node.function == "constant":
            names.append(_number(node.args[0]))
        else:
            names.append(f"v{i}")
    return names


def _number(value: float | bool) -> str:
    if isinstance(value, bool):
        return repr(value)
    text = repr(value)
    return f"f({'np.' + text if text in ('inf', 'nan') else '-np.inf' if text == '-inf' else text})"


def _line(node: Node, names: list[str], *, limited: bool = False) -> str:
    """What computes a node; with `limited`, also for operands that its function is not made for."""
    operands, primitive = [names[k] for k in node.args], PRIMITIVES[node.function]
    usual = primitive.source.format(*operands)
    if not limited or not primitive.beyond:
        return usual
    return f"{primitive.otherwise.format(*operands)} if {primitive.beyond.format(*operands)} else {usual}"


def _is_limited(node: Node) -> bool:
    return node.function in PRIMITIVES and bool(PRIMITIVES[node.function].beyond)


def _beyond(node: Node, names: list[str]) -> str:
    return PRIMITIVES[node.function].beyond.format(*[names[k] for k in node.args])
