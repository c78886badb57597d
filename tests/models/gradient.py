"""A network's gradients against numerical derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad.autograd.tensor import default_dtype, set_default_dtype
from minigrad.nn import Module
from minigrad.testing import Verdict, check_grads
from minigrad.testing.calls.module_function import ModuleFunction
from minigrad.typing import Array


def assert_gradients(make: Callable[[], Module], x: Array) -> None:
    """In float64, the gradients of all of a network's parameters, and of its input, are correct.

    Args:
        make: makes the network, in its small form.
        x: a batch of input; it is converted to float64.
    """
    before = default_dtype()
    set_default_dtype(np.float64)
    try:
        call = ModuleFunction(make)
        parameters = [parameter.numpy() for parameter in call.parameters.values()]
        report = check_grads(call, np.asarray(x, np.float64), *parameters, order=1)
    finally:
        set_default_dtype(before)
    assert report.verdict is Verdict.CORRECT, str(report)
