"""Penalties on parameters, by their formulas and the gradients that they add."""

import numpy as np
import pytest

from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.helper import variable


def test_penalties_add_what_lasso_and_ridge_add():
    for penalty, value, slopes in ((F.l1_penalty, 0.6, [0.1, -0.1, 0.0]), (F.l2_penalty, 0.85, [0.1, -0.4, 0.0])):
        w, b = variable([1.0, -4.0, 0.0]), variable([[1.0]])
        total = penalty([w, b], 0.1)
        total.backward()
        np.testing.assert_allclose(total.item(), value + (0.05 if penalty is F.l2_penalty else 0.0))
        np.testing.assert_allclose(w.grad.numpy(), slopes)
        np.testing.assert_allclose(b.grad.numpy(), [[0.1]])


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalty_takes_one_tensor_a_list_or_an_iterator(penalty):
    w = variable([1.0, -2.0], np.float32)
    assert penalty(w).item() == penalty([w]).item() == penalty(iter([w])).item()
    assert penalty(w, np.float64(0.5)).dtype == np.float32


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalty_refuses_a_used_iterator_and_a_negative_rate(penalty):
    used = iter([variable([1.0])])
    penalty(used)
    with pytest.raises(UsageError, match=r"there are no parameters; .* call parameters\(\) again"):
        penalty(used)
    with pytest.raises(UsageError, match="the rate must not be negative, got -1"):
        penalty(variable([1.0]), -1)
