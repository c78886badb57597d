"""Example inputs for special functions."""

import numpy as np

from minigrad import special as special  # which registers the ops that these are rows of
from tests.op_cases.case import Case, cases

UNARY = (((2, 3),), ((),), ((0, 2),))
BINARY = (((2, 3), (2, 3)), ((2, 1), (3,)), ((), ()), ((0, 2), (2,)))
WIDE = (np.array([0.02, 0.3, 0.7, 1.2, 3.4, 8.6, 21.3]),)
FAR = (np.array([-31.2, -8.3, -2.2, -0.4, 0.3, 1.7, 6.1, 29.4]),)
INSIDE = (np.array([0.001, 0.02, 0.3, 0.7, 0.97, 0.9991]),)

SPECIAL: dict[str, list[Case]] = {
    **{name: cases(*UNARY, WIDE) for name in ("gammaln", "gamma", "digamma", "entr", "cbrt", "exp10")},
    **{name: cases(*UNARY, FAR) for name in ("ndtr", "log_ndtr", "i0e", "i1e", "j0", "j1", "i0", "i1")},
    **{name: cases(*UNARY, INSIDE) for name in ("ndtri", "logit", "erfinv", "erfcinv")},
    "erfcx": cases(*UNARY, (np.array([-3.1, -0.3, 0.7, 4.2, 31.3]),)),
    **{name: cases(*BINARY) for name in ("betaln", "xlogy", "xlog1py", "rel_entr", "kl_div")},
    "polygamma": [*cases(*UNARY), *cases(WIDE, n=3)],
    **{
        name: [*cases(*UNARY), *cases(WIDE, v=1.5), *cases(((2, 1),), v=np.array([0.0, 2.0, 0.3]))]
        for name in ("jv", "yv", "iv", "kv", "ive", "kve")
    },
    **{name: [*cases(*UNARY), *cases(WIDE, a=2.5)] for name in ("gammainc", "gammaincc")},
    **{name: [*cases(*UNARY), *cases(INSIDE, a=2.5, b=0.7)] for name in ("betainc", "betaincc")},
    "stdtr": [*cases(*UNARY), *cases(FAR, df=4.5)],
    "stdtrit": [*cases(*UNARY), *cases(INSIDE, df=4.5)],
}  # fmt: skip
