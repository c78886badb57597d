"""The signature of an op as its users write a call: what `help()`, editors and the documentation show."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.errors import RuleError
from minigrad.typing import Function, Settings

if TYPE_CHECKING:
    from minigrad.autograd.op import Op


class _Unquoted(str):
    """An annotation that is shown as it is written in the source."""

    __repr__ = str.__str__


class ForwardSignature(NamedTuple):
    """What the signature of a forward function says of its op.

    Attributes:
        inputs: the names of the inputs.
        settings: the names of the settings.
        variadic: whether the one input stands for any number of them.
        defaults: those of the settings.
        shown: the signature of the op.
    """

    inputs: tuple[str, ...]
    settings: tuple[str, ...]
    variadic: bool
    defaults: Settings
    shown: inspect.Signature


def forward_signature(
    name: str, forward: Function, canonical: Function | None, results: Sequence[str]
) -> ForwardSignature:
    """Read the signature of an op's forward function, and of the one that makes its settings canonical.

    Raises:
        RuleError: beside inputs of any number there are others.
    """
    if isinstance(forward, np.ufunc):
        inputs = ("x", "y", "z")[: forward.nin]
        return ForwardSignature(inputs, (), False, {}, ufunc_signature(inputs))
    parameters = inspect.signature(forward).parameters
    settings = [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    inputs = tuple([name for name in parameters if name not in settings])
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    if variadic and len(inputs) > 1:
        raise RuleError(f"op {name}: *{inputs[-1]} must stand for all inputs; make the others settings")
    defaults = {n: parameters[n].default for n in settings if parameters[n].default is not inspect.Parameter.empty}
    shown = call_signature(inspect.signature(canonical or forward), results)
    return ForwardSignature(inputs, tuple(settings), variadic, defaults, shown)


def ufunc_signature(inputs: Sequence[str]) -> inspect.Signature:
    """The signature of an op that is a NumPy ufunc: its inputs, by position."""
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in inputs]
    return inspect.Signature(parameters, return_annotation=_Unquoted("Tensor"))


def call_signature(signature: inspect.Signature, results: Sequence[str]) -> inspect.Signature:
    """The signature of a forward function, or of the one that makes settings canonical, as that of the op.

    Args:
        signature: the function's own.
        results: the names of the op's results, if it has several.
    """
    parameters = [
        p.replace(annotation=_Unquoted(p.annotation)) if type(p.annotation) is str else p
        for p in _settings_behind_inputs(signature)
    ]
    returned = f"tuple[{', '.join(['Tensor'] * len(results))}]" if results else "Tensor"
    return signature.replace(parameters=parameters, return_annotation=_Unquoted(returned))


BY_NAME_ALONE = ("copy", "device", "dtype")
"""Settings that are given by name, as in the Array API, unless they stand first: `reshape(x, 2, 3)` has no `copy=3`."""


def _settings_behind_inputs(signature: inspect.Signature) -> list[inspect.Parameter]:
    """The parameters with keyword-only ones as those that may stand by position, too, as far as Python has such."""
    parameters = list(signature.parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return parameters
    behind = _by_position([p.name for p in parameters if p.kind is p.KEYWORD_ONLY])
    shown = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.name in behind else p for p in parameters]
    required = [p.default is p.empty for p in shown if p.kind is not p.KEYWORD_ONLY]
    return shown if required == sorted(required, reverse=True) else parameters


def _by_position(settings: Sequence[str]) -> list[str]:
    return [name for k, name in enumerate(settings) if k == 0 or name not in BY_NAME_ALONE]


def settings_by_position(op: Op, inputs: tuple[Any, ...], settings: Settings) -> tuple[tuple[Any, ...], Settings]:
    """The inputs of a call, and its settings with those that stood behind the inputs: `max(x, 1)` is `max(x, axis=1)`.

    Raises:
        TypeError: there are more than the op has settings, or one is given twice.
    """
    count = len(op.inputs)
    names = _by_position(list(op.__signature__.parameters)[count:])
    behind = inputs[count:]
    if any(getattr(value, "ndim", 0) for name, value in zip(names, behind, strict=False) if name == "axis"):
        hint = f"; element by element it is {op.name}imum(x, y)" if op.name in ("max", "min") else ""
        raise TypeError(f"{op.name} takes {', '.join(op.inputs)} and then axis, a number; got an array{hint}")
    if len(behind) > len(names) or any(name in settings for name in names[: len(behind)]):
        takes = f"takes {', '.join(op.inputs)}" + (f" and then {', '.join(names)}" if names else "")
        raise TypeError(f"{op.name} {takes}; got {len(inputs)} by position and {', '.join(settings) or 'none'} by name")
    return inputs[:count], {**dict(zip(names, behind, strict=False)), **settings}
