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

import dis
import re
import sys
from collections.abc import Callable, Iterable
from importlib.abc import MetaPathFinder
from inspect import getattr_static
from types import FrameType
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
DATA = {name: f"x.data has no {name}: {IN_PLACE}" for name in TENSOR if name.endswith("_")} | {
    name: f"x.data has no {name}: it is a NumPy array already" for name in ("cpu", "numpy", "detach")
}
MODULE = _hints("a Module", module_table.MODULE, module_table.MODULE_ABSENT)
NAMESPACES = {
    "minigrad": _hints(
        "minigrad",
        tensor_table.ROWS + module_table.TORCH + IN_FUNCTIONAL,  # most methods are functions of torch, too
        f"{tensor_table.ABSENT} {module_table.TORCH_ABSENT}",
        tensor_table.IN_PLACE,
    ),
    "minigrad.nn": _hints("minigrad.nn", module_table.NN, module_table.NN_ABSENT),
    "minigrad.nn.utils": _hints("minigrad.nn.utils", module_table.UTILS, module_table.UTILS_ABSENT),
    "minigrad.functional": _hints(
        "minigrad.functional", module_table.FUNCTIONAL, module_table.FUNCTIONAL_ABSENT, tensor_table.IN_PLACE
    ),
    "minigrad.optim": _hints("minigrad.optim", module_table.OPTIM, module_table.OPTIM_ABSENT),
    "minigrad.optim.schedule": _hints("minigrad.optim.schedule", module_table.SCHEDULE, module_table.SCHEDULE_ABSENT),
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


class DataHints(HintedNames):
    """PyTorch's methods of `x.data`, which is a read-only NumPy array here."""

    __slots__ = ()


def _set_hints(kind: type, hints: dict[str, str]) -> None:
    for name, hint in hints.items():
        setattr(kind, name, HintedName(name, hint))


_set_hints(TensorHints, TENSOR)
_set_hints(ModuleHints, MODULE)
_set_hints(DataHints, DATA)


def module_getattr(module: str) -> Callable[[str], object]:
    """A `__getattr__` for a module of minigrad: it raises the error for a name that the module has not.

    `from minigrad.nn import X` swallows an AttributeError, and with it the hint: there an ImportError is raised.
    """

    def missing(name: str) -> object:
        if found := NAMESPACES_WITHIN.get(f"{module}.{name}"):
            return found
        if hint := NAMESPACES[module].get(name):
            if _is_from_import(sys._getframe(1)):
                raise ImportError(hint, name=module)
            raise AttributeError(hint, name=name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])

    return missing


class Size(int):
    """The number of elements of a Tensor. PyTorch's `x.size()` is a method that gives the shape: here it is told."""

    def __call__(self, *args: object) -> NoReturn:
        """Tell what is here in place of PyTorch's call."""
        raise TypeError("PyTorch's x.size() is x.shape here, and x.size(dim) is x.shape[dim]: x.size counts elements")


MAXIMUM_AND_PLACE = (
    "PyTorch's values, places = x.max(dim) is x.max(axis), x.argmax(axis) here, and its x.sort(dim) is x.sort(axis), "
    "x.argsort(axis)"
)


def unpacking_count(frame: FrameType) -> int | None:
    """How many names a statement `a, b = x` has, at which the frame is; None at any other one."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return code[at + 1] if at >= 0 and dis.opname[code[at]] == "UNPACK_SEQUENCE" else None


def _is_from_import(frame: FrameType) -> bool:
    """Whether the frame is at `from module import name`."""
    while frame.f_back is not None and frame.f_code.co_name == "__getattr__":
        frame = frame.f_back
    return frame.f_lasti >= 0 and dis.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"


class HintedNamespace:
    """A namespace of PyTorch's that does not exist here: each of its names is told."""

    def __init__(self, name: str, hints: dict[str, str]) -> None:
        self._name, self._hints = name, hints

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(self._hints.get(name, f"{self._name} has no {name}"), name=name)

    def __repr__(self) -> str:
        return f"<{self._name}: PyTorch's names, and what they are called here>"


NAMESPACES_WITHIN = {
    "minigrad.nn.init": HintedNamespace(
        "minigrad.nn.init", _hints("minigrad.nn.init", module_table.INIT, module_table.INIT_ABSENT)
    ),
}


class HintedModules(MetaPathFinder):
    """The last of Python's finders: it finds nothing, and says what serves in place of PyTorch's modules."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Raise for a module that PyTorch has and minigrad has not.

        Raises:
            ModuleNotFoundError: it is one of them.
        """
        if fullname in module_table.IMPORTS:
            raise ModuleNotFoundError(
                f"there is no module {fullname}: write {module_table.IMPORTS[fullname]}", name=fullname
            )


sys.meta_path.append(HintedModules())
