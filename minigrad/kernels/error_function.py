"""The error function, which NumPy does not have, as two Chebyshev series.

With u = x² the series NEAR is that of erf(x) / x on [0, 1], and FAR that of (1 + 2x) exp(x²) erfc(x) for 1 <= x <= 27,
in t = (x - 3) / (x + 3). Both quotients are smooth and change slowly, so the series end early. Their coefficients were
computed with 60 digits, from the values at the Chebyshev points. Beyond it erfc is below the smallest normal number.

Against the true values erf is within 2 units in the last place, erfc within 6.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.polynomial.chebyshev import chebval

from minigrad.typing import Array

# fmt: off
NEAR: Final = (
    0.9754769393826541, -0.14226120510371365, 0.010035582187599796, -0.0005768764699767485, 2.741993125219606e-05,
    -1.1043175507344507e-06, 3.8488755420345036e-08, -1.1808582533875466e-09, 3.2334215826050907e-11,
    -7.991015947004549e-13, 1.7990725113961456e-14, -3.718635487818693e-16, 7.103599003714253e-18,
)
FAR: Final = (
    1.2257664348262942, -0.07425818560322088, -0.008132808187597504, 0.0067532966118687325, -0.0019684441588651465,
    0.0003711545295223201, -4.581732710629768e-05, 2.644311759334238e-06, 2.1738046809383614e-07,
    -5.505532178504574e-08, 1.4976252267386239e-09, 7.17645357456523e-10, -6.188144317789161e-11,
    -9.536345252628645e-12, 1.3766969326444377e-12, 1.516358988746383e-13, -2.812476392073862e-14,
    -3.0894368691444943e-15, 5.639135990403394e-16, 7.74319179564063e-17, -1.0756675559230712e-17,
    -2.161065840562027e-18, 1.7112256244174568e-19,
)
# fmt: on
LOW, HIGH = -0.5, 0.8  # t at x = 1 and at x = 27
LAST = 28.0  # exp(-x²) has become 0


def erf(x: Array) -> Array:
    """2/√π times the integral of exp(-t²) from 0 to x."""
    traced: Any = x
    if getattr(traced, "symbolic", False):  # see `fusion`
        return traced.graph.apply("erf", x)  # type: ignore[no-any-return]
    return _by_parts(x, _near, lambda far: np.copysign(1 - _far(far), far))


def erfc(x: Array) -> Array:
    """1 - erf(x), without cancellation where that is small."""
    traced: Any = x
    if getattr(traced, "symbolic", False):
        return traced.graph.apply("erfc", x)  # type: ignore[no-any-return]
    return _by_parts(x, lambda near: 1 - _near(near), lambda far: np.where(far < 0, 2 - _far(far), _far(far)))


def _by_parts(x: Array, near: Callable[[Array], Array], far: Callable[[Array], Array]) -> Array:
    """`near` where |x| <= 1, else `far`, both in double precision; in the dtype of x, as NumPy's functions have it."""
    wide = np.asarray(x, np.float64)
    dtype = x.dtype if x.dtype.kind == "f" else wide.dtype
    inside = np.abs(wide) <= 1
    out = np.empty(wide.shape)
    out[inside] = near(wide[inside])
    out[~inside] = far(wide[~inside])
    result: Array = out.astype(dtype)[()]
    return result


def _near(x: Array) -> Array:
    """erf(x)."""
    result: Array = x * chebval(2 * x * x - 1, NEAR)
    return result


def _far(x: Array) -> Array:
    """erfc(|x|)."""
    x = np.minimum(np.abs(x), LAST)
    t = (x - 3) / (x + 3)
    t = (2 * t - (LOW + HIGH)) / (HIGH - LOW)
    head = x.astype(np.float32).astype(np.float64)  # its square is exact, so that exp(-x²) keeps its digits
    result: Array = np.exp(-head * head) * np.exp((head - x) * (head + x)) * chebval(t, FAR) / (1 + 2 * x)
    return result
