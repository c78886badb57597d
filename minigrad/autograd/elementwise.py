"""How a row of the derivative table becomes an op: `elementwise`, and the short paths that such ops run on.

    tanh = elementwise("tanh", np.tanh, x=lambda g, out: g * (1 - out * out))

Functions of one or two inputs without settings are many and small, so `UnaryOp` and `BinaryOp` do what `Op` does
without its loops. The others are plain `Op`s.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Final, NoReturn, overload

import numpy as np

from minigrad.autograd.batched_array import LIVE, innermost
from minigrad.autograd.complex_numbers import Complex, refuse_complex
from minigrad.autograd.error_context import add_error_context
from minigrad.autograd.node import STATE
from minigrad.autograd.op import Op, P
from minigrad.autograd.registry import registered
from minigrad.autograd.tensor import Tensor, as_operand, copy_if_writable, wrap
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE
from minigrad.pytorch_names.keywords import keyword_hint
from minigrad.typing import ArrayLike, Function, Settings, Value

_ARRAYS: Final = (np.ndarray, np.generic)
_NUMBERS: Final = (int, float, complex, np.generic)
_NO_SETTINGS: Final[Settings] = {}


def is_symbolic(x: object) -> bool:
    """Whether x stands for an array while a function is traced (`kernels/fusion`)."""
    return getattr(x, "symbolic", False)


class _WithoutSettings:
    """What these ops say of arguments that they do not take."""

    name: str
    inputs: tuple[str, ...]

    def _refuse(self, count: int, unknown: list[str]) -> NoReturn:
        got = [f"{name}=" for name in unknown] or [f"{count} by position"]
        takes = f"{self.name} takes {', '.join(self.inputs)}"
        raise TypeError(f"{takes}; got {', '.join(got)}{keyword_hint(unknown, self.inputs)}")


class UnaryOp(_WithoutSettings, Op[[ArrayLike], Tensor]):
    """An elementwise function of one input, on a short path: these ops are many and small."""

    def __call__(self, x: ArrayLike, *more: object, **unknown: object) -> Tensor:
        """Compute, and record when x requires gradients."""
        if more or unknown:
            self._refuse(1 + len(more), list(unknown))
        if LIVE and (level := innermost((x,))) is not None:
            return level.call(self, (x,), _NO_SETTINGS)  # type: ignore[no-any-return]
        if type(x) is not Tensor:
            if not isinstance(x, _ARRAYS) and not is_symbolic(x):
                return self(wrap(as_operand(x)))
            if self.complex is None and x.dtype.kind == "c":  # type: ignore[union-attr]  # an array
                refuse_complex(self, (x,), named=True)
            return self.forward(x)  # type: ignore[no-any-return]
        data = x._data
        try:
            if self.complex is None and data.dtype.kind == "c":
                refuse_complex(self, (data,))
            out = self.loop(data) if data.size >= MIN_FUSED_SIZE else NotImplemented
            if out is NotImplemented:
                out = self.forward(data)
        except Exception as error:
            add_error_context(self, (x,), {}, error)
        node = x.node
        if node is not None and self._allowed:
            recorder = STATE.recorder
            if recorder is not None:
                plan = self._short_plans[1] or self._short_plan(1, 1)
                return recorder(plan, (node,), (data, out), _NO_SETTINGS, out)
        if STATE.watcher is not None:
            out = np.asarray(out)  # the very array that the Tensor will hold
            STATE.watcher(self, (data,), _NO_SETTINGS, out)
        return wrap(out)


class BinaryOp(_WithoutSettings, Op[[ArrayLike, ArrayLike], Tensor]):
    """An elementwise function of two inputs that broadcast against each other, on a short path.

    Attributes:
        looks_for_complex: whether it has to refuse complex numbers itself, which NumPy would take, and order, say.
    """

    looks_for_complex = False

    def __call__(self, x: ArrayLike, y: ArrayLike, *more: object, **unknown: object) -> Tensor:
        """Compute, and record when an input requires gradients."""
        if more or unknown:
            self._refuse(2 + len(more), list(unknown))
        if LIVE and (level := innermost((x, y))) is not None:
            return level.call(self, (x, y), _NO_SETTINGS)  # type: ignore[no-any-return]
        x_node = y_node = None
        x_data, y_data = x, y
        if type(x) is Tensor:
            x_node, x_data = x.node, x._data
        if type(y) is Tensor:
            y_node, y_data = y.node, y._data
        elif x_data is x:
            return self._without_tensors(x, y)  # type: ignore[no-any-return]
        elif not isinstance(y, _NUMBERS):
            y_data = copy_if_writable(y) if type(y) is np.ndarray else as_operand(y)
        if x_data is x and not isinstance(x, _NUMBERS):
            x_data = copy_if_writable(x) if type(x) is np.ndarray else as_operand(x)
        try:
            if self.looks_for_complex and (
                x_data.dtype.kind == "c" if type(x_data) is np.ndarray else type(x_data) is complex
            ) | (y_data.dtype.kind == "c" if type(y_data) is np.ndarray else type(y_data) is complex):
                refuse_complex(self, (x_data, y_data))
            size = x_data.size if type(x_data) is np.ndarray else y_data.size  # type: ignore[union-attr]
            out = self.loop(x_data, y_data) if size >= MIN_FUSED_SIZE else NotImplemented
            if out is NotImplemented:
                out = self.forward(x_data, y_data)
        except Exception as error:
            add_error_context(self, (x, y), {}, error)
        mask = ((x_node is not None) + 2 * (y_node is not None)) & self._allowed
        if mask:
            recorder = STATE.recorder
            if recorder is not None:
                plan = self._short_plans[mask] or self._short_plan(mask, 2)
                return recorder(plan, (x_node, y_node), (x_data, y_data, out), _NO_SETTINGS, out)
        if STATE.watcher is not None:
            out = np.asarray(out)  # the very array that the Tensor will hold
            STATE.watcher(self, (x_data, y_data), _NO_SETTINGS, out)
        return wrap(out)

    def _without_tensors(self, x: Any, y: Any) -> Any:
        if isinstance(x, _ARRAYS) or isinstance(y, _ARRAYS) or is_symbolic(x) or is_symbolic(y):
            if self.complex is None:
                refuse_complex(self, (x, y), named=True)
            return self.forward(x, y)
        return self(wrap(as_operand(x)), y)


@overload
def elementwise(name: str, forward: np.ufunc, doc: str = "", *, x: Any, y: Any, **rules_and_facts: Any) -> BinaryOp: ...
@overload
def elementwise(name: str, forward: np.ufunc, doc: str = "", *, x: Any, **rules_and_facts: Any) -> UnaryOp: ...
@overload
def elementwise(
    name: str, forward: np.ufunc, doc: str = "", *, non_differentiable: tuple[str], complex: Complex | None = ...
) -> UnaryOp: ...
@overload
def elementwise(
    name: str, forward: np.ufunc, doc: str = "", *, non_differentiable: tuple[str, str], complex: Complex | None = ...
) -> BinaryOp: ...
@overload
def elementwise(
    name: str, forward: Callable[Concatenate[Value, P], Value], doc: str = "", **rules_and_facts: Any
) -> Op[Concatenate[ArrayLike, P], Tensor]: ...
def elementwise(name: str, forward: Function, doc: str = "", **rules_and_facts: Any) -> Op:
    """A row of the derivative table: an op that works element by element, with its rules by input name.

    Args:
        name: the op's name.
        forward: a function of arrays; keyword-only parameters are settings, and rules may ask for them likewise.
        doc: its docstring (default "": the function's first sentence).
        **rules_and_facts: under the name of an input, its vector-Jacobian product; all else is what `Op` takes
            (domain, kinks, complex, non_differentiable, canonical, reference, onnx, source ...).

    >>> cube_ = elementwise("cube_", lambda x: x**3, x=lambda g, x: g * 3 * x * x)
    """
    inputs, settings = _parameters(forward)
    short: dict[int, type[Op]] = {1: UnaryOp, 2: BinaryOp}
    kind = Op if settings else short.get(len(inputs), Op)
    rules = {x: rule for x, rule in rules_and_facts.items() if x in inputs}
    facts = {fact: value for fact, value in rules_and_facts.items() if fact not in inputs}
    if len(inputs) > 1:
        facts.setdefault("hint", "sizes must be equal, or 1 to be repeated: reshape or expand_dims one of them")
    module = sys._getframe(1).f_globals["__name__"]  # a ufunc does not say who made an op of it
    result = kind(forward, name, module=module, elementwise=True, **facts)
    if isinstance(result, BinaryOp):
        result.looks_for_complex = result.complex is None and "DD" in str(getattr(forward, "types", "DD"))
    result.__doc__ = _documentation(doc or _summary(forward), len(inputs))
    for x, rule in rules.items():
        result.vjp(x)(rule)
    return registered(result)


def _parameters(forward: Function) -> tuple[Sequence[str], Sequence[str]]:
    """The names of a forward function's inputs and of its settings."""
    if isinstance(forward, np.ufunc):
        return ("x", "y", "z")[: forward.nin], ()
    kinds = {name: parameter.kind for name, parameter in inspect.signature(forward).parameters.items()}
    settings = [name for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY]
    return [name for name in kinds if name not in settings], settings


def _summary(forward: Function) -> str:
    """The first sentence about a function; NumPy's come after a line with the signature."""
    paragraphs = (forward.__doc__ or "").strip().split("\n\n")
    text = paragraphs[1] if isinstance(forward, np.ufunc) else paragraphs[0]
    return " ".join(text.split())


def _documentation(text: str, count: int) -> str:
    if "Shapes:" in text:
        return text
    return f"{text} Shapes: {'any -> the same' if count == 1 else 'any that broadcast -> the common one'}.".strip()
