"""`ModuleFunction`: a Module as a function of its inputs and parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import numpy as np

from minigrad.errors import UsageError
from minigrad.nn.module import Module
from minigrad.rng import default_rng
from minigrad.testing.calls.call_repr import format_value


class NamedInputs:
    """A module of any framework as a function of its inputs and, behind them, all its parameters, by name.

    Attributes:
        parameters: its parameters, by their paths.
        inputs: the names of the inputs that its `forward` requires.
    """

    parameters: Mapping[str, object]
    inputs: list[str]

    def argument_names(self, count: int) -> list[str]:
        """The names of arguments, parameters by their paths.

        Args:
            count: how many arguments there are, parameters included.
        """
        return [*self.input_names(count - len(self.parameters)), *self.parameters]

    def input_names(self, count: int) -> list[str]:
        """The names of inputs.

        Args:
            count: how many inputs there are.
        """
        if count == len(self.inputs):
            return self.inputs
        return ["x"] if count == 1 else [f"x{k}" for k in range(count)]


def required_inputs(forward: Callable[..., object]) -> list[str]:
    """The names of the positional parameters without defaults.

    Args:
        forward: a method of a module.
    """
    return [p.name for p in inspect.signature(forward).parameters.values() if _is_input(p)]


class ModuleFunction(NamedInputs):
    """A Module as a function of its inputs and, behind them, all its parameters: `f(x, weight, bias)`.

    Each call starts from the same buffers and draws the same random numbers, so that neither a running mean nor dropout
    makes two calls differ.

    Args:
        make: makes the Module.

    Attributes:
        module: the Module.
        parameters: its parameters, by their paths.
        inputs: the names of the inputs that its `forward` requires.

    Raises:
        UsageError: `make` returns no Module.
    """

    def __init__(self, make: Callable[[], Module]) -> None:
        self.make, self.__name__ = make, f"laws.module({format_value(make)})"
        self.module = make()
        if not isinstance(self.module, Module):
            raise UsageError(
                f"gradtest: {make.__name__} has no positional parameters, so it should make a Module, "
                f"but it returned {type(self.module).__name__}"
            )
        self.parameters = dict(self.module.named_parameters())
        self.inputs = required_inputs(self.module.forward)
        self._generators = {id(rng): rng for module in self.module.modules() for rng in _generators(module)}
        self._states = {key: rng.bit_generator.state for key, rng in self._generators.items()}
        self._buffers = {name: buffer._data.copy() for name, buffer in self.module.named_buffers()}

    def __call__(self, *inputs: object) -> object:
        """The module's result for these inputs and parameters."""
        count = len(inputs) - len(self.parameters)
        owners = dict(self.module.named_modules())
        for path, value in zip(self.parameters, inputs[count:], strict=True):
            owner, _, name = path.rpartition(".")
            owners[owner].__dict__[name] = value
        for name, buffer in self.module.named_buffers():
            buffer._data = self._buffers[name].copy()
        for key, generator in self._generators.items():
            generator.bit_generator.state = self._states[key]
        shared = default_rng().bit_generator
        before, shared.state = shared.state, type(shared)(0).state
        try:
            return self.module(*inputs[:count])
        finally:
            shared.state = before
            for path, parameter in self.parameters.items():
                owner, _, name = path.rpartition(".")
                owners[owner].__dict__[name] = parameter


def _is_input(parameter: inspect.Parameter) -> bool:
    positional = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    return positional and parameter.default is parameter.empty


def _generators(module: Module) -> list[np.random.Generator]:
    return [value for value in vars(module).values() if isinstance(value, np.random.Generator)]
