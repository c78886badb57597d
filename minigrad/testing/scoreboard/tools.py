"""Tools that check gradients, each at its defaults, as functions from a pair to what they say of it."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing.check import check_grads
from minigrad.testing.numeric.comparison import Verdict
from minigrad.testing.scoreboard.pair import Pair
from minigrad.testing.scoreboard.time_limit import OutOfTime, at_most
from minigrad.typing import Array


@dataclass(frozen=True)
class Opinion:
    """What a tool says of a pair.

    Attributes:
        verdict: correct, wrong or inconclusive; an error of the tool itself is inconclusive.
        text: its report.
        seconds: how long it took, of processor time.
    """

    verdict: Verdict
    text: str = ""
    seconds: float = 0.0


Judge = Callable[[Pair], tuple[Verdict, str]]

LARGEST_JACOBIAN: Final = 20_000_000
"""Entries beyond which a tool that builds the whole Jacobian is not run."""


def ours(pair: Pair) -> tuple[Verdict, str]:
    """`minigrad.testing.check_grads`."""
    report = check_grads(pair.f, *pair.args, vjp=pair.vjp)
    return report.verdict, str(report)


def gradcheck() -> Judge:
    """`torch.autograd.gradcheck`, every entry of the Jacobian."""
    return _gradcheck(fast=False)


def gradcheck_fast() -> Judge:
    """`torch.autograd.gradcheck` with `fast_mode`, in random directions."""
    return _gradcheck(fast=True)


def _gradcheck(*, fast: bool) -> Judge:
    torch: Any = _peer("torch")
    failure: Any = import_module("torch.autograd.gradcheck").GradcheckError

    def judge(pair: Pair) -> tuple[Verdict, str]:
        class Wrapped(torch.autograd.Function):  # type: ignore[misc]  # the class is found at run time
            @staticmethod
            def forward(ctx: Any, *xs: Any) -> Any:
                ctx.save_for_backward(*xs)
                return torch.tensor(np.asarray(pair.f(*_arrays(xs)), float))

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                found = pair.vjp(_arrays([g])[0], *_arrays(ctx.saved_tensors))
                return tuple(torch.tensor(np.array(part, float)) for part in _tuple(found))

        if not fast and _jacobian_size(pair) > LARGEST_JACOBIAN:
            return Verdict.INCONCLUSIVE, f"not run: its Jacobian has {_jacobian_size(pair):,} entries"
        inputs = [torch.tensor(x, requires_grad=True) for x in pair.args]
        try:
            torch.autograd.gradcheck(Wrapped.apply, inputs, fast_mode=fast)
        except failure as error:
            return Verdict.WRONG, str(error)
        return Verdict.CORRECT, ""

    return judge


def jax() -> Judge:
    """`jax.test_util.check_grads` of order 1 in reverse mode, in double precision."""
    jax: Any = _peer("jax")
    check: Any = import_module("jax.test_util").check_grads
    jax.config.update("jax_enable_x64", True)

    def judge(pair: Pair) -> tuple[Verdict, str]:
        shape = np.shape(pair.f(*_copies(pair.args)))

        def forward(*xs: Any) -> Any:
            out = jax.ShapeDtypeStruct(shape, np.float64)
            return jax.pure_callback(lambda *xs: np.asarray(pair.f(*_arrays(xs)), float), out, *xs)

        def backward(xs: Any, g: Any) -> Any:
            outs = tuple(jax.ShapeDtypeStruct(x.shape, np.float64) for x in xs)
            return jax.pure_callback(lambda g, *xs: _gradients(pair, g, xs), outs, g, *xs)

        wrapped = jax.custom_vjp(forward)
        wrapped.defvjp(lambda *xs: (forward(*xs), xs), backward)
        try:
            check(wrapped, pair.args, order=1, modes=["rev"])
        except AssertionError as error:
            return Verdict.WRONG, str(error)
        return Verdict.CORRECT, ""

    return judge


TOOLS: Final[dict[str, Callable[[], Judge]]] = {
    "ours": lambda: ours,
    "gradcheck": gradcheck,
    "gradcheck-fast": gradcheck_fast,
    "jax": jax,
}
"""Each tool by its name; it is imported when it is called."""


def opinion(judge: Judge, pair: Pair, limit: float = 20.0) -> Opinion:
    """What a tool says of a pair, and how long it took.

    Args:
        judge: the tool.
        pair: what it judges.
        limit: seconds of processor time after which it has no opinion (default 20).
    """
    start = time.process_time()
    with np.errstate(all="ignore"), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            with at_most(limit):
                verdict, text = judge(pair)
        except OutOfTime:
            verdict, text = Verdict.INCONCLUSIVE, f"not done after {limit:g} s"
        except Exception as error:  # whatever a tool raises, it has not judged
            verdict, text = Verdict.INCONCLUSIVE, f"raised {type(error).__name__}: {error}"
    return Opinion(verdict, text, time.process_time() - start)


def _peer(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"this column of the scoreboard needs {name}: pip install {name}") from error


def _arrays(xs: Any) -> list[Array]:
    """Copies as arrays: a pair may write into what it is given."""
    return [np.array(x.detach() if hasattr(x, "detach") else x, float) for x in xs]


def _copies(xs: tuple[Array, ...]) -> list[Array]:
    return [x.copy() for x in xs]


def _tuple(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


def _gradients(pair: Pair, g: Any, xs: Any) -> tuple[Array, ...]:
    return tuple(np.asarray(part, float) for part in _tuple(pair.vjp(*_arrays([g]), *_arrays(xs))))


def _jacobian_size(pair: Pair) -> int:
    return int(np.size(pair.f(*_copies(pair.args))) * sum(x.size for x in pair.args))
