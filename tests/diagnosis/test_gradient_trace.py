"""The norms of gradients are right in the whole range of floating numbers."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.diagnosis import why
from tests.helper import variable


def test_norms_are_right_where_squares_would_overflow_or_vanish() -> None:
    w = Tensor(np.ones(4, np.float32), requires_grad=True)
    assert why(w, lambda: (w * 1e30).sum()).norm == pytest.approx(2e30, rel=1e-6)
    assert why(w, lambda: (w * 1e-30).sum()).norm == pytest.approx(2e-30, rel=1e-6)
    v = variable(np.ones(4))
    assert why(v, lambda: (v * 1e-150).sum()).norm == pytest.approx(2e-150, rel=1e-6)
    assert why(v, lambda: (v * 1e200).sum()).norm == pytest.approx(2e200, rel=1e-6)
