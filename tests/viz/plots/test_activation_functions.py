"""Activations: their values, and derivatives that are those of differences."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import sigmoid
from minigrad.viz.plots.activation_functions import NAMES, activation_curves, plot_activations
from tests.helper import slope

KINKS = {0, -0.5, 0.5, -1, 1, -3, 3, 6}


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_is_that_of_differences(name):
    x = np.array([p for p in np.linspace(-6.05, 6.05, 41) if min(abs(p - kink) for kink in KINKS) > 0.02])
    _, y, derivative = activation_curves(name, x)
    expected = slope(lambda t: activation_curves(name, x + t)[1])
    np.testing.assert_allclose(derivative, expected, atol=1e-8)
    np.testing.assert_array_equal(y, activation_curves(name, x)[1])


def test_functions_and_modules_may_be_given():
    x = np.linspace(-2, 2, 9)
    _, y, derivative = activation_curves(lambda x: x * sigmoid(x), x)
    np.testing.assert_allclose(y, activation_curves("silu", x)[1], rtol=1e-12)
    np.testing.assert_allclose(derivative, activation_curves("silu", x)[2], rtol=1e-12)
    layer = nn.PReLU().astype(float)
    assert activation_curves(layer, x)[2].tolist() == [0.25] * 5 + [1] * 4
    assert layer.weight.grad is None


def curves(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_function_and_derivative_are_drawn_in_one_color_and_different_dashes():
    ax = plot_activations(["tanh", "sigmoid"])
    drawn = curves(ax)
    assert list(drawn) == ["tanh", "tanh′", "sigmoid", "sigmoid′"]
    assert drawn["tanh"].get_color() == drawn["tanh′"].get_color() != drawn["sigmoid"].get_color()
    assert drawn["tanh"].get_linestyle() != drawn["tanh′"].get_linestyle()
    x, y = drawn["tanh′"].get_xydata().T
    np.testing.assert_allclose(y, 1 - np.tanh(x) ** 2, atol=1e-12)


def test_a_jump_is_not_joined():
    drawn = curves(plot_activations("relu"))
    y = np.asarray(drawn["relu′"].get_ydata())
    assert np.isnan(y).sum() == 1
    assert set(y[~np.isnan(y)]) == {0, 1}
    assert not np.isnan(np.asarray(drawn["relu"].get_ydata())).any()


def test_names_and_ranges():
    ax = plot_activations({"swish": lambda x: x * sigmoid(x)}, x=(-2, 3), y=(-1, 4))
    assert list(curves(ax)) == ["swish", "swish′"]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 3), (-1, 4))
    assert list(curves(plot_activations(nn.GELU()))) == ["GELU", "GELU′"]
    assert list(curves(plot_activations(sigmoid))) == ["sigmoid", "sigmoid′"]


def test_bad_input_is_refused():
    with pytest.raises(UsageError, match=r"no activation is called 'rellu': give a function, or one of .*relu"):
        plot_activations("rellu")
    with pytest.raises(ShapeError, match=r"makes \(\) of \(1001,\), not one number of each"):
        plot_activations({"sum": lambda x: x.sum()})
    with pytest.raises(UsageError, match="from a smaller to a larger"):
        plot_activations("relu", x=(1, -1))
    with pytest.raises(UsageError, match="no function to draw"):
        plot_activations([])
