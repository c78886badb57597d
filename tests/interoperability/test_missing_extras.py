"""Where an optional package is missing, one line names the extra that brings it."""

import sys

import numpy as np
import pytest

import minigrad as mg
import minigrad.einops
from minigrad import MissingExtraError
from minigrad.special.scipy_functions import sp


@pytest.mark.parametrize(
    ("package", "call", "message"),
    [
        (
            "scipy.optimize",
            lambda: mg.optim.minimize(lambda x: (x * x).sum(), np.ones(2)),
            r'minigrad\.optim\.minimize needs SciPy: pip install "minigrad\[scipy\]"',
        ),
        ("scipy.special", lambda: sp.elliprj(1.0, 2.0), r'minigrad\.special\.elliprj needs SciPy: .*\[scipy\]"'),
        ("einops._backends", mg.einops.register, r'minigrad\.einops needs einops: pip install "minigrad\[einops\]"'),
    ],
)
def test_extra_is_named(monkeypatch, package, call, message):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=message):
        call()
