"""einops' functions take Tensors, give NumPy's values, and are differentiated."""

import einops
import einops.array_api
import numpy as np
import pytest

import minigrad.einops
from minigrad import Tensor
from minigrad.testing import check_grads

X = np.random.default_rng(0).normal(size=(3, 4))

CALLS = {
    "rearrange": lambda e, x: e.rearrange(x, "a (b c) -> b (c a)", b=2),
    "rearrange_list": lambda e, x: e.rearrange([x, 2 * x], "k a b -> a (k b)"),
    "repeat": lambda e, x: e.repeat(x, "a b -> a (k b) l", k=3, l=2),
    "pack": lambda e, x: e.pack([x, x[0]], "* b")[0],
    "unpack": lambda e, x: e.unpack(x, [(1,), (2,)], "* b")[1],
    **{
        operation: lambda e, x, operation=operation: e.reduce(x, "a (b c) -> c", operation, b=2)
        for operation in ("sum", "mean", "max", "min", "prod")
    },
}


@pytest.mark.parametrize("module", [einops, einops.array_api], ids=["einops", "einops.array_api"])
@pytest.mark.parametrize("name", CALLS)
def test_function_is_differentiated(name, module):
    def call(x):
        return CALLS[name](module, x)

    np.testing.assert_allclose(call(Tensor(X)).numpy(), CALLS[name](einops, X), rtol=1e-12)
    assert check_grads(call, X)


def test_einsum_is_differentiated():
    y = np.random.default_rng(1).normal(size=(4, 2))

    def product(x, y):
        return einops.einsum(x, y, "row inner, inner column -> column row")

    np.testing.assert_allclose(product(Tensor(X), Tensor(y)).numpy(), (X @ y).T)
    assert check_grads(product, X, y)


def test_mean_of_integers_is_refused_as_for_other_frameworks():
    with pytest.raises(NotImplementedError):
        einops.reduce(Tensor(np.arange(4)), "a ->", "mean")


def test_values_leave_by_asnumpy():
    np.testing.assert_array_equal(einops.asnumpy(Tensor(X)), X)
    assert minigrad.einops.TensorBackend.framework_name == "minigrad"
