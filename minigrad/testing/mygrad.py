"""Gradients of MyGrad code: functions of its tensors, and operations of one's own (`mygrad.execute_op`).

    from minigrad.testing.mygrad import check_grads, gradtest

    assert check_grads(share, x)

Arguments are those of `minigrad.testing.check_grads` and `minigrad.testing.gradtest`. MyGrad differentiates once: the
laws of second derivatives are left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing import check, decorator
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import Pull, as_tuple
from minigrad.testing.frameworks.signature import require_framework
from minigrad.typing import Array, Function

with require_framework("mygrad"):
    import mygrad
    from mygrad.operation_base import Operation


class MyGrad(Framework):
    """MyGrad, first order."""

    name: ClassVar[str] = "mygrad"
    value_type = mygrad.Tensor
    refusals: ClassVar[tuple[type[Exception], ...]] = (TypeError, IndexError)

    def constant(self, x: Array) -> mygrad.Tensor:
        """A constant tensor of a copy: MyGrad locks the memory of what it computes with."""
        return mygrad.tensor(np.array(x), constant=True)

    def array(self, value: Any) -> Array:
        """The array of a tensor."""
        if isinstance(value, np.ndarray):  # a gradient
            return value
        if not isinstance(value, mygrad.Tensor):
            raise UsageError(f"the function must return MyGrad's tensors, it returned {type(value).__name__}")
        return np.asarray(value.data)

    def value(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> tuple[Array, ...]:
        """The results, computed without recording."""
        with mygrad.no_autodiff:
            return super().value(f, args, positions)

    def rules(self, x: Any) -> Sequence[Function]:
        """The `backward_var` of an operation."""
        operation: Any = x if inspect.isclass(x) and issubclass(x, Operation) else None
        return [] if operation is None else [operation.backward_var]

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f; each pass backward runs it again, since it frees the graph."""

        def run() -> tuple[tuple[Any, ...], list[Any]]:
            given = [mygrad.tensor(x.data, constant=False) if i in positions else x for i, x in enumerate(args)]
            return as_tuple(f(*given)), [given[i] for i in positions]

        def pull(cotangents: Sequence[Any]) -> Sequence[Any]:
            outs, variables = run()
            floating = [out for out in outs if out.dtype.kind == "f"]
            if len(floating) == 1:
                floating[0].backward(cotangents[0].data)
            else:
                terms = [mygrad.sum(out * g) for out, g in zip(floating, cotangents, strict=True)]
                mygrad.add_sequence(*terms).backward()
            return [x.grad for x in variables]

        return run()[0], pull


FRAMEWORK: Final = MyGrad()
"""MyGrad, as the kit knows it."""

check_grads = partial(check.check_grads, framework=FRAMEWORK)
"""`minigrad.testing.check_grads` for functions of MyGrad's tensors."""

gradtest = partial(decorator.gradtest, framework=FRAMEWORK)
"""`minigrad.testing.gradtest` for functions of MyGrad's tensors."""

__all__ = ["FRAMEWORK", "check_grads", "gradtest"]
