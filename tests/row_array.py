"""Rows of example inputs for the elementwise, statistical, manipulation and searching functions of the Array API."""

from typing import Any

import numpy as np

from tests.row_kind import Row, rows

BINARY = [((2, 3), (2, 3)), ((2, 1), (3,)), ((), (2, 2)), ((3,), 1.5), (1.5, (3,)), ((0, 2), (2,))]
UNARY = [((2, 3),), ((),), ((0, 2),)]
ZEROS = (np.array([2.0, 0.0, 3.0, 0.0, 0.5]),)


def each(names: str, examples: list[tuple[Any, ...]]) -> dict[str, list[Row]]:
    return {name: rows(*examples) for name in names.split()}


def reductions(*extra: dict[str, Any]) -> list[Row]:
    settings = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, *extra]
    return [Row(((2, 3, 2),), s) for s in settings] + [Row(((),), {})]


ARRAY: dict[str, list[Row]] = {
    **each("acos acosh asin asinh atanh exp2 log2 log10 positive trunc signbit ones_like", UNARY),
    **each("atan2 copysign hypot logaddexp", BINARY),
    **each("logical_xor nextafter", BINARY[:3]),
    "full_like": rows(((2, 3),), ((),), fill_value=7.0),
    "logsumexp": [
        *reductions({"axis": (0, 2)}, {"axis": ()}, {"axis": (-1, 0), "keepdims": True}),
        *rows(((0, 2),), axis=-1),
    ],
    "count_nonzero": reductions({"axis": (0, 2)}),
    "cumulative_sum": [*rows(((3,),), ((1,),), ((0,),)), *rows(((2, 3),), axis=-2), *rows(((2, 3, 2),), axis=1)],
    "cumulative_prod": [*rows(((3,),), ZEROS, ((0,),)), *rows(((2, 3),), axis=-1), *rows(((2, 3, 2),), axis=1)],
    "linear_scan": [*rows(((4,), (4,)), (ZEROS[0], (5,)), axis=0), *rows(((2, 3), (2, 3)), ((0, 2), (0, 2)), axis=-1)],
    "flip": [*rows(((2, 3),), ((),)), *rows(((2, 3),), ((0, 3),), axis=-1), *rows(((2, 3, 2),), axis=(0, -1))],
    "roll": [
        *rows(((2, 3),), ((),), shift=2),
        *rows(((2, 3),), ((0, 3),), shift=-1, axis=-1),
        *rows(((2, 3),), shift=(1, -2), axis=(0, -1)),
    ],
    **each("tril triu", [((3, 3),), ((2, 2, 3),), ((0, 2),)]),
    "sort": [
        *rows(((4,),), ((0,),), ((1,),)),
        *rows(((3, 2),), axis=0),
        *rows(((2, 3, 2),), axis=-2, descending=True),
    ],
    "argsort": [*rows(((4,),)), *rows(((2, 3),), axis=0), *rows(((2, 3),), axis=-1, descending=True)],
    "searchsorted": rows((np.array([0.0, 1.0, 2.0]), (2, 2)), (np.array([0.0, 1.0]), ()), side="right"),
}
ARRAY["tril"] += rows(((3, 3),), k=1)
ARRAY["triu"] += rows(((3, 3),), k=-1)
