"""Machine code of functions inside of functions: found again in another process, and only where it is the same."""

import numpy as np
import pytest

pytest.importorskip("numba")

from numba.core.caching import FunctionCache

from minigrad.kernels.closure_cache_numba import ClosureCache
from minigrad.kernels.jit import compiled, inlined


class Codegen:
    def magic_tuple(self):
        return ("this processor",)


def kernel(f, step=1):
    @inlined
    def helper(x):
        return x + f(step)

    @compiled
    def double(x):
        return helper(x) * f(2)

    return double


def key(function):
    assert type(function._cache) is ClosureCache
    return function._cache._index_key("f(x)", Codegen())


def test_functions_that_do_the_same_have_the_same_key():
    assert key(kernel(np.float32)) == key(kernel(np.float32))


@pytest.mark.parametrize("other", [lambda: kernel(np.float64), lambda: kernel(np.float32, 2)])
def test_another_constant_or_another_function_within_is_another_key(other):
    assert key(kernel(np.float32)) != key(other())


def test_what_cannot_be_told_has_numbas_own_key():
    thing = {1, 2}

    def function():
        return thing

    own = FunctionCache(function)
    assert ClosureCache(function)._index_key("f(x)", Codegen()) == own._index_key("f(x)", Codegen())
