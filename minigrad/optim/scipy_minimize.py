"""`minimize`: SciPy's optimizers, with gradients and Hessian products of minigrad, over parameters in containers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from minigrad.autograd.jacobian import hvp
from minigrad.autograd.nested import Nested, is_container, leaves, matching, rebuilt
from minigrad.autograd.tensor import as_array, no_grad, wrap
from minigrad.autograd.transforms import require_function, value_and_gradient
from minigrad.errors import DTypeError, MissingExtraError, NonFiniteError, ShapeError, UsageError
from minigrad.typing import Array, DType, Function

GRADIENT: Final = ("L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP")
HESSIAN_PRODUCT: Final = ("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr")
HESSIAN: Final = ("trust-exact", "dogleg")
VALUE: Final = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
METHODS: Final = (*GRADIENT, *HESSIAN_PRODUCT, *HESSIAN, *VALUE)
BOUNDED: Final = ("L-BFGS-B", "TNC", "SLSQP", "trust-constr", "Nelder-Mead", "Powell", "COBYLA", "COBYQA")


@dataclass(frozen=True)
class MinimizeResult:
    """What `minimize` found.

    Attributes:
        params: where f is smallest, in the containers and dtypes of the start.
        value: f there.
        gradient: the gradient there, in the same containers.
        success: whether the method met its criterion of convergence.
        message: why it ended, in SciPy's words.
        iterations: how many there were; evaluations for "COBYLA", which does not count iterations.
        evaluations: how often f was computed, with its gradient where the method takes one.
        hessian_products: how often a vector was multiplied by the Hessian.
    """

    params: Nested
    value: float
    gradient: Nested
    success: bool
    message: str
    iterations: int
    evaluations: int
    hessian_products: int


def minimize(
    f: Function,
    params: Nested,
    method: str = "L-BFGS-B",
    *,
    bounds: tuple[Nested, Nested] | None = None,
    tol: float | None = None,
    callback: Callable[[Nested], Any] | None = None,
    options: dict[str, Any] | None = None,
) -> MinimizeResult:
    """Find parameters at which f is smallest nearby, with `scipy.optimize.minimize`.

    SciPy sees one vector of float64, and f is computed in float64; derivatives are those of minigrad. "L-BFGS-B",
    "BFGS", "CG", "TNC" and "SLSQP" take gradients; "Newton-CG", "trust-ncg", "trust-krylov" and "trust-constr" products
    with the Hessian as well, which is not formed; "trust-exact" and "dogleg" the whole Hessian; "Nelder-Mead",
    "Powell", "COBYLA" and "COBYQA" values only. SciPy's constraints are not offered.

    Args:
        f: a function of the parameters to a Tensor of one element.
        params: where the search starts: a Tensor, an array or a number, or containers of them (dicts, lists, tuples,
            dataclasses), or a module, whose parameters are meant. They stay what they are.
        method: SciPy's name (default "L-BFGS-B").
        bounds: the lowest and the highest values, each one number for all, or numbers and arrays that broadcast, in the
            containers of `params`; -inf and inf for none (default None: there are no bounds).
        tol: the tolerance, which has another meaning in each method (default None: SciPy's own).
        callback: called after each iteration with the parameters; it ends the search by raising StopIteration
            (default None).
        options: of the method, such as {"maxiter": 100} (default None: SciPy's own).

    Returns:
        The parameters, the value and gradient there, whether the method converged and what it says, and counts. A
        search that does not converge is no error: look at `success` and `message`.

    Raises:
        MissingExtraError: SciPy, of the extra `scipy`, is not installed.
        UsageError: there is no such method, it takes no bounds, or there are no parameters.
        DTypeError: a parameter is of integers.
        ShapeError: f gives more than one number, or bounds do not fit the parameters.
        NonFiniteError: f or its gradient is not finite at the start.

    Source: Virtanen et al. 2020, "SciPy 1.0: fundamental algorithms for scientific computing in Python".

    >>> found = minimize(lambda p: (p["a"] - 3) ** 2 + (p["b"] ** 2).sum(), {"a": 0.0, "b": np.ones(2)})
    >>> found.success, round(found.params["a"].item(), 6)
    (True, 3.0)
    """
    require_function("minimize", f)
    if method not in METHODS:
        raise UsageError(f"minimize: method must be one of {', '.join(METHODS)}, not {method!r}")
    try:
        optimize = import_module("scipy.optimize")
    except ModuleNotFoundError as error:
        raise MissingExtraError("SciPy", extra="scipy", purpose="minigrad.optim.minimize") from error
    vector = _Vector(params)
    problem = _Problem(f, vector)
    start = vector.flatten(params, "the parameters")
    with_gradient = method not in VALUE
    problem.require_finite(start, with_gradient)

    settings: dict[str, Any] = {"jac": True} if with_gradient else {}
    if method in HESSIAN_PRODUCT:
        settings["hessp"] = problem.hessian_product
    if method in HESSIAN:
        settings["hess"] = problem.hessian
    if bounds is not None:
        settings["bounds"] = _bounds(vector, bounds, method, optimize)
    if callback is not None:
        settings["callback"] = lambda x, *state: callback(vector.unflatten(x))
    objective = problem.value_and_gradient if with_gradient else problem.value
    found = optimize.minimize(objective, start, method=method, tol=tol, options=options, **settings)
    evaluations = problem.evaluations
    value, gradient = problem.value_and_gradient(found.x)
    return MinimizeResult(
        params=vector.unflatten(found.x, own_dtypes=True),
        value=value,
        gradient=vector.unflatten(gradient, own_dtypes=True),
        success=bool(found.success),
        message=str(found.message),
        iterations=int(found.get("nit", evaluations)),
        evaluations=evaluations,
        hessian_products=problem.hessian_products,
    )


class _Vector:
    """How parameters in containers become one vector of float64, and back."""

    def __init__(self, params: Nested) -> None:
        self.params = params
        found = list(leaves(params))
        self.paths = [path for path, _ in found]
        arrays = [np.asarray(float(x)) if isinstance(x, int) else as_array(x) for _, x in found]
        if not sum(array.size for array in arrays):
            raise UsageError("minimize: there are no parameters")
        for path, array in zip(self.paths, arrays, strict=True):
            if array.dtype.kind != "f":
                raise DTypeError(
                    f"minimize: the parameter{path and f' {path}'} holds {array.dtype}: use .astype(float)"
                )
        self.shapes = [array.shape for array in arrays]
        self.dtypes: list[DType] = [
            np.dtype("float64") if isinstance(x, (int, float)) else array.dtype
            for (_, x), array in zip(found, arrays, strict=True)
        ]
        self.ends = np.cumsum([array.size for array in arrays])

    def flatten(self, nested: Nested, what: str) -> Array:
        """One vector of what stands in containers like those of the parameters; numbers are repeated."""
        values = [nested] if not is_container(self.params) else matching(f"minimize: {what}", self.params, nested)
        parts = []
        for path, value, shape in zip(self.paths, values, self.shapes, strict=True):
            array = np.asarray(as_array(value), np.float64)
            try:
                parts.append(np.broadcast_to(array, shape).ravel())
            except ValueError:
                where = f" at {path}" if path else ""
                raise ShapeError(f"minimize: {what}{where} must have shape {shape}, got {array.shape}") from None
        return np.concatenate(parts)

    def unflatten(self, x: Array, own_dtypes: bool = False) -> Nested:
        """The containers of the parameters, with values of a vector."""
        parts = [part.reshape(shape) for part, shape in zip(np.split(x, self.ends[:-1]), self.shapes, strict=True)]
        dtypes = self.dtypes if own_dtypes else [np.dtype("float64")] * len(parts)
        return rebuilt(self.params, [wrap(part.astype(d)) for part, d in zip(parts, dtypes, strict=True)])


class _Problem:
    """f and its derivatives as functions of a vector, and how often they are computed."""

    def __init__(self, f: Function, vector: _Vector) -> None:
        self.f, self.vector = f, vector
        self.derivative = value_and_gradient("minimize", f, 0)
        self.evaluations = self.hessian_products = 0

    def value(self, x: Array) -> float:
        """f."""
        self.evaluations += 1
        with no_grad():
            value: float = self.f(self.vector.unflatten(x))._data.item()
        return value

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """f, and its gradient as a vector."""
        self.evaluations += 1
        with no_grad():  # what f takes from outside is constant
            value, gradient = self.derivative(self.vector.unflatten(x))
        return value._data.item(), self.vector.flatten(gradient, "the gradient")

    def hessian_product(self, x: Array, v: Array) -> Array:
        """The Hessian times v."""
        self.hessian_products += 1
        with no_grad():
            product = hvp(self.f, self.vector.unflatten(x), self.vector.unflatten(v))
        return self.vector.flatten(product, "the product")

    def hessian(self, x: Array) -> Array:
        """The Hessian, column by column."""
        return np.stack([self.hessian_product(x, e) for e in np.eye(x.size)], axis=1)

    def require_finite(self, x: Array, with_gradient: bool) -> None:
        """Refuse a start from which no method gets anywhere.

        Raises:
            NonFiniteError: f or its gradient is not finite.
        """
        value, gradient = self.value_and_gradient(x)
        if not np.isfinite(value):
            raise NonFiniteError(f"minimize: f is {value} at the start: begin where it is finite")
        parts = leaves(self.vector.unflatten(gradient)) if with_gradient else ()
        paths = [path for path, part in parts if not np.isfinite(part._data).all()]
        if paths:
            where = f" by {', '.join(paths)}" if paths != [""] else ""
            raise NonFiniteError(f"minimize: the gradient{where} is not finite at the start: minigrad.why says why")
        self.evaluations = 0


def _bounds(vector: _Vector, bounds: tuple[Nested, Nested], method: str, optimize: Any) -> Any:
    """SciPy's bounds.

    Raises:
        UsageError: the method takes none, these are no pair, or a lower one is above an upper one.
    """
    if method not in BOUNDED:
        raise UsageError(f"minimize: {method} takes no bounds; {', '.join(BOUNDED)} do")
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        raise UsageError("minimize: bounds are a pair, the lowest and the highest, each in the parameters' containers")
    low, high = [
        vector.flatten(rebuilt(vector.params, [bound] * len(vector.paths)), what) if isinstance(bound, (int, float))
        else vector.flatten(bound, what)
        for bound, what in zip(bounds, ("the lower bound", "the upper bound"), strict=True)
    ]  # fmt: skip
    if (low > high).any():
        raise UsageError("minimize: a lower bound is above its upper bound")
    return optimize.Bounds(low, high)
