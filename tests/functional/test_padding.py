"""Padding: against PyTorch, against NumPy, and what there is not enough of."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal

WIDTHS = [(1, 2), (2, 0), (0, 0), (-1, 2), (-2, -1)]
NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
every_mode = pytest.mark.parametrize("mode", NUMPY)


@pytest.mark.peer
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@every_mode
def test_padding_equals_pytorch(torch, rng, mode, widths):
    theirs = torch.nn.functional.pad
    both = widths + widths[::-1]
    for shape, given in (((2, 3, 5), widths), ((2, 3, 4, 5), both), ((3, 4, 5), both)):
        arrays = [rng.normal(size=shape)]
        assert_equal(torch, lambda x, w=given: F.pad(x, w, mode), lambda x, w=given: theirs(x, w, mode), arrays)


@pytest.mark.peer
def test_padding_with_a_value_equals_pytorch(torch, rng):
    theirs = torch.nn.functional.pad
    for given in ((1, 2, 0, -1), (0, 1), (1, 0, 2, 1)):
        arrays = [rng.normal(size=(3, 4))]
        assert_equal(
            torch, lambda x, w=given: F.pad(x, w, value=3.5), lambda x, w=given: theirs(x, w, value=3.5), arrays
        )


@every_mode
def test_any_number_of_dimensions_can_be_padded(rng, mode):
    x = rng.normal(size=(3, 4, 2))
    widths = [(2, 1), (0, 3), (1, 1)]
    found = F.pad(Tensor(x), (1, 1, 0, 3, 2, 1), mode)
    np.testing.assert_array_equal(found, np.pad(x, widths, mode=NUMPY[mode]))


def test_padding_with_nothing_gives_the_same():
    x = Tensor(np.ones((2, 2)))
    assert F.pad(x, (0, 0)) is x


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (((4, 0), "reflect"), ShapeError, r"reflect has at most 3 of 4 elements to add, not \(4, 0\)"),
        (((0, 5), "circular"), ShapeError, "circular has at most 4 of 4"),
        (((-3, -2),), ShapeError, "cuts off more than the 4 elements that there are"),
        (((1, 2, 3),), UsageError, "two numbers for each of at most 2 dimensions"),
        (((1,) * 6,), UsageError, "at most 2 dimensions"),
        ((1,), UsageError, r"pad: widths are integers, .* such as \(1, 1\), not 1"),
        (("same",), UsageError, "pad: widths are integers, .* not 'same'"),
        (((1, 1), "mirror"), UsageError, "constant, reflect, replicate, circular, not 'mirror'"),
        (((1, 1), "reflect", 2.0), UsageError, "a value is for mode 'constant'"),
    ],
)
def test_what_makes_no_sense_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        F.pad(Tensor(np.ones((2, 4))), *given)


def test_empty_side_has_nothing_to_replicate():
    with pytest.raises(ShapeError, match="replicate has at most 0 of 0"):
        F.pad(Tensor(np.ones((2, 0))), (1, 1), "replicate")
