"""The signature of an op as its users write a call: what `help()`, editors and the documentation show."""

from __future__ import annotations

import inspect
from collections.abc import Sequence


class _Unquoted(str):
    """An annotation that is shown as it is written in the source."""

    __repr__ = str.__str__


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
        for p in signature.parameters.values()
    ]
    returned = f"tuple[{', '.join(['Tensor'] * len(results))}]" if results else "Tensor"
    return signature.replace(parameters=parameters, return_annotation=_Unquoted(returned))
