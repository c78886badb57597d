"""Rows of example inputs for the elementwise, statistical, manipulation and searching functions of the Array API."""

from typing import Any

import numpy as np

from tests.op_cases.case import Case, cases

BINARY = [((2, 3), (2, 3)), ((2, 1), (3,)), ((), (2, 2)), ((3,), 1.5), (1.5, (3,)), ((0, 2), (2,))]
UNARY = [((2, 3),), ((),), ((0, 2),)]
ZEROS = (np.array([2.0, 0.0, 3.0, 0.0, 0.5]),)


def each(names: str, examples: list[tuple[Any, ...]]) -> dict[str, list[Case]]:
    return {name: cases(*examples) for name in names.split()}


def reductions(*extra: dict[str, Any]) -> list[Case]:
    settings = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, *extra]
    return [Case(((2, 3, 2),), s) for s in settings] + [Case(((),), {})]


ARRAY: dict[str, list[Case]] = {
    **each("acos acosh asin asinh atanh exp2 log2 log10 positive trunc signbit ones_like", UNARY),
    **each("atan2 copysign hypot logaddexp", BINARY),
    **each("logical_xor nextafter", BINARY[:3]),
    "full_like": cases(((2, 3),), ((),), fill_value=7.0),
    "logsumexp": [
        *reductions({"axis": (0, 2)}, {"axis": ()}, {"axis": (-1, 0), "keepdims": True}),
        *cases(((0, 2),), axis=-1),
    ],
    "count_nonzero": reductions({"axis": (0, 2)}),
    "cumulative_sum": [*cases(((3,),), ((1,),), ((0,),)), *cases(((2, 3),), axis=-2), *cases(((2, 3, 2),), axis=1)],
    "cumulative_prod": [*cases(((3,),), ZEROS, ((0,),)), *cases(((2, 3),), axis=-1), *cases(((2, 3, 2),), axis=1)],
    "linear_scan": [
        *cases(((4,), (4,)), (ZEROS[0], (5,)), axis=0),
        *cases(((2, 3), (2, 3)), ((0, 2), (0, 2)), axis=-1),
    ],
    "flip": [*cases(((2, 3),), ((),)), *cases(((2, 3),), ((0, 3),), axis=-1), *cases(((2, 3, 2),), axis=(0, -1))],
    "roll": [
        *cases(((2, 3),), ((),), shift=2),
        *cases(((2, 3),), ((0, 3),), shift=-1, axis=-1),
        *cases(((2, 3),), shift=(1, -2), axis=(0, -1)),
    ],
    **each("tril triu", [((3, 3),), ((2, 2, 3),), ((0, 2),)]),
    "sort": [
        *cases(((4,),), ((0,),), ((1,),)),
        *cases(((3, 2),), axis=0),
        *cases(((2, 3, 2),), axis=-2, descending=True),
    ],
    "argsort": [*cases(((4,),)), *cases(((2, 3),), axis=0), *cases(((2, 3),), axis=-1, descending=True)],
    "searchsorted": cases((np.array([0.0, 1.0, 2.0]), (2, 2)), (np.array([0.0, 1.0]), ()), side="right"),
}
ARRAY["tril"] += cases(((3, 3),), k=1)
ARRAY["triu"] += cases(((3, 3),), k=-1)
