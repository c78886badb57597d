"""`program_graph`: a compiled program as a Graph, so that it can be drawn.

Each instruction is a node; what stands inside of a fused loop lies in a call of its own, as the ops of a module do, and
all lies in the calls "forward", "backward" and "updates". Arguments, constants and the state are nodes in front of the
first instruction that takes them; what loads a Tensor of the state is drawn as that Tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.compilation import Instruction, Program
from minigrad.compilation.arguments import Given, Number, Output
from minigrad.compilation.program import Constant, Nested
from minigrad.graph import Graph, GraphNode, Kind, ModuleCall
from minigrad.typing import Shape
from minigrad.viz.quantities import PROGRAM_QUANTITIES, NodeAmounts, amount_text


def program_graph(program: Program) -> Graph:
    """Make the graph of a program.

    Nodes have the numbers of the values that `explain()` lists, and bytes of those that lie in memory, as labels. The
    outputs are what is seen after a call: returned values, gradients, and updates of the state.

    Args:
        program: the program.

    Returns:
        The graph.
    """
    return program_picture(program)[0]


def program_picture(program: Program, seconds: Sequence[float] = ()) -> tuple[Graph, dict[str, NodeAmounts]]:
    """The graph of a program, and what its calls read, write, compute, and take.

    Args:
        program: the program.
        seconds: how long each instruction takes (default: not known).

    Returns:
        The graph, and the amounts of "bytes", "flops" and, where it is known, "time" by name. A fused loop reads what
        comes from outside, and its time is that of its last call.
    """
    builder = _ProgramGraphBuilder(program)
    amounts: dict[str, dict[int, float]] = {"bytes": {}, "flops": {}, "time": {}}
    for k, instruction in enumerate(program.instructions):
        builder.add(instruction)
        parts = instruction.parts or (instruction,) * (instruction.loads is None)
        drawn = [node.id for node in builder.nodes if node.kind == "op"][-len(parts) :] if parts else []
        known: set[int] = set().union(*[part.makes for part in parts]) - {*instruction.makes}
        for node, part in zip(drawn, parts, strict=True):
            moved = {*part.reads, *part.makes} - known
            amounts["bytes"][node] = float(sum(program.values[number].nbytes for number in moved))
            known |= moved
            if part.flops:
                amounts["flops"][node] = float(part.flops)
        if drawn and seconds:
            amounts["time"][drawn[-1]] = seconds[k]
    builder.add_results()
    found = Graph(tuple(builder.nodes), tuple(builder.edges), tuple(builder.calls), tuple(builder.outputs))
    return found, {name: NodeAmounts(PROGRAM_QUANTITIES[name], each) for name, each in amounts.items() if each}


class _ProgramGraphBuilder:
    """Makes the Graph of a program.

    Attributes:
        program: the program.
        nodes, edges, calls: of the graph, as far as they are made.
        outputs: the numbers of the nodes that are seen after the call, each once, as the keys.
        made: the node of each value.
        state: the node that holds the present values of a Tensor of the state: where it was loaded or written last.
        phases: the frames "forward", "backward" and "updates", as far as there are any.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes: list[GraphNode] = []
        self.edges: list[tuple[int, int, int]] = []
        self.calls: list[ModuleCall] = []
        self.outputs: dict[int, None] = {}
        self.made: dict[int, int] = {}
        self.state: dict[Tensor, int] = {}
        self.phases: dict[str, int] = {}

    def add(self, instruction: Instruction) -> None:
        """Draw an instruction, or the parts of one that is fused, and what it reads."""
        if instruction.loads is not None:
            self._load(instruction, instruction.loads)
        elif not instruction.parts:
            self._call(instruction, self._phase(instruction), {*instruction.makes})
        else:
            loop = self._frame(instruction.name, "fused loop", self._phase(instruction))
            for part in instruction.parts:
                self._call(part, loop, {*instruction.makes})
            if instruction.into is not None:
                self._note(self.made[instruction.makes[0]], f"in v{instruction.into}")

    def add_results(self) -> None:
        """Label what is seen after the call, and draw what is returned as it came."""
        for path, result in _results(self.program.outputs):
            if isinstance(result, Given):
                self._output(self._leaf(result.leaf), f"returned{path}")
            elif isinstance(result, Constant):
                self._output(self._holder(result.value), f"returned{path}")
            else:
                self._output(self._value(result.value.number), f"returned{path}")
        for variable, number in self.program.gradients:
            if number is not None:
                self._output(self._value(number), f"gradient of {self._variable(variable)}")

    # ---- nodes -----------------------------------------------------------------------------------------------

    def _load(self, instruction: Instruction, tensor: Tensor) -> None:
        (number,) = instruction.makes
        if instruction.kind == "load":
            node = self._node(_kind(tensor), self._name(tensor), [number])
            written = self.state.get(tensor)
            self.state[tensor] = node
            self._connect([] if written is None else [written], node)
        else:
            node = self._node("variable", f"gradient of {self._name(tensor)}", [number])
        self.made[number] = node

    def _call(self, instruction: Instruction, frame: int, seen: set[int]) -> None:
        """Draw one call; `seen` are the values that it leaves in memory."""
        sources = [self._value(number) for number in instruction.reads]
        sources += [self._holder(tensor) for tensor in _tensors(instruction)]
        makes = instruction.makes
        node = self._node("op", instruction.name, makes, seen, frame, instruction)
        self._connect(sources, node)
        self.made.update(dict.fromkeys(makes, node))
        if instruction.into is not None:
            self._note(node, f"in v{instruction.into}")
        for tensor in instruction.writes:
            self.state[tensor] = node
            self._output(node, f"updates {self._name(tensor)}")

    def _value(self, number: int) -> int:
        """The node of a value; an argument or a constant is drawn when it is first asked for."""
        if number not in self.made:
            if number in self.program.arguments:
                leaf = self.program.arguments.index(number)
                self.made[number] = self._node("variable", self._variable(leaf), [number])
            else:
                array = self.program.constants[number]
                name = "constant" if array.ndim else f"{array.item():.4g}"
                self.made[number] = self._node("constant", name, [number])
        return self.made[number]

    def _leaf(self, leaf: int) -> int:
        """The node of an argument that is returned; its shape is not known where no instruction reads it."""
        number = self.program.arguments[leaf]
        return self._value(number) if number is not None else self._node("variable", self._variable(leaf), [])

    def _holder(self, tensor: Tensor) -> int:
        """The node that holds the values of a Tensor of the state."""
        if tensor not in self.state:
            self.state[tensor] = self._append(
                GraphNode(
                    len(self.nodes), _kind(tensor), self._name(tensor), tensor.shape, str(tensor.dtype),
                    label=amount_text(tensor._data.nbytes, "B"),
                )
            )  # fmt: skip
        return self.state[tensor]

    def _node(
        self, kind: Kind, name: str, makes: list[int], seen: set[int] | None = None, frame: int | None = None,
        instruction: Instruction | None = None,
    ) -> int:  # fmt: skip
        values = [self.program.values[number] for number in makes]
        written = instruction.writes if instruction is not None else ()
        shapes: list[Any] = [value.shape for value in values] or [tensor.shape for tensor in written]
        shape: Shape = shapes[0] if len(shapes) == 1 else tuple(shapes)
        dtypes = [str(value.dtype) for value in values] or [str(tensor.dtype) for tensor in written]
        nbytes = sum(self.program.values[number].nbytes for number in makes if seen is None or number in seen)
        label = ", ".join(f"v{number}" for number in makes) + (f": {amount_text(nbytes, 'B')}" if nbytes else "")
        settings, site = ({}, None) if instruction is None else (_settings(instruction), instruction.site)
        node = GraphNode(
            len(self.nodes), kind, name, shape, ", ".join(dtypes), settings, frame,
            site if site and site[0] else None, label=label,
        )  # fmt: skip
        return self._append(node)

    def _append(self, node: GraphNode) -> int:
        self.nodes.append(node)
        return node.id

    def _connect(self, sources: list[int], node: int) -> None:
        self.edges += [(source, node, position) for position, source in enumerate(sources)]

    # ---- words -----------------------------------------------------------------------------------------------

    def _output(self, node: int, note: str) -> None:
        self.outputs[node] = None
        self._note(node, note)

    def _note(self, node: int, note: str) -> None:
        before = self.nodes[node].label
        self.nodes[node] = replace(self.nodes[node], label=f"{before}, {note}" if before else note)

    def _name(self, tensor: Tensor) -> str:
        return self.program.names.get(tensor, "a Tensor")

    def _variable(self, variable: Tensor | int) -> str:
        return f"argument {variable}" if isinstance(variable, int) else self._name(variable)

    # ---- frames ----------------------------------------------------------------------------------------------

    def _phase(self, instruction: Instruction) -> int:
        """The frame of the pass that an instruction belongs to; updates may run in between."""
        name = "updates" if instruction.writes else "backward" if instruction.backward else "forward"
        if name not in self.phases:
            self.phases[name] = self._frame(name, "", None)
        return self.phases[name]

    def _frame(self, name: str, kind: str, outer: int | None) -> int:
        path = name if outer is None else f"{self.calls[outer].path}.{name}"
        self.calls.append(ModuleCall(len(self.calls), name, kind, path, outer))
        return len(self.calls) - 1


def _kind(tensor: Tensor) -> Kind:
    """Buffers of a model and the like are constants for derivatives."""
    return "parameter" if tensor.requires_grad else "constant"


def _tensors(instruction: Instruction) -> Iterator[Tensor]:
    """The Tensors of the state that a Python call is given."""
    for x in (*instruction.arguments, *instruction.settings.values()):
        if isinstance(x, Constant) and isinstance(x.value, Tensor):
            yield x.value


def _settings(instruction: Instruction) -> Mapping[str, Any]:
    """The Python values among the arguments of a call: by keyword, by the op's input, or by position."""
    inputs = instruction.op.inputs if instruction.op is not None and instruction.kind == "op" else ()
    names = [*inputs, *[f"#{k}" for k in range(len(inputs), len(instruction.arguments))]]
    given = {**dict(zip(names, instruction.arguments, strict=False)), **instruction.settings}
    plain = {name: _plain(x) for name, x in given.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(x: Nested) -> Any:
    """A Python value that stands for itself, or a tuple of such ones; None for all others."""
    if isinstance(x, tuple) and type(x) is tuple:
        parts = tuple(map(_plain, x))
        return parts if parts and None not in parts else None
    value = x.value if isinstance(x, Constant) else None
    if isinstance(value, np.floating):
        return float(str(value))  # the shortest text: 0.8 in float32 stays 0.8
    if isinstance(value, np.dtype):
        return str(value)
    return value if isinstance(value, (bool, int, float, complex, str, tuple, slice, np.generic)) else None


def _results(nested: Nested, path: str = "") -> Iterator[tuple[str, Any]]:
    """The results that are Tensors or numbers, each with its place in the containers."""
    if isinstance(nested, (Output, Number, Given)):
        yield path, nested
    elif isinstance(nested, Constant):
        if isinstance(nested.value, Tensor):
            yield path, nested
    elif isinstance(nested, (dict, list, tuple)):
        items = nested.items() if isinstance(nested, dict) else enumerate(nested)
        for key, part in items:
            yield from _results(part, f"{path}[{key!r}]")
