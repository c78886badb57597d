"""Errors for keywords and arguments that a function or class does not take: what it takes, and what PyTorch's are here.

Nothing is looked at unless a call has failed: public functions stand in their namespaces within a `try`
(`explain_calls`), and classes whose constructors are PyTorch's look at their keywords when an object is made
(`ExplainedKeywords`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import FunctionType
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

RENAMED: Mapping[str, Sequence[str]] = {
    "input": ("x", "p", "weights"), "other": ("y",), "dim": ("axis", "axes"), "dims": ("axes", "axis"),
    "keepdim": ("keepdims",), "unbiased": ("correction",), "p": ("ord",), "size": ("shape",), "end": ("stop",),
    "steps": ("num",), "n": ("n_rows",), "m": ("n_cols",), "tensors": ("xs",), "operands": ("xs",),
    "equation": ("subscripts",), "diagonal": ("k",), "shifts": ("shift",), "generator": ("rng", "seed"),
    "gradient": ("g",), "func": ("f",),
    "dataset": ("data",), "learning_rate": ("lr",), "a": ("x",), "b": ("y",), "A": ("x",), "B": ("y",),
    "input1": ("x1",), "input2": ("x2",), "tensor": ("x",), "num_workers": ("workers",),
    "in_dims": ("in_axes",), "out_dims": ("out_axes",), "ext_tensor": ("x",), "model": ("function", "f"),
}  # fmt: skip
"""PyTorch's and others' names of parameters, and what they may be called here."""

ITS_WORKERS = "workers=2 makes batches in two processes, prefetch=2 in one thread; they end with the epoch, unless kept"
ONE_COMPILER = "there is one way to compile here, for each new shape: leave backend=, mode= and the like out"
NO_DEVICES = "there is only the CPU here"
ONE_WAY = "there is one implementation here"
REMARKS: Mapping[str, str] = {
    "inplace": "nothing is computed in place here: leave inplace= out",
    "out": "results are new Tensors: leave out= out",
    "device": NO_DEVICES, "pin_memory": NO_DEVICES, "pin_memory_device": NO_DEVICES, "non_blocking": NO_DEVICES,
    "foreach": ONE_WAY, "fused": ONE_WAY, "capturable": ONE_WAY, "differentiable": ONE_WAY,
    "prefetch_factor": ITS_WORKERS,
    "worker_init_fn": ITS_WORKERS, "multiprocessing_context": "say it by start_method=",
    "sampler": "shuffle=True or weights= choose the samples", "batch_sampler": "shuffle=True or weights= choose them",
    "collate_fn": "a dataset gives the arrays of a sample, which are stacked; batch_transform= changes whole batches",
    "size_average": "say it by reduction=", "reduce": "say it by reduction=",
    "sparse": "gradients are dense: leave sparse= out",
    "dtype": "write model.astype(dtype) for a layer, x.astype(dtype) for a Tensor",
    "requires_grad": "write x.requires_grad = True afterward",
    "layout": "arrays are dense: leave layout= out",
    "memory_format": "layouts are NumPy's: leave memory_format= out",
    "use_reentrant": "there is one way here: leave use_reentrant= out",
    "preserve_rng_state": "the state of random numbers is always kept",
    "backend": ONE_COMPILER, "mode": ONE_COMPILER, "options": ONE_COMPILER, "dynamic": ONE_COMPILER,
    "fullgraph": ONE_COMPILER, "disable": ONE_COMPILER, "recompile_limit": ONE_COMPILER,
    "isolate_recompiles": ONE_COMPILER, "shapes_spec": ONE_COMPILER,
    "process_group": "all ranks belong to it: leave process_group= out",
    "chunk_size": "the batch is computed at once: leave chunk_size= out, and split the batch if memory is short",
    "verbose": "leave verbose= out", "last_epoch": "a schedule is a function of the step: leave last_epoch= out",
    "assign": "values are copied: leave assign= out",
}  # fmt: skip
"""What to do without those that have no counterpart."""


def keyword_hint(names: Sequence[str], known: Sequence[str]) -> str:
    """What to write for keywords that are unknown.

    Args:
        names: the unknown ones.
        known: those that exist.

    Returns:
        Text to stand at the end of an error's message, perhaps empty.

    >>> keyword_hint(["dim", "inplace"], ["x", "axis"])
    "; PyTorch's dim= is axis= here; nothing is computed in place here: leave inplace= out"
    """
    hints = []
    for name in names:
        ours = [new for new in RENAMED.get(name, ()) if new in known]
        if ours:
            hints.append(f"PyTorch's {name}= is {ours[0]}= here")
        elif name in REMARKS:
            hints.append(REMARKS[name])
    return "".join(f"; {hint}" for hint in dict.fromkeys(hints))


def misuse(function: Callable[..., Any], args: Sequence[Any], given: Mapping[str, Any]) -> str:
    """What is wrong with the form of a call of a Python function or method, "" if nothing can be said.

    Args:
        function: what is called; the `self` of a method is not told.
        args: by position, `self` included.
        given: by keyword.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return ""
    positional = code.co_varnames[: code.co_argcount]
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if known[:1] == ("self",):
        positional, known, args = positional[1:], known[1:], args[1:]
    unknown = [name for name in given if name not in known] if not code.co_flags & inspect.CO_VARKEYWORDS else []
    twice = [name for name in positional[: len(args)] if name in given]
    too_many = len(args) > len(positional) and not code.co_flags & inspect.CO_VARARGS
    if not (unknown or twice or too_many):
        return ""
    got = [f"{name}=" for name in unknown] + [f"{name} twice" for name in twice]
    if too_many:
        got.append(f"{len(args)} by position")
    hint = keyword_hint(unknown, known)
    if known[:1] == ("shape",) and (twice or too_many) and all(isinstance(arg, int) for arg in args):
        hint += f"; a shape is one argument: write {function.__name__}({tuple(args)})"
    takes = [name if name in positional else f"{name}=" for name in known]
    return f"takes {', '.join(takes) or 'nothing'}; got {', '.join(got)}{hint}"


def explain_calls(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose error for an argument that it does not take says what it takes and what PyTorch's is here.

    Args:
        function: of the public interface.
    """

    @wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> R:
        try:
            return function(*args, **given)
        except TypeError:
            if text := misuse(function, args, given):
                raise TypeError(f"{function.__name__} {text}") from None
            raise

    return call


def explained(namespace: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The Python functions of a public namespace, as it shall show them; ops explain their calls themselves.

    Args:
        namespace: what its names stand for.
        names: those that are public.
    """
    found = {name: namespace[name] for name in names if isinstance(namespace.get(name), FunctionType)}
    functions = {name: explain_calls(function) for name, function in found.items()}
    for name, function in functions.items():
        function.__module__, function.__qualname__ = namespace["__name__"], name  # where pickle finds it
    return functions


class ExplainedKeywords:
    """A class whose constructor says what it takes when it is given a keyword that it does not take."""

    __slots__ = ()

    def __new__(cls, *args: object, **given: object) -> Self:
        """Look at the keywords before `__init__` gets them."""
        if given and (text := misuse(cls.__init__, (None, *args), given)):
            raise TypeError(f"{cls.__name__} {text}")
        return super().__new__(cls)
