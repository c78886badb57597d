"""The table of special functions: SciPy computes the values, and each has its derivative beside it."""

from __future__ import annotations

from collections.abc import Callable
from math import log as ln
from math import pi
from math import sqrt as root
from typing import Final

import numpy as np

from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.tensor import Tensor
from minigrad.domain import NONZERO, POSITIVE, UNIT, Domain
from minigrad.ops import exp, log, log1p, sign, square
from minigrad.special.scipy_functions import binary, cast, sp, unary
from minigrad.typing import Value

PROBABILITY: Final = Domain(0.0, 1.0)


def _normal_density(x: Value) -> Value:
    return exp(-square(x) / 2) / root(2 * pi)


# A row: the name, SciPy's function of arrays, what it is, and for each input its cotangent.

# ---- gamma -----------------------------------------------------------------------------------------------------
gammaln = elementwise(
    "gammaln", unary(sp.gammaln), "log |Γ(x)|.", x=lambda g, x: g * digamma(x), domain={"x": POSITIVE}
)
gamma = elementwise(
    "gamma",
    unary(sp.gamma),
    "Γ(x), the factorial of x - 1.",
    x=lambda g, x, out: g * out * digamma(x),
    domain={"x": POSITIVE},
)
digamma: Callable[..., Tensor] = elementwise(
    "digamma",
    unary(sp.psi),
    "The derivative of log Γ(x).",
    x=lambda g, x: g * polygamma_op(x, n=1),
    domain={"x": POSITIVE},
)
polygamma_op: Callable[..., Tensor] = elementwise(
    "polygamma",
    lambda x, *, n=1: cast(sp.polygamma(n, x), x),
    "Derivative number n of digamma.",
    x=lambda g, x, *, n: g * polygamma_op(x, n=n + 1),
    domain={"x": POSITIVE},
)
betaln = elementwise(
    "betaln",
    binary(sp.betaln),
    "log |B(x, y)|, where B(x, y) = Γ(x) Γ(y) / Γ(x + y).",
    x=lambda g, x, y: g * (digamma(x) - digamma(x + y)),
    y=lambda g, x, y: g * (digamma(y) - digamma(x + y)),
    domain={"x": POSITIVE, "y": POSITIVE},
)

# ---- the error function and the normal distribution ------------------------------------------------------------
erfinv = elementwise(
    "erfinv",
    unary(sp.erfinv),
    "The inverse of erf.",
    x=lambda g, out: g * (root(pi) / 2 * exp(square(out))),
    domain={"x": UNIT},
)
erfcinv = elementwise(
    "erfcinv",
    unary(sp.erfcinv),
    "The inverse of erfc.",
    x=lambda g, out: g * (-root(pi) / 2 * exp(square(out))),
    domain={"x": Domain(0.0, 2.0)},
)
erfcx = elementwise(
    "erfcx",
    unary(sp.erfcx),
    "exp(x²) erfc(x), without overflow.",
    x=lambda g, x, out: g * (2 * x * out - 2 / root(pi)),
)
ndtr = elementwise(
    "ndtr",
    unary(sp.ndtr),
    "The distribution function of the standard normal distribution.",
    x=lambda g, x: g * _normal_density(x),
)
log_ndtr = elementwise(
    "log_ndtr",
    unary(sp.log_ndtr),
    "The logarithm of ndtr(x), without underflow.",
    x=lambda g, x, out: g * exp(-square(x) / 2 - out) / root(2 * pi),
)
ndtri = elementwise(
    "ndtri",
    unary(sp.ndtri),
    "The quantiles of the standard normal distribution: the inverse of ndtr.",
    x=lambda g, out: g * (root(2 * pi) * exp(square(out) / 2)),
    domain={"x": PROBABILITY},
)

# ---- entropies and logarithms ----------------------------------------------------------------------------------
entr = elementwise(
    "entr", unary(sp.entr), "-x log(x), and 0 for x = 0.", x=lambda g, x: -g * (log(x) + 1), domain={"x": POSITIVE}
)
logit = elementwise(
    "logit",
    unary(sp.logit),
    "log(x / (1 - x)), the inverse of expit.",
    x=lambda g, x: g / (x * (1 - x)),
    domain={"x": PROBABILITY},
)
xlogy = elementwise(
    "xlogy",
    binary(sp.xlogy),
    "x log(y), and 0 for x = 0.",
    x=lambda g, y: g * log(y),
    y=lambda g, x, y: g * x / y,
    domain={"y": POSITIVE},
)
xlog1py = elementwise(
    "xlog1py",
    binary(sp.xlog1py),
    "x log(1 + y), and 0 for x = 0.",
    x=lambda g, y: g * log1p(y),
    y=lambda g, x, y: g * x / (1 + y),
    domain={"y": Domain(-1.0)},
)
rel_entr = elementwise(
    "rel_entr",
    binary(sp.rel_entr),
    "x log(x / y), and 0 for x = 0: a term of the relative entropy.",
    x=lambda g, x, y: g * (log(x / y) + 1),
    y=lambda g, x, y: -g * x / y,
    domain={"x": POSITIVE, "y": POSITIVE},
)
kl_div = elementwise(
    "kl_div",
    binary(sp.kl_div),
    "x log(x / y) - x + y: a term of the Kullback-Leibler divergence.",
    x=lambda g, x, y: g * log(x / y),
    y=lambda g, x, y: g * (1 - x / y),
    domain={"x": POSITIVE, "y": POSITIVE},
)
exp10 = elementwise("exp10", unary(sp.exp10), "10 to the power of x.", x=lambda g, out: g * out * ln(10))
cbrt = elementwise(
    "cbrt", unary(sp.cbrt), "The cube root.", x=lambda g, out: g / (3 * square(out)), domain={"x": NONZERO}
)

# ---- Bessel functions ------------------------------------------------------------------------------------------
jv_op: Callable[..., Tensor] = elementwise(
    "jv",
    lambda x, *, v=0.0: cast(sp.jv(v, x), x),
    "The Bessel function of the first kind, of order v.",
    x=lambda g, x, *, v: g * (jv_op(x, v=v - 1) - jv_op(x, v=v + 1)) / 2,
    domain={"x": POSITIVE},
)
yv_op: Callable[..., Tensor] = elementwise(
    "yv",
    lambda x, *, v=0.0: cast(sp.yv(v, x), x),
    "The Bessel function of the second kind, of order v.",
    x=lambda g, x, *, v: g * (yv_op(x, v=v - 1) - yv_op(x, v=v + 1)) / 2,
    domain={"x": POSITIVE},
)
iv_op: Callable[..., Tensor] = elementwise(
    "iv",
    lambda x, *, v=0.0: cast(sp.iv(v, x), x),
    "The modified one of the first kind, of order v.",
    x=lambda g, x, *, v: g * (iv_op(x, v=v - 1) + iv_op(x, v=v + 1)) / 2,
    domain={"x": POSITIVE},
)
kv_op: Callable[..., Tensor] = elementwise(
    "kv",
    lambda x, *, v=0.0: cast(sp.kv(v, x), x),
    "The modified one of the second kind, of order v.",
    x=lambda g, x, *, v: -g * (kv_op(x, v=v - 1) + kv_op(x, v=v + 1)) / 2,
    domain={"x": POSITIVE},
)
ive_op: Callable[..., Tensor] = elementwise(
    "ive",
    lambda x, *, v=0.0: cast(sp.ive(v, x), x),
    "exp(-|x|) iv(v, x), without overflow.",
    x=lambda g, x, out, *, v: g * ((ive_op(x, v=v - 1) + ive_op(x, v=v + 1)) / 2 - sign(x) * out),
    domain={"x": POSITIVE},
)
kve_op: Callable[..., Tensor] = elementwise(
    "kve",
    lambda x, *, v=0.0: cast(sp.kve(v, x), x),
    "exp(x) kv(v, x), without underflow.",
    x=lambda g, x, out, *, v: g * (out - (kve_op(x, v=v - 1) + kve_op(x, v=v + 1)) / 2),
    domain={"x": POSITIVE},
)
j0 = elementwise("j0", unary(sp.j0), "jv(0, x).", x=lambda g, x: -g * j1(x))
j1: Callable[..., Tensor] = elementwise("j1", unary(sp.j1), "jv(1, x).", x=lambda g, x: g * (j0(x) - jv_op(x, v=2)) / 2)
i0 = elementwise("i0", unary(sp.i0), "iv(0, x).", x=lambda g, x: g * i1(x))
i1: Callable[..., Tensor] = elementwise("i1", unary(sp.i1), "iv(1, x).", x=lambda g, x: g * (i0(x) + iv_op(x, v=2)) / 2)
i0e = elementwise(
    "i0e", unary(sp.i0e), "exp(-|x|) i0(x).", x=lambda g, x, out: g * (i1e(x) - sign(x) * out), kinks=(0.0,)
)
i1e: Callable[..., Tensor] = elementwise(
    "i1e",
    unary(sp.i1e),
    "exp(-|x|) i1(x).",
    x=lambda g, x, out: g * ((i0e(x) + ive_op(x, v=2)) / 2 - sign(x) * out),
    kinks=(0.0,),
)

# ---- distribution functions, whose derivatives are densities ---------------------------------------------------
gammainc_op = elementwise(
    "gammainc",
    lambda x, *, a=1.0: cast(sp.gammainc(a, x), x),
    "The regularized lower incomplete gamma function.",
    x=lambda g, x, *, a: g * _gamma_density(x, a),
    domain={"x": POSITIVE},
)
gammaincc_op = elementwise(
    "gammaincc",
    lambda x, *, a=1.0: cast(sp.gammaincc(a, x), x),
    "1 - gammainc(a, x).",
    x=lambda g, x, *, a: -g * _gamma_density(x, a),
    domain={"x": POSITIVE},
)
betainc_op = elementwise(
    "betainc",
    lambda x, *, a=1.0, b=1.0: cast(sp.betainc(a, b, x), x),
    "The regularized incomplete beta function.",
    x=lambda g, x, *, a, b: g * _beta_density(x, a, b),
    domain={"x": PROBABILITY},
)
betaincc_op = elementwise(
    "betaincc",
    lambda x, *, a=1.0, b=1.0: cast(sp.betaincc(a, b, x), x),
    "1 - betainc(a, b, x).",
    x=lambda g, x, *, a, b: -g * _beta_density(x, a, b),
    domain={"x": PROBABILITY},
)
stdtr_op = elementwise(
    "stdtr",
    lambda x, *, df=1.0: cast(sp.stdtr(df, x), x),
    "The distribution function of Student's t.",
    x=lambda g, x, *, df: g * _t_density(x, df),
)
stdtrit_op = elementwise(
    "stdtrit",
    lambda x, *, df=1.0: cast(sp.stdtrit(df, x), x),
    "Student's quantiles: the inverse of stdtr.",
    x=lambda g, out, *, df: g / _t_density(out, df),
    domain={"x": PROBABILITY},
)


def _gamma_density(x: Value, a: Value) -> Value:
    return exp(xlogy(a - 1, x) - x - sp.gammaln(a))


def _beta_density(x: Value, a: Value, b: Value) -> Value:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - sp.betaln(a, b))


def _t_density(t: Value, df: Value) -> Value:
    return exp(-(df + 1) / 2 * log1p(square(t) / df) - sp.betaln(df / 2, 0.5)) / np.sqrt(df)
