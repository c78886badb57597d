"""Example inputs for activations and losses that are ops."""

import numpy as np

from tests.op_cases.case import Case, cases

SIDES = (np.array([-7.1, -3.2, -2.9, -0.7, -0.3, 0.2, 0.6, 1.2, 2.8, 3.1, 5.9, 6.2]),)  # each side of every kink
SHAPES = (((2, 3),), ((),), ((0, 2),))

ACTIVATION: dict[str, list[Case]] = {
    **{
        name: cases(*SHAPES, SIDES)
        for name in (
            "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "softshrink", "hardshrink", "elu", "selu", "celu",
            "logsigmoid", "softplus", "softsign", "silu", "mish", "hardswish", "gelu", "gelu_tanh", "erf", "erfc",
        )
    },
    "binary_cross_entropy": cases(((2, 3), (2, 3)), ((2, 1), (3,)), ((), ()), ((0, 2), (2,))),
    "threshold": cases(*SHAPES, SIDES, threshold=0.1, value=-2.0),
    "prelu": cases(((2, 3), (2, 3)), ((2, 3), (3, 1, 1)), ((), ()), ((0, 2), (2,)), (*SIDES, ())),
}  # fmt: skip
ACTIVATION["leaky_relu"] += cases(SIDES, negative_slope=-0.4)
ACTIVATION["hardtanh"] += cases(SIDES, min_val=-3.05, max_val=0.4)
ACTIVATION["softshrink"] += cases(SIDES, lambd=1.0)
ACTIVATION["hardshrink"] += cases(SIDES, lambd=1.0)
ACTIVATION["elu"] += cases(SIDES, alpha=0.3)
ACTIVATION["celu"] += cases(SIDES, alpha=0.3)
ACTIVATION["softplus"] += cases(SIDES, beta=2.0, threshold=5.0)
