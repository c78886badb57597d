"""The shape language and the little helpers for axes and pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UsageError, shape_text
from minigrad.shapes import ShapeSpec, canonical_axes, canonical_axis, pair

LINEAR = ShapeSpec("... D, O D, O? -> ... O")
CONV = ShapeSpec("N C H W, O C/groups P Q, O? -> N O I J")
NAMES = ["x", "w", "b"]


@pytest.mark.parametrize(
    "shapes", [[(8, 3), (5, 3), (5,)], [(3,), (5, 3), None], [(2, 4, 3), (5, 3), (5,)], [(0, 3), (5, 3), None]]
)
def test_shapes_that_fit_have_no_mismatch(shapes):
    assert LINEAR.mismatch(NAMES, shapes) is None


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [
        ([(8, 4), (5, 3), (5,)], "D is 4 in x but 3 in w"),
        ([(8, 3), (5, 3), (6,)], "O is 5 in w but 6 in b"),
        ([(), (5, 3), None], "x has 0 dimensions, not 1 or more"),
        ([(3,), (5, 3, 1), None], "w has 3 dimensions, not 2"),
    ],
)
def test_mismatch_says_which_letter_differs_where(shapes, problem):
    assert LINEAR.mismatch(NAMES, shapes).splitlines()[-1] == problem


def test_divided_letter_is_multiplied_by_its_setting():
    shapes = [(1, 6, 4, 4), (4, 3, 2, 2), None]
    assert CONV.mismatch(NAMES, shapes, {"groups": 2}) is None
    problem = CONV.mismatch(NAMES, shapes, {"groups": 3})
    assert problem.splitlines()[-1] == "C is 6 in x but 9 in w times groups"
    assert "groups" not in CONV.mismatch(NAMES, shapes, {"groups": 1}).splitlines()[-1]


def test_mismatch_shows_what_was_expected_and_what_came():
    expected, got, _ = CONV.mismatch(NAMES, [(1, 2, 4, 4), (4, 3, 2, 2), (4,)], {"groups": 1}).splitlines()
    assert expected == "expected x (N, C, H, W), w (O, C/groups, P, Q), b (O)"
    assert got.strip() == "got x (N=1, C=2, H=4, W=4), w (O=4, C/groups=3, P=2, Q=2), b (O=4)"


VOLUMES = ShapeSpec("N C [D] H W, O C [R] P Q, O? -> N O [K] I J")


@pytest.mark.parametrize(
    ("x", "w", "expected", "problem"),
    [
        ((1, 2, 4, 4), (4, 3, 2, 2), "expected x (N, C, H, W), w (O, C, P, Q), b (O)", "C is 2 in x but 3 in w"),
        ((1, 2, 5, 4, 4), (4, 3, 1, 2, 2), "expected x (N, C, D, H, W), w (O, C, R, P, Q), b (O)", "C is 2 in x"),
        ((1, 3, 5, 4, 4), (4, 3, 2, 2), "expected x (N, C, D, H, W)", "w has 4 dimensions, not 5"),
        ((1, 3, 4, 4), (4, 3, 1, 2, 2), "expected x (N, C, D, H, W)", "x has 4 dimensions, not 5"),
        ((3, 4), (4, 3, 2, 2), "expected x (N, C, H, W)", "x has 2 dimensions, not 4"),
    ],
)
def test_letters_in_brackets_are_for_volumes(x, w, expected, problem):
    first, *_, last = VOLUMES.mismatch(NAMES, [x, w, None]).splitlines()
    assert first.startswith(expected)
    assert last.startswith(problem)
    assert VOLUMES.mismatch(NAMES, [x, (4, x[1], *w[2:]), None]) is None or len(x) != len(w)
    assert (VOLUMES.inputs, VOLUMES.outputs) == (CONV_LETTERS, [["N", "O", "I", "J"]])


CONV_LETTERS = [["N", "C", "H", "W"], ["O", "C", "P", "Q"], ["O"]]


def test_shape_text_falls_back_to_the_bare_shape():
    assert shape_text((2, 3), "N") == "(2, 3)"
    assert shape_text((), "") == "()"


@given(st.integers(1, 5), st.data())
def test_axes_are_sorted_and_not_negative(ndim, data):
    axes = data.draw(st.lists(st.integers(-ndim, ndim - 1), unique_by=lambda a: a % ndim))
    assert canonical_axes(axes, ndim) == tuple(sorted([a % ndim for a in axes]))
    assert canonical_axes(None, ndim) == tuple(range(ndim))


@pytest.mark.parametrize("axis", [3, -4, (0, 3)])
def test_axis_out_of_range_is_refused(axis):
    for kind in (ValueError, IndexError):
        with pytest.raises(kind, match="out of range for 3 dimensions"):
            canonical_axes(axis, 3)


@pytest.mark.parametrize("axis", [(0, 0), (1, -2)])
def test_axis_named_twice_is_refused(axis):
    with pytest.raises(ValueError, match="twice"):
        canonical_axes(axis, 3)


@pytest.mark.parametrize("axis", [None, (0,), 1.5, "rows"])
def test_one_axis_is_an_integer(axis):
    with pytest.raises(UsageError, match=r"axis is one integer here, such as -1 .* not "):
        canonical_axis(axis, 2)


def test_numpy_integers_are_axes_and_sizes():
    assert canonical_axis(np.int64(-1), 2) == 1
    assert canonical_axes(np.int64(1), 2) == (1,)
    assert pair(np.int64(3)) == (3, 3)
    assert pair([1, 2]) == (1, 2)


@pytest.mark.parametrize("value", [1.5, "3", (1,), (1, 2, 3), (1.0, 2)])
def test_pair_takes_one_or_two_integers(value):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        pair(value)
