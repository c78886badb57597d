"""What minigrad tells those who take any array namespace."""

import inspect

import pytest

import minigrad
from minigrad import linalg
from minigrad.errors import UsageError


def test_an_array_names_its_namespace():
    x = minigrad.ones(2)
    assert x.__array_namespace__() is minigrad
    assert x.__array_namespace__(api_version=minigrad.__array_api_version__) is minigrad
    with pytest.raises(UsageError, match=r"2024\.12, and not 1999\.12"):
        x.__array_namespace__(api_version="1999.12")


def test_dtypes_by_kind():
    info = minigrad.__array_namespace_info__()
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert len(info.dtypes()) == len(info.dtypes(kind=("bool", "numeric"))) == 13
    for name, dtype in info.dtypes().items():
        assert getattr(minigrad, name) == dtype
    with pytest.raises(UsageError, match="kinds of dtypes"):
        info.dtypes(kind="other")


def test_default_dtypes_are_those_of_new_arrays():
    defaults = minigrad.__array_namespace_info__().default_dtypes()
    assert defaults["real floating"] == minigrad.asarray(1.0).dtype
    assert defaults["integral"] == minigrad.asarray(1).dtype
    assert defaults["indexing"] == minigrad.argsort(minigrad.ones(2)).dtype


def test_the_only_device_is_the_cpu():
    info = minigrad.__array_namespace_info__()
    assert info.devices() == [info.default_device()] == [minigrad.ones(2).device] == ["cpu"]
    with pytest.raises(UsageError, match='only the device "cpu"'):
        info.dtypes(device="gpu")


def test_capabilities_hold():
    capabilities = minigrad.__array_namespace_info__().capabilities()
    x = minigrad.ones(3)
    assert capabilities["boolean indexing"] is capabilities["data-dependent shapes"] is True
    assert x[x > 0].shape == (3,)
    assert minigrad.ones((1,) * capabilities["max dimensions"]).ndim == 64


def test_linalg_has_the_ops_of_linear_algebra():
    for name in set(linalg.__all__) - {"cond", "lu", "lu_factor", "lu_solve", "vander"}:  # which are there only
        assert inspect.unwrap(getattr(linalg, name)) is inspect.unwrap(getattr(minigrad, name))
