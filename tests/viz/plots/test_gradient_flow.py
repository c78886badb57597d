"""The plot of the gradient flow names what is wrong with each gradient."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import UsageError
from minigrad.viz.gradient_norms import GradientNorm, gradient_flow
from minigrad.viz.plots.gradient_flow import plot_gradient_flow


def verdicts(ax):
    """The words in the margin, by row."""
    return {int(note.xy[1]): note.get_text() for note in ax.texts}


def points(ax):
    """What is drawn, by label: a value a row."""
    return {line.get_label(): np.asarray(line.get_xdata(), float) for line in ax.lines}


SICK = [
    GradientNorm("fine", 0.1, 1.0),
    GradientNorm("small", 1e-8, 1.0),
    GradientNorm("large", 50.0, 1.0),
    GradientNorm("nan", math.nan, 1.0),
    GradientNorm("inf", math.inf, 1.0),
    GradientNorm("dead", 0.0, 1.0),
    GradientNorm("cut", None, 1.0),
    GradientNorm("fresh", 1e-8, 0.0),
]


def test_every_row_is_drawn_and_what_is_sick_is_named():
    ax = plot_gradient_flow(SICK)
    assert verdicts(ax) == {1: "vanishing", 2: "exploding", 3: "NaN", 4: "infinite", 5: "zero", 6: "no gradient"}
    assert len(ax.patches) == 6  # a band behind each of them
    assert [label.get_text() for label in ax.get_yticklabels()] == [flow.name for flow in SICK]
    assert ax.get_xscale() == "log"
    assert ax.yaxis_inverted()
    drawn = points(ax)
    np.testing.assert_array_equal(drawn["gradient"], [0.1, 1e-8, 50] + [math.nan] * 4 + [1e-8])
    np.testing.assert_array_equal(drawn["gradient / parameter"], [0.1, 1e-8, 50] + [math.nan] * 5)


def test_the_limits_are_the_callers():
    assert verdicts(plot_gradient_flow(SICK[:3], vanishing=1e-9, exploding=100)) == {}
    assert verdicts(plot_gradient_flow(SICK[:1], vanishing=0.2)) == {0: "vanishing"}
    with pytest.raises(UsageError, match="0 < vanishing < exploding"):
        plot_gradient_flow(SICK, vanishing=10, exploding=1)
    with pytest.raises(UsageError, match="no parameter to draw"):
        plot_gradient_flow([])


def test_a_deep_network_of_sigmoids_is_seen_to_vanish():
    layers = [part for _ in range(8) for part in (nn.Linear(8, 8), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(8, 1))
    for p in model[:-1].parameters():
        p.data = mg.init.normal(p.shape, std=0.01)
    model(mg.ones((4, 8))).mean().backward()
    found = verdicts(plot_gradient_flow(model))
    assert found[0] == "vanishing"
    assert len(gradient_flow(model)) - 2 not in found  # the last layer's weight
    assert not any(i in found for i in range(1, 18, 2))  # a bias has no size to compare with


def test_close_values_are_not_stretched_over_the_whole_axis():
    low, high = plot_gradient_flow([GradientNorm("a", 1.0, 1.0), GradientNorm("b", 1.1, 1.0)]).get_xlim()
    assert high / low >= 99
