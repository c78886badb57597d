"""Nodes grouped into calls of modules: what follows each other and belongs to one module runs as one call of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeAlias

from minigrad.io.onnx.importer.data import NodeData, names_used
from minigrad.io.onnx.importer.names import Path, common
from minigrad.typing import Array


@dataclass(frozen=True)
class NodeStep:
    """Run a node, and forget the values that nobody uses any more."""

    node: NodeData
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModuleStep:
    """Call a submodule: its name, the number of its plan, the values that go in, and those that come out."""

    child: str
    number: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    drop: tuple[str, ...] = ()


Step: TypeAlias = NodeStep | ModuleStep


@dataclass(frozen=True)
class Plan:
    """One call of a module.

    Attributes:
        inputs, outputs: the names of the values that it is given and gives.
        steps: what it does.
        constants: arrays by name.
        variables: where the parameters and buffers are that it uses, by their names in the file.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    constants: Mapping[str, Array]
    variables: Mapping[str, Path]


@dataclass
class Planner:
    """Makes the plans of all modules.

    Attributes:
        variables: the paths of parameters and buffers, by name.
        constants: the arrays that are neither, by name.
        outputs: the names of the model's outputs.
        plans: those of each module, by its path; filled by `plan`.
    """

    variables: Mapping[str, Path]
    constants: Mapping[str, Array]
    outputs: Sequence[str]
    plans: dict[Path, list[Plan]] = field(default_factory=dict)

    def plan(self, nodes: Sequence[NodeData], inputs: Sequence[str]) -> None:
        """Make the plans of a model's nodes."""
        self._uses = Counter(self.outputs)
        for node in nodes:
            self._uses.update(names_used(node))
        self._plan((), nodes, tuple(inputs), tuple(self.outputs))

    def _plan(self, path: Path, nodes: Sequence[NodeData], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> int:
        """Make a plan for one call of the module at a path, and give its number."""
        steps: list[Step] = []
        used: set[str] = set(outputs)
        plans = self.plans.setdefault(path, [])
        for child, members in groupby(nodes, key=lambda node: node.path[: len(path) + 1]):
            group = list(members)
            if child == path:
                steps += [NodeStep(node) for node in group]
                used |= {name for node in group for name in names_used(node)}
                continue
            given, wanted = self._boundary(child, group)
            number = self._plan(child, group, given, wanted)
            steps.append(ModuleStep(child[-1], number, given, wanted))
            used.update(given)
        constants = {name: self.constants[name] for name in used if name in self.constants}
        variables = {name: self.variables[name][len(path) :] for name in used if self._owns(path, name)}
        plans.append(Plan(inputs, outputs, _with_drops(steps, outputs), constants, variables))
        return len(plans) - 1

    def _boundary(self, path: Path, nodes: Sequence[NodeData]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The values that go into a group of nodes, and those that come out."""
        uses: Counter[str] = Counter()
        for node in nodes:
            uses.update(names_used(node))
        made = [name for node in nodes for name in node.outputs if name]
        inside = {*made, *(name for name in uses if name in self.constants or self._owns(path, name))}
        order = {name: None for node in nodes for name in [*node.inputs, *sorted(names_used(node))]}
        given = tuple(name for name in order if name and name not in inside)
        return given, tuple(name for name in made if self._uses[name] > uses[name])

    def _owns(self, path: Path, name: str) -> bool:
        return name in self.variables and self.variables[name][: len(path)] == path


def _with_drops(steps: Sequence[Step], outputs: Iterable[str]) -> tuple[Step, ...]:
    """The steps, each with the values that it is the last one to need."""
    later, found = set(outputs), []
    for step in reversed(steps):
        node = step.node if isinstance(step, NodeStep) else None
        used = names_used(node) if node is not None else set(step.inputs)  # type: ignore[union-attr]
        made = set((node or step).outputs) - {""}  # type: ignore[union-attr]
        found.append(replace(step, drop=tuple(sorted((used | made) - later))))
        later |= used
    return tuple(found[::-1])


def placed(nodes: Sequence[NodeData], variables: Mapping[str, Path]) -> list[NodeData]:
    """The nodes, each in the module that its name tells, or else its weights, or else its neighbors.

    Args:
        nodes: in order, with paths that their names tell; () for none.
        variables: the paths of parameters and buffers.
    """
    known: list[Path | None] = []
    for node in nodes:
        owners = [variables[name][:-1] for name in node.inputs if name in variables]
        known.append(node.path or (common(owners) if owners else None))
    before: list[Path] = []
    for path in known:
        before.append(path if path is not None else before[-1] if before else ())
    found: list[NodeData] = []
    after: Path = ()
    for node, path, earlier in zip(reversed(nodes), reversed(known), reversed(before), strict=True):
        after = path if path is not None else after
        found.append(replace(node, path=path if path is not None else common([earlier, after])))
    return found[::-1]
