"""array-api-compat and array-api-extra take Tensors for arrays of a namespace, and the functions are differentiated."""

import array_api_compat
import array_api_extra as xpx
import numpy as np
import pytest

import minigrad as mg
from minigrad import MutationError, Tensor
from minigrad.testing import check_grads

V, W = np.array([0.31, 0.82, 0.57, 0.44, 0.93]), np.array([0.72, 0.25, 0.66, 0.11, 0.38])
A = np.arange(12.0).reshape(3, 4) ** 1.5


def test_namespace_of_a_tensor_is_minigrad():
    x = Tensor(A)
    assert array_api_compat.array_namespace(x, x) is mg
    assert array_api_compat.is_array_api_obj(x)
    assert array_api_compat.is_writeable_array(x)
    assert not array_api_compat.is_lazy_array(x)
    assert array_api_compat.device(x) == "cpu"
    assert array_api_compat.to_device(x, "cpu") is x
    assert array_api_compat.size(x) == 12


def test_tensors_and_arrays_of_others_have_no_common_namespace():
    with pytest.raises(TypeError, match="Multiple namespaces"):
        array_api_compat.array_namespace(Tensor(A), A)


CALLS = {
    "atleast_nd": lambda x: xpx.atleast_nd(x, ndim=3),
    "cov": lambda x: xpx.cov(xpx.create_diagonal(x)),
    "kron": lambda x: xpx.kron(x, x[:2]),
    "pad": lambda x: xpx.pad(x, (2, 1), constant_values=0.5),
    "one_hot": lambda x: xpx.one_hot(mg.asarray([0, 2, 1]), 3, dtype=mg.float64) * x[0],
    "sinc": xpx.sinc,
    "create_diagonal": xpx.create_diagonal,
    "nan_to_num": xpx.nan_to_num,
    "setdiff1d": lambda x: xpx.setdiff1d(x, x[:2]),
    "union1d": lambda x: xpx.union1d(x, x[:2] + 1),
    "partition": lambda x: xpx.partition(x, 2),
    "isclose": lambda x: xpx.isclose(x, x[0]) * x,
    "apply_where": lambda x: xpx.apply_where(x > 0.5, x, lambda x: mg.log(x - 0.5), lambda x: x * x),
    "apply_where with a fill value": lambda x: xpx.apply_where(x > 0.5, x, mg.sqrt, fill_value=0.0),
    "lazy_apply": lambda x: xpx.lazy_apply(mg.sin, x, shape=x.shape, dtype=x.dtype),
}


@pytest.mark.parametrize("name", CALLS)
def test_function_of_array_api_extra_is_differentiated(name):
    assert check_grads(CALLS[name], V)


CHANGES = {
    "set": lambda at: at.set(0.3),
    "add": lambda at: at.add(0.3),
    "subtract": lambda at: at.subtract(0.3),
    "multiply": lambda at: at.multiply(0.3),
    "divide": lambda at: at.divide(0.3),
    "power": lambda at: at.power(3),
    "min": lambda at: at.min(0.5),
    "max": lambda at: at.max(0.5),
}


@pytest.mark.parametrize("index", [slice(1, 4), [3, 0], V > 0.5], ids=["slice", "integers", "mask"])
@pytest.mark.parametrize("name", CHANGES)
def test_update_at_an_index_is_differentiated(name, index):
    def updated(x):
        return CHANGES[name](xpx.at(x * x)[index])

    expected = V * V
    CHANGES[name](xpx.at(expected)[index])
    np.testing.assert_allclose(updated(Tensor(V)).numpy(), expected)
    assert check_grads(updated, V)


def test_argument_is_updated_in_a_copy():
    def updated(x, copy):
        return xpx.at(x)[1:].set(x[:-1] * 2, copy=copy)

    assert check_grads(lambda x: updated(x, True), V)
    with pytest.raises(MutationError, match="copy=True"):
        mg.grad(lambda x: updated(x, None).sum())(Tensor(V))
