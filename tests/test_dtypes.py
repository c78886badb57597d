"""Dtypes, their limits and kinds, and how they are promoted."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, can_cast, finfo, iinfo, isdtype, result_type
from minigrad.errors import DTypeError, UsageError


@pytest.mark.parametrize("name", ["bool", "int8", "int64", "uint16", "float16", "float32", "float64"])
def test_a_dtype_is_numpys_own(name):
    dtype = getattr(minigrad, name)
    assert dtype == np.dtype(name)
    assert minigrad.zeros(2, dtype).dtype == dtype


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo_gives_python_numbers(name):
    ours, numpys = finfo(name), np.finfo(name)
    assert ours == finfo(Tensor(np.zeros(1, name)))
    for limit in ("eps", "max", "min", "smallest_normal"):
        assert type(getattr(ours, limit)) is float
        assert getattr(ours, limit) == getattr(numpys, limit)
    assert (ours.bits, ours.dtype) == (numpys.bits, np.dtype(name))


@pytest.mark.parametrize("name", ["int8", "uint8", "int64", "uint64"])
def test_iinfo_gives_numpys_limits(name):
    assert iinfo(name) == (np.iinfo(name).bits, np.iinfo(name).max, np.iinfo(name).min, np.dtype(name))


def test_limits_of_another_kind_are_refused():
    with pytest.raises(DTypeError, match="use iinfo"):
        finfo("int8")
    with pytest.raises(DTypeError, match="use finfo"):
        iinfo("float32")


def test_kinds():
    assert isdtype(minigrad.int8, "signed integer")
    assert isdtype(minigrad.int8, "integral")
    assert isdtype(minigrad.int8, "numeric")
    assert not isdtype(minigrad.bool, "numeric")
    assert isdtype(minigrad.bool, ("integral", "bool"))
    assert isdtype(minigrad.float32, minigrad.float32)
    assert not isdtype(minigrad.float32, minigrad.float64)
    with pytest.raises(UsageError, match="the kinds of dtypes are bool, signed integer"):
        isdtype(minigrad.bool, "boolean")


def test_promotion():
    x = Tensor(np.zeros(2, np.int8))
    assert can_cast(x, minigrad.int16)
    assert not can_cast(minigrad.float64, minigrad.float32)
    assert result_type(x, minigrad.uint8) == minigrad.int16
    assert result_type(x, 3) == minigrad.int8
    assert result_type(Tensor([1.0]), 2.0) == minigrad.float32
    assert result_type(2.0) == minigrad.default_dtype()
    with pytest.raises(UsageError, match="at least one"):
        result_type()
