"""Runs exported models in onnxruntime, and compares with minigrad."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, nn, no_grad
from minigrad.io import to_onnx


class Function(nn.Module):
    """A function of Tensors as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, *xs: Tensor) -> Any:
        return self.function(*xs)


def run(exported: Any, *inputs: np.ndarray) -> list[np.ndarray]:
    """The outputs of an exported model in onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(exported.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def assert_same(exported: Any, model: nn.Module, *inputs: np.ndarray, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Both give equal numbers, of equal shapes and dtypes, up to the rounding of float32."""
    with no_grad():
        expected = model(*[Tensor(x) for x in inputs])
    expected = expected if isinstance(expected, tuple) else (expected,)
    for found, out in zip(run(exported, *inputs), expected, strict=True):
        assert (found.shape, found.dtype) == (out.shape, out.dtype)
        np.testing.assert_allclose(found, out.numpy(), rtol, atol)


def check(function: Callable[..., Any], *inputs: np.ndarray, **options: Any) -> Any:
    """Export a function, hold onnxruntime's answer against minigrad's, and give what was exported."""
    model = Function(function)
    exported = to_onnx(model, *inputs, **options)
    assert_same(exported, model, *inputs)
    return exported
