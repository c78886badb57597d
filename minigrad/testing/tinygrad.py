"""Gradients of tinygrad code: functions of its tensors, and `function(grad_fxn=...)`.

    from minigrad.testing.tinygrad import check_grads, gradtest

    assert check_grads(lambda x: x / x.sum(-1, keepdim=True), x)

Arguments are those of `minigrad.testing.check_grads` and `minigrad.testing.gradtest`. The default device is used, which
must know float64: CPU with clang, or `DEV=PYTHON`. Empty tensors are left out, since tinygrad computes none of them.
"""

from __future__ import annotations

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

with require_framework("tinygrad"):
    import tinygrad


class TinyGrad(Framework):
    """tinygrad, on its default device."""

    name: ClassVar[str] = "tinygrad"
    value_type = tinygrad.Tensor
    refusals: ClassVar[tuple[type[Exception], ...]] = (RuntimeError, TypeError, IndexError, AssertionError)
    higher_order = True

    def constant(self, x: Array) -> tinygrad.Tensor:
        """A realized tensor of a copy; a number as well, which tinygrad would take for a constant without a device."""
        return tinygrad.Tensor(np.array(x, order="C", ndmin=1)).realize().reshape(x.shape)

    def array(self, value: Any) -> Array:
        """The array of a tensor, which is computed now."""
        if not isinstance(value, tinygrad.Tensor):
            raise UsageError(f"the function must return tinygrad's tensors, it returned {type(value).__name__}")
        return np.asarray(value.numpy())

    def rules(self, x: object) -> Sequence[Function]:
        """The `grad_fxn` of a `tinygrad.function.function`."""
        rule = getattr(x, "grad_fxn", None)
        return [] if rule is None else [rule]

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f; `Tensor.gradient` pulls back."""
        outs = as_tuple(f(*args))
        variables = [args[i] for i in positions]
        floating = [out for out in outs if isinstance(out, tinygrad.Tensor) and out.is_floating_point()]

        def pull(cotangents: Sequence[Any]) -> Sequence[Any]:
            if len(floating) == 1:
                return floating[0].gradient(*variables, gradient=cotangents[0])  # type: ignore[no-any-return]
            total = sum((out * g).sum() for out, g in zip(floating, cotangents, strict=True))
            return total.gradient(*variables)  # type: ignore[no-any-return]

        return outs, pull


FRAMEWORK: Final = TinyGrad()
"""tinygrad, as the kit knows it."""

check_grads = partial(check.check_grads, framework=FRAMEWORK)
"""`minigrad.testing.check_grads` for functions of tinygrad's tensors."""

gradtest = partial(decorator.gradtest, framework=FRAMEWORK)
"""`minigrad.testing.gradtest` for functions of tinygrad's tensors."""

__all__ = ["FRAMEWORK", "check_grads", "gradtest"]
