"""Gradients of JAX code: functions, `jax.custom_vjp` and `jax.custom_jvp`.

    from minigrad.testing.jax import check_grads, gradtest

    @gradtest(shapes="N D, D -> N", modes=("vjp", "jvp"))    # <J v, u> = <v, J'u> as well
    @jax.custom_jvp
    def project(x, w): ...

Arguments are those of `minigrad.testing.check_grads` and `minigrad.testing.gradtest`. 64-bit numbers are enabled inside
of a check only. What JAX compiled for other arguments stays as it is. A `custom_vjp` has no forward mode; its second
order is checked by pulling back through its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing import check, decorator
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import Pull, as_tuple
from minigrad.testing.frameworks.signature import require_framework
from minigrad.typing import Array, Function

with require_framework("jax"):
    import jax
    import jax.numpy as jnp


class Jax(Framework):
    """JAX, eagerly."""

    name: ClassVar[str] = "jax"
    value_type = jax.Array
    refusals: ClassVar[tuple[type[Exception], ...]] = (TypeError, IndexError)
    higher_order = True

    def constant(self, x: Array) -> jax.Array:
        """A copy as a JAX array: JAX would read NumPy's memory later than it is asked to."""
        return jnp.array(x, copy=True)

    def array(self, value: Any) -> Array:
        """The array of a JAX array or number."""
        if not isinstance(value, (jax.Array, np.ndarray, np.generic, float, int)):
            raise UsageError(f"the function must return JAX arrays, it returned {type(value).__name__}")
        return np.asarray(value)

    def parts(self, z: jax.Array) -> jax.Array:
        """A complex array as a real one (..., 2)."""
        return jnp.stack([jnp.real(z), jnp.imag(z)], -1)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f by `jax.vjp`."""
        _, pull, outs = jax.vjp(_of_variables(f, args, positions), *[args[i] for i in positions], has_aux=True)
        return outs, lambda cotangents: pull(tuple(cotangents))

    def jvp(self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Any]) -> Sequence[Any]:
        """J v by `jax.jvp`."""
        xs = [args[i] for i in positions]
        _, moved, _ = jax.jvp(_of_variables(f, args, positions), xs, list(tangents), has_aux=True)
        return as_tuple(moved)

    def rules(self, x: object) -> Sequence[Function]:
        """`bwd` of a `custom_vjp`, the rule of a `custom_jvp`."""
        if isinstance(x, jax.custom_vjp):
            return [x.bwd]
        return [x.jvp] if isinstance(x, jax.custom_jvp) else []

    def context(self) -> AbstractContextManager[object]:
        """64-bit numbers, as far as arguments have them."""
        context: AbstractContextManager[object] = jax.enable_x64(True)
        return context


def _of_variables(f: Function, args: Sequence[Any], positions: Sequence[int]) -> Callable[..., Any]:
    """f as a function of the differentiated arguments to its floating results, and all results beside them."""

    def run(*variables: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        values = list(args)
        for i, x in zip(positions, variables, strict=True):
            values[i] = x
        outs = as_tuple(f(*values))
        return tuple([out for out in outs if jnp.issubdtype(jnp.result_type(out), jnp.floating)]), outs

    return run


FRAMEWORK: Final = Jax()
"""JAX, as the kit knows it."""

check_grads = partial(check.check_grads, framework=FRAMEWORK)
"""`minigrad.testing.check_grads` for functions of JAX arrays."""

gradtest = partial(decorator.gradtest, framework=FRAMEWORK)
"""`minigrad.testing.gradtest` for functions of JAX arrays."""

__all__ = ["FRAMEWORK", "check_grads", "gradtest"]
