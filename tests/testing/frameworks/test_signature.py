"""What functions take, and the one line that tells that a framework is not installed."""

import inspect

import numpy as np
import pytest

from minigrad.errors import UsageError
from minigrad.testing import gradtest
from minigrad.testing.frameworks.signature import named_function, require_framework, required_parameters


def test_framework_that_is_not_installed_is_told_in_one_line():
    text = "minigrad.testing.nonesuch tests gradients of nonesuch, which is not installed: pip install nonesuch"
    with pytest.raises(ModuleNotFoundError, match=text), require_framework("nonesuch"):
        import nonesuch  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="No module named 'other'"), require_framework("nonesuch"):
        import other  # noqa: F401


def test_function_has_the_name_and_parameters_that_it_is_given():
    parameters = list(inspect.signature(lambda x, y, k=1: 0).parameters.values())
    named = named_function(lambda *args: len(args), "Layer.apply", parameters)
    assert (named.__name__, required_parameters(named), named(1, 2)) == ("Layer.apply", ["x", "y"], 2)


def test_function_that_does_not_tell_its_parameters_is_told_how_to_be_wrapped():
    class Silent:
        __name__ = "silent"
        __signature__ = "none"

        def __call__(self, *args):
            return np.sin(*args)

    with pytest.raises(UsageError, match="silent does not tell its parameters: wrap it"):
        gradtest(Silent()).gradtest()
