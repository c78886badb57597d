"""Errors for PyTorch's names that do not exist here: they say what the thing is called in minigrad.

minigrad has one name for each thing. The error for another one that PyTorch has says what it is here:

    >>> from minigrad import ones
    >>> ones((3, 2)).view(2, 3)
    Traceback (most recent call last):
    AttributeError: a Tensor has no view: PyTorch's x.view(shape) is x.reshape(shape) here

The hints are in `tensor_table.py` and `module_table.py`. A class gets its table as attributes that fail (`HintedName`),
because a class with a `__getattr__` pays for it whenever an attribute that does exist is looked up: 16 ns became 33.
Modules have a `__getattr__` (PEP 562).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from inspect import getattr_static
from typing import NoReturn

from minigrad.pytorch_names import module_table, tensor_table

IN_PLACE = "nothing is computed in place here: x = ... is a new Tensor, and p.data = ... gives a parameter other values"


def rows(table: str) -> dict[str, list[str]]:
    """The lines of a table by PyTorch's name: its code, ours (or -), and perhaps a remark."""
    lines = [re.split(r" {2,}", line.strip()) for line in table.splitlines() if line]
    return {line[0].split(".")[1].split("(")[0]: line for line in lines}


def _hints(owner: str, table: str, absent: str, in_place: str = "") -> dict[str, str]:
    """The hint for each name."""
    hints = {name: f"PyTorch's {name} is not in minigrad" for name in absent.split()}
    hints |= dict.fromkeys(in_place.split(), IN_PLACE)
    for name, (theirs, ours, *remark) in rows(table).items():
        code = [] if ours == "-" else [f"PyTorch's {theirs} is {ours} here"]
        hints[name] = "; ".join(code + remark)
    return {name: f"{owner} has no {name}: {hint}" for name, hint in hints.items()}


FUNCTIONS = "\n".join(
    [f"x.{name}()  minigrad.{name}(x)" for name in tensor_table.ONE_TENSOR.split()]
    + [f"x.{name}(y)  minigrad.{name}(x, y)" for name in tensor_table.TWO_TENSORS.split()]
)
IN_FUNCTIONAL = "\n".join(
    [f"torch.{name}(...)  minigrad.functional.{name}(...)" for name in module_table.IN_FUNCTIONAL.split()]
)

TENSOR = _hints("a Tensor", tensor_table.ROWS + FUNCTIONS, tensor_table.ABSENT, tensor_table.IN_PLACE)
MODULE = _hints("a Module", module_table.MODULE, module_table.MODULE_ABSENT)
NAMESPACES = {
    "minigrad": _hints(
        "minigrad",
        tensor_table.ROWS + module_table.TORCH + IN_FUNCTIONAL,  # most methods are functions of torch, too
        f"{tensor_table.ABSENT} {module_table.TORCH_ABSENT}",
        tensor_table.IN_PLACE,
    ),
    "minigrad.nn": _hints("minigrad.nn", module_table.NN, module_table.NN_ABSENT),
    "minigrad.functional": _hints(
        "minigrad.functional", module_table.FUNCTIONAL, module_table.FUNCTIONAL_ABSENT, tensor_table.IN_PLACE
    ),
    "minigrad.optim": _hints("minigrad.optim", module_table.OPTIM, module_table.OPTIM_ABSENT),
}


class HintedName:
    """An attribute that fails with a hint. Instances and subclasses may have one of its name nevertheless.

    The error has a name but no object, so that Python adds no "Did you mean" to what is known to be meant.
    """

    def __init__(self, name: str, hint: str) -> None:
        self.__name__, self.__doc__ = name, hint

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(self.__doc__, name=self.__name__)


class HintedNames:
    """A class with such attributes. `dir()` of an instance, and so Python's "Did you mean", is without them."""

    __slots__ = ()

    def __dir__(self) -> Iterable[str]:
        return [
            name for name in super().__dir__() if not isinstance(getattr_static(type(self), name, None), HintedName)
        ]


class TensorHints(HintedNames):
    """PyTorch's names for what a Tensor has under another name, or not at all."""

    __slots__ = ()


class ModuleHints(HintedNames):
    """PyTorch's names for what a Module has under another name, or not at all."""

    __slots__ = ()


def _set_hints(kind: type, hints: dict[str, str]) -> None:
    for name, hint in hints.items():
        setattr(kind, name, HintedName(name, hint))


_set_hints(TensorHints, TENSOR)
_set_hints(ModuleHints, MODULE)


def module_getattr(module: str) -> Callable[[str], NoReturn]:
    """A `__getattr__` for a module of minigrad: it raises the error for a name that the module has not."""

    def missing(name: str) -> NoReturn:
        if hint := NAMESPACES[module].get(name):
            raise AttributeError(hint, name=name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])

    return missing
