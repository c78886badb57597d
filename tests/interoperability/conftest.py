"""Other libraries make arrays of the default dtype, and are compared with what they compute in float64."""

import pytest

import minigrad as mg


@pytest.fixture(autouse=True)
def _float64_by_default():
    mg.set_default_dtype("float64")  # tests/conftest.py sets it back
