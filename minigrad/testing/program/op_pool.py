"""The ops that programs are made of: the smooth ones of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import minigrad.ops  # noqa: F401  (fills the registry)
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY

SIMPLE: Final = ("add", "multiply", "sum", "sin", "matmul", "exp", "subtract", "negative", "square")
"""What comes first, and so is what a failing program is made of where it can be."""

NOT_SMOOTH: Final = (
    "sign", "floor", "ceil", "trunc", "round", "step", "remainder", "hardshrink", "threshold", "celu", "softsign",
)  # fmt: skip
"""Ops with steps, or with a jump in their second derivative."""

NOT_A_STEP: Final = (
    "astype", "from_parts", "fft", "ifft", "rfft", "irfft", "eig", "lu",  # leave the real numbers of double precision
    "conv_input", "conv_weight", "avg_pool_input", "resample", "resample_input", "unfold", "fold", "diagonal_matrix",
    "max_unpool", "pool_take", "grid_sample", "ctc_nll", "sparse_matmul",
)  # fmt: skip
"""Ops with other dtypes, and those whose settings or positions repeat facts of another call: most of these are the
derivatives of ops that programs have."""


@cache
def smooth_ops() -> Sequence[Op]:
    """The smooth ops of minigrad, the simplest first."""
    found = [op for op in REGISTRY.values() if _is_smooth(op)]
    return sorted(found, key=lambda op: SIMPLE.index(op.name) if op.name in SIMPLE else len(SIMPLE))


def _is_smooth(op: Op) -> bool:
    own = (op.module or "").startswith("minigrad.ops.")
    differentiable = op.variadic or any(name not in op.non_differentiable for name in op.inputs)
    return own and differentiable and not op.kinks and op.name not in (*NOT_SMOOTH, *NOT_A_STEP)
