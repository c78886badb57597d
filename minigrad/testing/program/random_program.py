"""`RandomProgram`: a differentiable function of arrays as a list of steps, to be run, taken apart and pasted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis.vendor.pretty import RepresentationPrinter

import minigrad.ops as mg
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.testing.calls.call_repr import format_value
from minigrad.testing.program.block import FunctionStep, Loop
from minigrad.testing.program.step import OpStep, Run, Step, indented, op_name, used_steps
from minigrad.typing import Array, ArrayLike


@dataclass(frozen=True, repr=False)
class RandomProgram:
    """A random differentiable function, of inputs and parameters to a tuple of Tensors. `print` gives its code.

    Args:
        inputs: the values of what the function takes, by name.
        parameters: the values of what it reads from outside, by name.
        steps: what it does, in order.
        outputs: the names of what it returns.

    >>> from minigrad import REGISTRY
    >>> from minigrad.testing.program.step import Operand
    >>> square = OpStep(REGISTRY["multiply"], (Operand("x0"), Operand("x0")), {}, ("y0",))
    >>> program = RandomProgram({"x0": np.array([0.5, 1.0])}, {}, (square,), ("y0",))
    >>> program(*program.inputs.values())
    (Tensor([0.25, 1.  ], shape=(2,), dtype=float64),)
    >>> print(program)
    import numpy as np
    import minigrad as mg
    <BLANKLINE>
    x0 = mg.Tensor(np.array([0.5, 1.0]), requires_grad=True)
    <BLANKLINE>
    def program(x0):
        y0 = mg.multiply(x0, x0)
        return (y0,)
    <BLANKLINE>
    sum(mg.sum(out) for out in program(x0)).backward()
    print(x0.grad)
    """

    inputs: Mapping[str, Array]
    parameters: Mapping[str, Array]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    @property
    def arrays(self) -> list[Array]:
        """The values of all inputs, then those of all parameters."""
        return [*self.inputs.values(), *self.parameters.values()]

    @property
    def ops(self) -> list[Op]:
        """The ops that steps call, one for each call in the text."""
        return [step.op for step in _flat(self.steps) if isinstance(step, OpStep)]

    @property
    def op_count(self) -> int:
        """The number of ops: calls in the text, what moves arguments into domains, and transformations."""
        return sum(step.op_count for step in self.steps)

    def __call__(
        self, *inputs: ArrayLike, parameters: Sequence[ArrayLike] | None = None, run: Run | None = None
    ) -> tuple[Tensor, ...]:
        """Run the program.

        Args:
            inputs: one for each name in `inputs`.
            parameters: one for each name in `parameters`; the program's own, as constants, unless given.
            run: sees each step, and may change results; nothing unless given.

        Raises:
            UsageError: there are more or fewer values than names.
        """
        given = list(self.parameters.values()) if parameters is None else list(parameters)
        names = [*self.inputs, *self.parameters]
        if len(inputs) != len(self.inputs) or len(given) != len(self.parameters):
            raise UsageError(
                f"the program takes {len(self.inputs)} inputs and {len(self.parameters)} parameters; "
                f"got {len(inputs)} and {len(given)}"
            )
        run = Run() if run is None else run
        env = {name: _tensor(value) for name, value in zip(names, [*inputs, *given], strict=True)}
        env = {name: run.after(name, value) for name, value in env.items()}
        for step in self.steps:
            step.run(env, run)
        return tuple([env[name] for name in self.outputs])

    def function(self, parameters: Sequence[ArrayLike]) -> Callable[..., tuple[Tensor, ...]]:
        """The function of the inputs, for given parameters.

        Args:
            parameters: one for each name in `parameters`.
        """
        return lambda *inputs: self(*inputs, parameters=parameters)

    def in_dtype(self, dtype: type[np.floating]) -> RandomProgram:
        """The same program on arrays of another dtype.

        Args:
            dtype: of inputs and parameters.
        """
        inputs = {name: value.astype(dtype) for name, value in self.inputs.items()}
        return replace(self, inputs=inputs, parameters={k: v.astype(dtype) for k, v in self.parameters.items()})

    def reordered(self, rng: np.random.Generator) -> RandomProgram:
        """The same program with its steps in another order that is possible, too.

        Args:
            rng: chooses it.
        """
        waiting, known, order = list(self.steps), {*self.inputs, *self.parameters}, []
        while waiting:
            ready = [step for step in waiting if step.reads <= known]
            step = ready[rng.integers(len(ready))]
            waiting = [other for other in waiting if other is not step]
            order.append(step)
            known |= set(step.targets)
        return replace(self, steps=tuple(order))

    def pruned(self) -> RandomProgram:
        """The same program without what its outputs do not depend on. Without inputs, parameters become its inputs."""
        steps = used_steps(self.steps, set(self.outputs))
        reads = {name for step in steps for name in step.reads} | set(self.outputs)
        inputs = {name: value for name, value in self.inputs.items() if name in reads}
        parameters = {name: value for name, value in self.parameters.items() if name in reads}
        inputs, parameters = (inputs, parameters) if inputs else (parameters, {})
        return RandomProgram(inputs, parameters, tuple(steps), self.outputs)

    def __repr__(self) -> str:
        return "\n".join(self._code())

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """What Hypothesis prints of a failing example."""
        printer.text(f"...) where\n{self}\n")

    def _code(self) -> Iterator[str]:
        values = {name: format_value(value) for name, value in {**self.inputs, **self.parameters}.items()}
        yield from ["import numpy as np", "import minigrad as mg"]
        seeded = [text for text in values.values() if text.startswith("strategies.")]
        if seeded:
            yield "from minigrad.testing import strategies"
        domains = sorted({found[1] for text in seeded if (found := re.search(r"domain=([A-Z]\w*)", text))})
        yield from [f"from minigrad.domain import {name}" for name in domains]
        own = {op_name(op): op for op in self.ops if not op_name(op).startswith("mg.")}
        yield from [f"from {op.module} import {name}" for name, op in own.items()]
        yield ""
        for name, text in values.items():
            yield f"{name} = mg.Tensor({text}, requires_grad=True)"
        inputs = ", ".join(self.inputs)
        yield from ["", f"def program({inputs}):", *indented(self.steps)]
        yield f"    return ({', '.join(self.outputs)},)"
        yield from ["", f"sum(mg.sum(out) for out in program({inputs})).backward()"]
        yield f"print({', '.join(f'{name}.grad' for name in (*self.inputs, *self.parameters))})"


def _tensor(value: ArrayLike) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value)


def _flat(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps, and those inside of them."""
    for step in steps:
        yield step
        if isinstance(step, (Loop, FunctionStep)):
            yield from _flat(step.block.steps)


def weighted_sum(outs: Sequence[Tensor], weights: Sequence[Array]) -> Tensor:
    """One number of several results: the sum of all their elements, each times its weight."""
    total = mg.sum(outs[0] * weights[0])
    for out, weight in zip(outs[1:], weights[1:], strict=True):
        total = total + mg.sum(out * weight)
    return total
