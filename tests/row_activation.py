"""Example inputs for activations and losses that are ops. `row.py` joins them."""

import numpy as np

from tests.row_kind import Row, rows

SIDES = (np.array([-7.1, -3.2, -2.9, -0.7, -0.3, 0.2, 0.6, 1.2, 2.8, 3.1, 5.9, 6.2]),)  # each side of every kink
SHAPES = (((2, 3),), ((),), ((0, 2),))

ACTIVATION: dict[str, list[Row]] = {
    **{
        name: rows(*SHAPES, SIDES)
        for name in (
            "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "softshrink", "hardshrink", "elu", "selu", "celu",
            "logsigmoid", "softplus", "softsign", "silu", "mish", "hardswish", "gelu", "gelu_tanh", "erf", "erfc",
        )
    },
    "binary_cross_entropy": rows(((2, 3), (2, 3)), ((2, 1), (3,)), ((), ()), ((0, 2), (2,))),
    "threshold": rows(*SHAPES, SIDES, threshold=0.1, value=-2.0),
    "prelu": rows(((2, 3), (2, 3)), ((2, 3), (3, 1, 1)), ((), ()), ((0, 2), (2,)), (*SIDES, ())),
}  # fmt: skip
ACTIVATION["leaky_relu"] += rows(SIDES, negative_slope=-0.4)
ACTIVATION["hardtanh"] += rows(SIDES, min_val=-3.05, max_val=0.4)
ACTIVATION["softshrink"] += rows(SIDES, lambd=1.0)
ACTIVATION["hardshrink"] += rows(SIDES, lambd=1.0)
ACTIVATION["elu"] += rows(SIDES, alpha=0.3)
ACTIVATION["celu"] += rows(SIDES, alpha=0.3)
ACTIVATION["softplus"] += rows(SIDES, beta=2.0, threshold=5.0)
