"""`@gradtest`: one decorator, one test, all laws; a failure is one line that can be pasted.

    @gradtest
    def softsign(x):
        return x / (1 + abs(x))

`softsign.gradtest()` draws calls with Hypothesis and checks every law that applies to each. When one fails, the calls
that fail are counted by law and likely cause, the most telling one is chosen, and Hypothesis shrinks within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from hypothesis import strategies as st

from minigrad.domain import Domain
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.frameworks.by_hand import ByHand
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.numpy_layer import NumpyLayers
from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.testing.laws import LAWS, Law
from minigrad.testing.laws.violation_search import minimal_violation
from minigrad.testing.strategies.call_strategy import Arguments, calls_for
from minigrad.testing.strategies.number_strategies import Kinks
from minigrad.typing import DTypeLike, Function, Shape

SECOND_ORDER = ("second_order", "hessian_symmetry")


class GradTest:
    """A test of all laws for one op, function or Module: call it without arguments.

    Args:
        function: an op, a function, or a function that makes a Module.
        calls, laws, examples, order, **options: as for `gradtest`.

    Attributes:
        function: what is tested.
        calls: the strategy that draws calls of it.
        laws: those that are tried, by name, as far as they apply.
        left_out: those that make no sense for what the function is written in, each with the reason.
    """

    def __init__(
        self,
        function: Function,
        *,
        calls: st.SearchStrategy[FunctionCall] | None = None,
        laws: Sequence[str | Law] | None = None,
        examples: int | None = None,
        order: int = 2,
        **options: Any,  # those of `calls_for`
    ) -> None:
        self.function, self._calls, self._options = function, calls, options
        self.examples, self.order = examples, order
        self._laws = list(LAWS.values() if laws is None else [LAWS[x] if isinstance(x, str) else x for x in laws])

    @property
    def __name__(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", None) or getattr(self.function, "name", "function"))

    @property
    def laws(self) -> dict[str, Law]:
        """The laws that are tried, by name; with `order=1`, none about second derivatives."""
        return {law.name: law for law in self._laws if self.order > 1 or law.name not in SECOND_ORDER}

    @property
    def left_out(self) -> Mapping[str, str]:
        """The laws that make no sense for what the function is written in, by name, each with the reason."""
        of_hand = {name: self._options.get(name) for name in ("grad", "vjp", "jvp", "hvp")}
        framework: Framework = self._options.get("framework") or TENSORS
        if self._options.get("grads"):
            framework = NumpyLayers()
        elif any(d is not None for d in of_hand.values()):
            framework = ByHand(**of_hand)
        elif self._options.get("modes"):
            framework = framework.with_modes(self._options["modes"])
        return framework.left_out()

    @property
    def calls(self) -> st.SearchStrategy[FunctionCall]:
        """Draws calls of the function."""
        if self._calls is None:
            self._calls = calls_for(self.function, **self._options)
        return self._calls

    def __repr__(self) -> str:
        left_out = f", without {', '.join(self.left_out)}" if self.left_out else ""
        return f"<gradtest of {self.__name__}{left_out}>"

    def __call__(self) -> None:
        """Run the test.

        Raises:
            LawViolation: a law does not hold; with the smallest call for which it does not.
            InconclusiveGradients: no law is violated, but of more than half of the gradients nothing can be said.
            UsageError: the function refuses nearly all calls, or it is not known how to call it.
        """
        __tracebackhide__ = True
        violation = minimal_violation(self.calls, self.laws, self.examples)
        if violation is not None:
            raise violation.with_traceback(None) from violation.__cause__


# The result is what was given, with one attribute more, which types cannot say: Any.
@overload
def gradtest(function: Function, /) -> Any: ...
@overload
def gradtest(
    *,
    calls: st.SearchStrategy[FunctionCall] | None = None,
    shapes: str | None = None,
    domain: Domain | Mapping[str, Domain] | None = None,
    kinks: Kinks | None = None,
    dtype: DTypeLike | None = None,
    arguments: Arguments | None = None,
    input: Shape | list[Shape] | None = None,
    grad: Function | None = None,
    vjp: Function | None = None,
    jvp: Function | None = None,
    hvp: Function | None = None,
    grads: Mapping[str, str] | None = None,
    laws: Sequence[str | Law] | None = None,
    examples: int | None = None,
    order: int = 2,
    framework: Framework | None = None,
    modes: Sequence[str] | None = None,
    straight_through: bool | Function = False,
    symmetric: int | tuple[int, ...] | None = None,
) -> Callable[[Function], Any]: ...
def gradtest(
    function: Function | None = None,
    /,
    *,
    calls: st.SearchStrategy[FunctionCall] | None = None,
    shapes: str | None = None,
    domain: Domain | Mapping[str, Domain] | None = None,
    kinks: Kinks | None = None,
    dtype: DTypeLike | None = None,
    arguments: Arguments | None = None,
    input: Shape | list[Shape] | None = None,
    grad: Function | None = None,
    vjp: Function | None = None,
    jvp: Function | None = None,
    hvp: Function | None = None,
    grads: Mapping[str, str] | None = None,
    laws: Sequence[str | Law] | None = None,
    examples: int | None = None,
    order: int = 2,
    framework: Framework | None = None,
    modes: Sequence[str] | None = None,
    straight_through: bool | Function = False,
    symmetric: int | tuple[int, ...] | None = None,
) -> Any:
    """Give an op, a function of Tensors or a function that makes a Module a test of its derivatives.

    The result is the same object with an attribute `gradtest`: a function without arguments that runs the test. The
    pytest plugin collects it from every module.

    Args:
        function: an op, whose facts say how it is called; a function, whose positional parameters without default get
            arrays; or a function without positional parameters that makes a Module, which is then tested as
            a function of its inputs and all its parameters. Without one, the result is a decorator (default: none).
        calls: a strategy of calls (`FunctionCall`); made from all options below unless given.
        shapes: the shapes of the arguments, such as "N D, O D -> N O"; they broadcast against each other unless given.
        domain: a Domain for all arguments, or a dict of them by name; all real numbers unless given.
        kinks: numbers to be hit often, or "ties"; none unless given.
        dtype: one dtype for all arguments; single and double precision (of a Module, double) unless given.
        arguments: Hypothesis strategies by parameter name, for single arguments and for settings; of a Module, for
            inputs that are not floating arrays (class numbers, indices); none unless given.
        input: of a Module: the shape of its input, or a list of them, unless given by `shapes`.
        grad: the gradient written by hand of a plain NumPy function, as for `check_grads`; none unless given.
        vjp: the same as a vector-Jacobian product; none unless given.
        jvp, hvp: J v and H v written by hand, as for `check_grads`; none unless given.
        grads: of a class with `forward` and `backward`: from the attribute of each parameter to that of its gradient,
            {"W": "dW"}. The class is made with its parameters, or with sizes that are named as letters in `shapes`
            ("N D -> N O": D, O), or with nothing (default none).
        laws: the names of the laws to try (or laws themselves); all unless given.
        examples: how many calls are drawn; what Hypothesis's profile says unless given, fewer where calls have more
            than 128 numbers (one of 1,280 counts as ten), but at least 8.
        order: 1 leaves the laws of second derivatives out (default 2).
        framework: what the function is written in, as its file in `minigrad.testing` sets it; minigrad or NumPy unless
            given.
        modes: ("vjp", "jvp") for the forward mode of a framework as well; ("vjp",) unless given.
        straight_through: the gradient is meant to be that of this function; True for the identity (default False).
        symmetric: positions of arguments that are symmetric matrices by assumption; none unless given.

    Returns:
        The same object; without a function, a decorator.

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
    of_calls = {
        "shapes": shapes, "domain": domain, "kinks": kinks, "dtype": dtype, "arguments": arguments, "input": input,
        "grad": grad, "vjp": vjp, "jvp": jvp, "hvp": hvp, "grads": grads, "framework": framework, "modes": modes,
        "straight_through": straight_through or None, "symmetric": symmetric,
    }  # fmt: skip
    given = {name: value for name, value in of_calls.items() if value is not None}

    def with_gradtest(function: Any) -> Any:
        function.gradtest = GradTest(function, calls=calls, laws=laws, examples=examples, order=order, **given)
        return function

    return with_gradtest if function is None else with_gradtest(function)
