"""Every op that has a form in ONNX gives in onnxruntime what it gives here, on the rows of `tests/op_cases`."""

import numpy as np
import pytest

from minigrad.io import onnx_ops
from minigrad.io.onnx.table import CONVERTERS
from minigrad.io.onnx.whole_modules import WHOLE
from tests.io.onnx.runtime import check
from tests.op_cases.every_op import CASES, OWN, Call

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

COVERED = [name for name in onnx_ops() if name in OWN]
ROWS = [(name, k) for name in COVERED for k in range(len(CASES[name]))]


def as_float32(x):
    return x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x


@pytest.mark.family
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


def test_every_converter_is_of_an_op_or_of_a_module():
    assert set(CONVERTERS) <= set(OWN) | set(WHOLE.values())
