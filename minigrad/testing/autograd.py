"""Gradients of HIPS autograd code: functions of `autograd.numpy`, and primitives with `defvjp`.

    from minigrad.testing.autograd import check_grads, gradtest

    assert check_grads(share, x)

Arguments are those of `minigrad.testing.check_grads` and `minigrad.testing.gradtest`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from minigrad.testing import check, decorator
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import Pull, as_tuple
from minigrad.testing.frameworks.signature import require_framework
from minigrad.testing.mutation.reachable import reachable
from minigrad.typing import Array, Function

with require_framework("autograd"):
    import autograd.numpy as anp
    from autograd.builtins import tuple as tuple_of_boxes
    from autograd.core import make_vjp, primitive_vjps
    from autograd.tracer import getval


class Autograd(Framework):
    """HIPS autograd, whose values are NumPy's arrays."""

    name: ClassVar[str] = "autograd"
    value_type = np.ndarray
    refusals: ClassVar[tuple[type[Exception], ...]] = (TypeError, IndexError)
    higher_order = True

    def constant(self, x: Array) -> Array:
        """The array itself; it may be written to only where the caller would see it."""
        return x

    def array(self, value: Any) -> Array:
        """The array itself, or that of numbers."""
        return np.asarray(getval(value))

    @contextmanager
    def context(self) -> Iterator[None]:
        """The warning that a result does not depend on an argument is no failure: constants have the gradient 0."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Output seems independent of input", UserWarning)
            yield

    def parts(self, z: Any) -> Any:
        """A complex array as a real one (..., 2)."""
        return anp.stack([anp.real(z), anp.imag(z)], -1)

    def rules(self, x: object) -> Sequence[Function]:
        """What `defvjp` was given for a primitive."""
        found = primitive_vjps.get(x) if callable(x) and not isinstance(x, type) else None
        makers = [] if found is None else [y for y in reachable(found, 2) if isinstance(y, dict)]
        return [maker for table in makers for maker in table.values() if callable(maker)]

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f on boxes."""
        seen: list[Any] = []
        floating: list[int] = []

        def of_variables(xs: Any) -> Any:
            values = list(args)
            for k, i in enumerate(positions):
                values[i] = xs[k]
            seen.extend(as_tuple(f(*values)))
            floating.extend(k for k, out in enumerate(seen) if np.asarray(_unboxed(out)).dtype.kind == "f")
            return tuple_of_boxes([seen[k] for k in floating])

        pull, outs = make_vjp(of_variables, tuple_of_boxes([args[i] for i in positions]))
        values = iter(outs)
        results = [next(values) if k in floating else out for k, out in enumerate(seen)]
        return results, lambda cotangents: pull(tuple_of_boxes(list(cotangents)))


def _unboxed(x: Any) -> Any:
    """The array in any number of boxes."""
    while hasattr(x, "_value") and not isinstance(x, np.ndarray):
        x = x._value
    return x


FRAMEWORK: Final = Autograd()
"""HIPS autograd, as the kit knows it."""

check_grads = partial(check.check_grads, framework=FRAMEWORK)
"""`minigrad.testing.check_grads` for functions of `autograd.numpy`."""

gradtest = partial(decorator.gradtest, framework=FRAMEWORK)
"""`minigrad.testing.gradtest` for functions of `autograd.numpy`."""

__all__ = ["FRAMEWORK", "check_grads", "gradtest"]
