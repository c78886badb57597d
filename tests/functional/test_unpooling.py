"""Max unpooling: against PyTorch in values and gradients, and where it has its own conventions."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal, distinct
from tests.helper import variable

SETTINGS = [{"kernel_size": 2}, {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True}]


@pytest.mark.peer
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_unpooling_equals_pytorch(torch, rng, settings):
    given = {name: y for name, y in settings.items() if name != "ceil_mode"}
    x = distinct(rng, 2, 3, 8, 7)
    for images, sides in ((x, (8, 7)), (x[0], (8, 7)), (x, (2, 3, 8, 7))):
        out, indices = (y.numpy() for y in F.max_pool2d(Tensor(images), **settings, return_indices=True))
        theirs = torch.tensor(indices)
        assert_equal(
            torch,
            lambda y, i=indices, sides=sides: F.max_unpool2d(y, i, output_size=sides, **given),
            lambda y, i=theirs, sides=sides: torch.nn.functional.max_unpool2d(y, i, output_size=sides, **given),
            [out],
        )


@pytest.mark.peer
def test_unpooling_of_sequences_equals_pytorch(torch, rng):
    out, indices = (y.numpy() for y in F.max_pool1d(Tensor(distinct(rng, 2, 3, 8)), 2, return_indices=True))
    assert_equal(
        torch,
        lambda y: F.max_unpool1d(y, indices, 2),
        lambda y: torch.nn.functional.max_unpool1d(y, torch.tensor(indices), 2),
        [out],
    )
    assert F.max_unpool1d(Tensor(out), indices, 2, output_size=(2, 3, 9)).shape == (2, 3, 9)


def test_last_element_of_several_for_one_pixel_counts_in_unpooling():
    x = variable([[[1.0, 2.0, 3.0]]])
    y = F.max_unpool1d(x, np.array([[[0, 2, 2]]]), 1, output_size=(4,))
    assert y.tolist() == [[[1, 0, 3, 0]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[1, 0, 1]]]


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        (np.zeros((1, 1, 2, 2), int), ShapeError, "they go in pairs"),
        (np.full((1, 1, 4, 4), 99), UsageError, "from 99 to 99, .* has 8 x 8 elements"),
        (np.full((1, 1, 4, 4), -1), UsageError, "from -1 to -1"),
    ],
)
def test_indices_that_do_not_fit_are_refused(indices, error, message):
    with pytest.raises(error, match=message):
        F.max_unpool2d(Tensor(np.ones((1, 1, 4, 4))), indices, 2)
