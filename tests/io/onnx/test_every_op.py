"""Every op that has a form in ONNX gives in onnxruntime what it gives here, on the rows of `tests/op_cases`."""

import numpy as np
import pytest

from minigrad.io.onnx import export  # noqa: F401  (which registers the converters)
from minigrad.io.onnx.table import CONVERTERS
from tests.io.onnx.runtime import check
from tests.op_cases.every_op import CASES, OWN, Call

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

COVERED = [name for name, op in OWN.items() if name in CONVERTERS or (op.elementwise and op.onnx and not op.settings)]
ROWS = [(name, k) for name in COVERED for k in range(len(CASES[name]))]


def as_float32(x):
    return x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x


@pytest.mark.parametrize(("name", "k"), ROWS, ids=[f"{name}-{k}" for name, k in ROWS])
def test_row(name, k):
    call = Call(name, k)
    values = [as_float32(x) for x in call.arrays]
    given = [i for i, x in enumerate(values) if isinstance(x, np.ndarray)]

    def function(*tensors):
        found = list(values)
        for i, tensor in zip(given, tensors, strict=True):
            found[i] = tensor
        return call.op(*found, **call.settings)

    check(function, *[values[i] for i in given])
