"""One row an op: example inputs for `tests/ops/test_every_op.py`.

A row gives example inputs: a shape is filled with numbers from the op's domain, anything else is taken as it is.
Numbers keep their distance from each other and from the multiples of 1/2, where some ops have kinks.
"""

import sys
from typing import Any

import numpy as np

from minigrad import REGISTRY, Op
from minigrad.domain import Domain, MatrixDomain
from tests.op_cases.activation import ACTIVATION
from tests.op_cases.array_api import ARRAY
from tests.op_cases.case import Case, cases
from tests.op_cases.complex import COMPLEX
from tests.op_cases.linalg import LINALG
from tests.op_cases.network import NETWORK
from tests.op_cases.special import SPECIAL

BINARY = [((2, 3), (2, 3)), ((2, 1), (3,)), ((), (2, 2)), ((3,), 1.5), (1.5, (3,))]
UNARY = [((2, 3),), ((),), ((0, 2),)]


def reductions(*extra: dict[str, Any]) -> list[Case]:
    settings = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, *extra]
    return [Case(((2, 3, 2),), s) for s in settings] + [Case(((),), {})]


BOOLS = (np.array([True, False, True]), np.array([True, True, False]))
MASK = np.array([[True, False, True], [False, False, True]])
POSITIONS = np.array([[[[0, 5], [5, -1]]]], np.int32)  # one pixel wins twice, one window lies outside
OVERLAPPING = {"kernel": (3, 3), "stride": (2, 2), "padding": (1, 1)}
CONV = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
VOLUME_CONV = {"stride": (1, 2, 2), "padding": (1, 0, 0), "dilation": (2, 1, 1), "groups": 2}

CASES: dict[str, list[Case]] = {
    **NETWORK,
    **ACTIVATION,
    **ARRAY,
    **LINALG,
    **SPECIAL,
    **COMPLEX,
    **{name: cases(*BINARY) for name in ("add", "subtract", "multiply", "weighted", "divide", "maximum", "minimum")},
    "pow": [*cases(*BINARY[:3]), *cases(((3,), 3), ((3,), -1), ((3,), 0), (2.0, (3,)))],
    "remainder": cases(((2, 3), (2, 3)), ((3,), 0.7), ((2, 1), (3,)), ((0, 2), (2,))),
    **{
        name: cases(*UNARY)
        for name in (
            "negative", "square", "sqrt", "reciprocal", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "sinh",
            "cosh", "atan", "tanh", "sigmoid", "relu", "abs", "sign", "floor", "ceil", "round", "step", "zeros_like",
            "isfinite", "isnan", "isinf", "logical_not", "alias",
        )
    },
    **{
        name: cases(*BINARY[:3])
        for name in (
            "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "floor_divide", "logical_and",
            "logical_or",
        )
    },
    "bitwise_invert": cases((BOOLS[0],)),
    "bitwise_and": cases(BOOLS),
    "bitwise_or": cases(BOOLS),
    "bitwise_xor": cases(BOOLS),
    "bitwise_left_shift": cases((np.array([1, 2, 5]), np.array([0, 1, 2]))),
    "bitwise_right_shift": cases((np.array([1, 2, 5]), np.array([0, 1, 2]))),
    "where": cases((MASK, (2, 3), (2, 3)), (MASK, (3,), ()), (MASK, (2, 1), 0.0)),
    "reshape": [*cases(((2, 3),), shape=(3, 2)), *cases(((2, 3),), shape=(-1,)), *cases(((),), shape=(1, 1))],
    "permute_dims": [Case(((2, 3, 4),), {"axes": axes}) for axes in ((2, 0, 1), (-1, 0, 1), None)],
    "broadcast_to": [*cases(((3, 1),), shape=(2, 3, 4)), *cases(((),), shape=(2, 2)), *cases(((1,),), shape=(1, 1))],
    "sum_to": [*cases(((2, 3, 4),), shape=(3, 1)), *cases(((2, 2),), shape=()), *cases(((2, 3),), shape=(2, 3))],
    "astype": cases(((2, 3),), dtype=np.float64),
    "concat": [*cases(((2, 1), (2, 3), (2, 2)), axis=1), *cases(((2,),), axis=0), *cases(((0, 2), (1, 2)), axis=-2)],
    "sum": reductions({"axis": (0, 2)}, {"axis": ()}, {"axis": (-1, 0), "keepdims": True}, {"dtype": "float64"}),
    "mean": reductions({"axis": (0, 2)}, {"axis": ()}, {"axis": (-1, 0), "keepdims": True}),
    "prod": reductions({"axis": (0, 2)}, {"axis": ()}, {"axis": (-1, 0), "keepdims": True}, {"dtype": "float64"})
    + cases((np.array([2.0, 0.0, 3.0]),), (np.array([0.0, 0.0, 3.0]),), ((2, 1),), ((0, 2),), axis=0),
    "max": [*reductions({"axis": (0, 2)}, {"axis": (-1, 0), "keepdims": True}), *cases(((0, 2),), axis=1)],
    "min": [*reductions({"axis": (0, 2)}, {"axis": (-1, 0), "keepdims": True}), *cases(((0, 2),), axis=1)],
    "argmax": reductions(),
    "argmin": reductions(),
    "any": reductions(),
    "all": reductions(),
    "getitem": [
        Case(((3, 4),), {"index": index})
        for index in (
            1, -1, slice(None, None, -2), (Ellipsis, 1), (None, slice(1, 3)), [0, 2, 0], (slice(None), [1, -1, 3]),
            ([0, 2], [1, 1]), (np.array([[0], [1]]), np.array([2, 2])), np.arange(12).reshape(3, 4) % 3 == 0,
            (np.array([True, False, True]), slice(0, 2)), (np.array([True, False, True]), [0, 3]), [], (),
        )
    ],
    "setitem": [
        Case(((3, 4), shape), {"index": index})
        for shape, index in (
            ((4,), 1), ((), -1), ((2, 1), (slice(None, None, -2), slice(1, None))), ((3,), (Ellipsis, 1)),
            ((3, 4), [0, 2, 0]), ((3, 1), [1, 1, 1]), ((2,), ([0, 0], [1, 1])),
            ((), np.arange(12).reshape(3, 4) % 3 == 0), ((4,), np.arange(12).reshape(3, 4) % 3 == 0),
            ((1, 1, 4), 0), ((0, 4), []), ((3, 4), ()),
        )
    ],
    "scatter_add": [
        Case(((2, 2),), {"index": [0, 2], "shape": (3, 2)}),
        Case(((3,),), {"index": [1, 1, 0], "shape": (2,)}),
        Case(((2,),), {"index": (slice(0, 2), 1), "shape": (3, 2)}),
        Case(((),), {"index": (1, 1), "shape": (2, 2)}),
    ],
    "matmul": cases(((2, 3), (3, 2)), ((2, 1, 2, 3), (2, 3, 1)), ((2, 3), (2, 3, 2)), ((2, 0), (0, 3))),
    "linear": cases(((2, 3), (2, 3), (2,)), ((3,), (2, 3), (2,)), ((2, 2, 3), (1, 3), None), ((0, 3), (2, 3), (2,))),
    "conv": [
        *cases(((1, 2, 3, 3), (2, 2, 2, 2), (2,)), ((2, 1, 3, 3), (1, 1, 3, 2), None), padding=1),
        Case(((1, 2, 4, 4), (2, 1, 2, 2), (2,)), CONV),
        *cases(((0, 2, 3, 3), (2, 2, 2, 2), (2,))),
        Case(((1, 1, 4, 4), (1, 1, 2, 2), (1,)), {"stride": 3}),  # the last row and column are never read
        Case(((1, 2, 3, 2, 2), (2, 1, 2, 2, 1), (2,)), VOLUME_CONV),
    ],
    "conv_input": [
        Case(((1, 2, 2, 2), (2, 1, 2, 2)), {"shape": (1, 1, 3, 3)}),
        Case(((0, 2, 2, 2), (2, 1, 2, 2)), {"shape": (0, 1, 3, 3)}),
        Case(((1, 2, 3, 2), (2, 1, 2, 2)), {"shape": (1, 2, 4, 4), **CONV}),
        Case(((1, 2, 3, 1, 1), (2, 1, 2, 2, 1)), {"shape": (1, 2, 3, 2, 2), **VOLUME_CONV}),
    ],
    "conv_weight": [
        Case(((1, 1, 3, 3), (1, 2, 2, 2)), {"shape": (2, 1, 2, 2)}),
        Case(((0, 1, 3, 3), (0, 2, 2, 2)), {"shape": (2, 1, 2, 2)}),
        Case(((1, 2, 4, 4), (1, 2, 3, 2)), {"shape": (2, 1, 2, 2), **CONV}),
        Case(((1, 2, 3, 2, 2), (1, 2, 3, 1, 1)), {"shape": (2, 1, 2, 2, 1), **VOLUME_CONV}),
    ],
    "max_pool": [
        *cases(((1, 2, 4, 4),), ((2, 1, 5, 3),), ((0, 1, 4, 4),), kernel=2),
        *cases(((1, 1, 5, 5),), **OVERLAPPING),
        *cases(((1, 1, 5, 4),), kernel=(2, 3), stride=(1, 2), ceil_mode=True, dilation=(2, 1)),
        *cases(((1, 1, 3, 2, 3),), kernel=(2, 1, 2), stride=(1, 1, 2), ceil_mode=True, dilation=(2, 1, 1)),
    ],
    "max_unpool": [
        *cases(((1, 1, 2, 2), POSITIONS), shape=(1, 1, 3, 3)),
        *cases(((0, 1, 2, 2), POSITIONS[:0]), shape=(0, 1, 3, 3)),
        *cases(((1, 1, 1, 2, 2), POSITIONS[:, :, None]), shape=(1, 1, 3, 3, 1)),
    ],
    "pool_take": cases(
        ((1, 1, 3, 3), POSITIONS), ((0, 1, 3, 3), POSITIONS[:0]), ((1, 1, 3, 1, 3), POSITIONS[:, :, None])
    ),
    "avg_pool": [
        *cases(((1, 2, 4, 4),), ((2, 1, 5, 3),), ((0, 1, 4, 4),), kernel=2),
        *cases(((1, 1, 5, 5),), **OVERLAPPING),
        *cases(((1, 1, 5, 5),), **OVERLAPPING, count_include_pad=False),
        *cases(((1, 1, 5, 4),), kernel=(2, 3), stride=(1, 2), ceil_mode=True),
        *cases(((1, 1, 3, 2, 3),), kernel=(2, 1, 2), padding=(1, 0, 1), ceil_mode=True),
    ],
    "avg_pool_input": [
        *cases(((1, 1, 3, 3),), shape=(1, 1, 5, 5), count_include_pad=True, **OVERLAPPING),
        *cases(((0, 1, 3, 3),), shape=(0, 1, 5, 5), count_include_pad=True, **OVERLAPPING),
        *cases(((1, 1, 3, 3),), shape=(1, 1, 5, 5), count_include_pad=False, **OVERLAPPING),
        Case(
            ((1, 1, 2, 2, 1),),
            {"shape": (1, 1, 3, 2, 2), "kernel": (2, 1, 2), "stride": (1, 1, 2), "padding": (0, 0, 1),
             "count_include_pad": False},
        ),
    ],
    "softmax": [*cases(((2, 3),), ((2, 3, 2),), axis=1), *cases(((3,),))],
    "log_softmax": [*cases(((2, 3),), ((2, 3, 2),), axis=1), *cases(((3,),))],
    "softmax_cross_entropy": cases(((3, 4), np.array([0, 3, 0])), ((1, 1), np.array([0]))),
}  # fmt: skip


def own_ops() -> dict[str, Op]:
    """The registered ops that a module of minigrad holds; other tests and doctests register ops of their own."""
    modules = [module for name, module in sys.modules.items() if name.startswith("minigrad.")]
    held = {id(value) for module in modules for value in vars(module).values() if isinstance(value, Op)}
    return {name: op for name, op in REGISTRY.items() if id(op) in held}


OWN = own_ops()


def draw(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, taken: list[float]) -> np.ndarray:
    """Numbers of the domain, at least 0.005 from each other and 0.02 from a multiple of 1/2."""
    low, high = max(domain.low, -2.0), min(domain.high, 2.0)
    numbers = np.empty(shape)
    for place in np.ndindex(shape):
        while True:
            x = rng.uniform(low, high)
            if abs(2 * x - np.rint(2 * x)) > 0.04 and all(abs(x - other) > 0.005 for other in taken):
                break
        taken.append(x)
        numbers[place] = x
    return domain.project(numbers) if isinstance(domain, MatrixDomain) else numbers


class Call:
    """One row, made concrete: an op, arrays and settings."""

    def __init__(self, name: str, k: int) -> None:
        self.op, row = OWN[name], CASES[name][k]
        rng, taken = np.random.default_rng(k), []
        self.names = [self.op.inputs[0]] * len(row.inputs) if self.op.variadic else list(self.op.inputs)
        self.arrays = [
            draw(self.op.domain[name], x, rng, taken) if isinstance(x, tuple) else x
            for name, x in zip(self.names, row.inputs, strict=True)
        ]
        self.settings = row.settings

    def __call__(self, *inputs: Any) -> Any:
        """The op's result, for its own arrays unless others are given."""
        return self.op(*(inputs or self.arrays), **self.settings)
