"""`@gradtest`: one decorator, one test, all laws; a failure is one line that can be pasted.

    @gradtest
    def softsign(x):
        return x / (1 + abs(x))

`softsign.gradtest()` draws calls with Hypothesis and holds each to every law that applies. When one fails, the calls
that fail are counted by law and likely cause, the most telling one is chosen, and Hypothesis shrinks within it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from hypothesis import strategies as st

from minigrad.testing.calls.function_call import Call
from minigrad.testing.laws import LAWS, Law
from minigrad.testing.laws.minimal_violation import smallest_violation
from minigrad.testing.strategies.call_strategy import calls_for


class GradTest:
    """A test of all laws for one op, function or Module: call it without arguments.

    Attributes:
        subject: what is tested.
        calls: the strategy that draws calls of it.
        laws: those that are tried, by name.
    """

    def __init__(
        self,
        subject: Any,
        *,
        calls: st.SearchStrategy[Call] | None = None,
        laws: Sequence[str | Law] | None = None,
        examples: int | None = None,
        order: int = 2,
        **facts: Any,
    ) -> None:
        self.subject, self._calls, self._facts = subject, calls, facts
        self.examples, self.order = examples, order
        chosen = [LAWS[each] if isinstance(each, str) else each for each in laws] if laws is not None else None
        self._laws: list[Law] | None = chosen

    @property
    def __name__(self) -> str:
        """The subject's name."""
        return str(getattr(self.subject, "__name__", None) or getattr(self.subject, "name", "subject"))

    @property
    def laws(self) -> dict[str, Law]:
        """The laws that are tried, by name; with `order=1`, none about second derivatives."""
        chosen = list(LAWS.values()) if self._laws is None else self._laws
        second = ("second_order", "hessian_symmetry")
        return {each.name: each for each in chosen if self.order > 1 or each.name not in second}

    @property
    def calls(self) -> st.SearchStrategy[Call]:
        """Draws calls of the subject."""
        if self._calls is None:
            self._calls = calls_for(self.subject, **self._facts)
        return self._calls

    def __repr__(self) -> str:
        return f"<gradtest of {self.__name__}>"

    def __call__(self) -> None:
        """Run the test.

        Raises:
            LawViolation: a law does not hold; with the smallest call for which it does not.
        """
        __tracebackhide__ = True
        violation = smallest_violation(self.calls, self.laws, self.examples)
        if violation is not None:
            raise violation.with_traceback(None) from violation.__cause__


@overload
def gradtest(subject: Any, /) -> Any: ...
@overload
def gradtest(**options: Any) -> Callable[[Any], Any]: ...
def gradtest(subject: Any = None, /, **options: Any) -> Any:
    """Give an op, a function of Tensors or a function that makes a Module a test of its derivatives.

    The result is the same object with an attribute `gradtest`: a function without arguments that runs the test. The
    pytest plugin collects it from every module.

    Args:
        subject: an op, whose facts say how it is called; a function, whose positional parameters without default get
            arrays; or a function without positional parameters that makes a Module, which is then tested as
            a function of its inputs and all its parameters.
        calls: a strategy of `Call`s, in place of all that follows.
        shapes: the shapes of the arguments, such as "N D, O D -> N O"; else they broadcast against each other.
        domain: a Domain for all arguments, or a dict of them by name.
        kinks: numbers to be hit often, or "ties".
        dtype: one dtype for all arguments, in place of single and double precision.
        arguments: Hypothesis strategies by parameter name, for single arguments and for settings; of a Module, for
            inputs that are not floating arrays (class numbers, indices).
        input: of a Module: the shape of its input, or a list of them.
        grad, vjp: the gradient written by hand of a plain NumPy function, as for `check_grads`.
        laws: the names of the laws to try (or laws themselves); all unless given.
        examples: how many calls are drawn; what Hypothesis's profile says unless given.
        order: 1 leaves the laws of second derivatives out.

    >>> import minigrad as mg
    >>> @gradtest(examples=5)
    ... def softsign(x):
    ...     return x / (1 + mg.abs(x))
    >>> softsign.gradtest()

    >>> @gradtest(examples=2, input=(2, 3))
    ... def small_net():
    ...     return mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.Dropout(0.5), mg.nn.Tanh())
    >>> small_net.gradtest()
    """
    if subject is None:
        return lambda subject: gradtest_of(subject, options)
    return gradtest_of(subject, options)


def gradtest_of(subject: Any, options: dict[str, Any]) -> Any:
    """The subject with its test attached."""
    subject.gradtest = GradTest(subject, **options)
    return subject
