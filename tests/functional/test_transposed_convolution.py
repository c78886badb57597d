"""Transposed convolutions: against PyTorch, and against the convolutions that they are the adjoints of."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal, for_sequences
from tests.helper import inner

TRANSPOSED = [
    {},
    {"stride": 2},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": (2, 3), "padding": (1, 0), "output_padding": (0, 2), "groups": 2, "dilation": (1, 2)},
    {"dilation": 3, "output_padding": 2},
    {"dilation": 3, "output_padding": 2, "padding": 1},
    {"stride": 2, "dilation": 4, "output_padding": 3, "padding": 3},
]
X, W = Tensor(np.ones((1, 2, 5, 5))), np.ones((2, 2, 3, 3))


@pytest.mark.peer
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("settings", TRANSPOSED, ids=str)
def test_transposed_convolution_equals_pytorch(torch, rng, settings, bias):
    # In single precision the gradient of the bias, a sum of about 40 that cancels to 0.2, has as large an error.
    groups = settings.get("groups", 1)
    arrays = [rng.normal(size=(2, 4, 4, 5)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=3 * groups)][: 2 + bias]
    theirs = torch.nn.functional.conv_transpose2d
    assert_equal(
        torch, lambda *a: F.conv_transpose2d(*a, **settings), lambda *a: theirs(*a, **settings), arrays, single=2e-4
    )
    arrays, settings = [y[:, :, 0] if y.ndim == 4 else y for y in arrays], for_sequences(settings)
    theirs = torch.nn.functional.conv_transpose1d
    assert_equal(
        torch, lambda *a: F.conv_transpose1d(*a, **settings), lambda *a: theirs(*a, **settings), arrays, single=2e-4
    )


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}], ids=str)
def test_transposed_convolution_is_the_adjoint_of_convolution(rng, settings):
    w = rng.normal(size=(4, 4 // settings.get("groups", 1), 3, 3))
    x = rng.normal(size=(2, 4, 7, 9))
    y = F.conv2d(Tensor(x), w, **settings).numpy()
    z = rng.normal(size=y.shape)
    assert inner(y, z) == pytest.approx(inner(x, F.conv_transpose2d(Tensor(z), w, **settings)))


@pytest.mark.parametrize(
    "settings", [{"output_padding": 1}, {"output_padding": -1}, {"output_padding": 2, "stride": 2}]
)
def test_output_padding_is_smaller_than_stride_or_dilation(settings):
    with pytest.raises(UsageError, match="must be smaller than stride"):
        F.conv_transpose2d(X, W, **settings)


def test_padding_that_leaves_no_pixel_of_a_transposed_convolution_is_refused():
    with pytest.raises(ShapeError, match=r"padding \(4, 4\) leaves no pixel of \(-1, -1\)"):
        F.conv_transpose2d(X, W, padding=4)


def test_kernels_of_a_transposed_convolution_have_the_images_channels():
    with pytest.raises(ShapeError, match="O is 2 in y but 3 in w"):
        F.conv_transpose2d(X, np.ones((3, 2, 3, 3)))
    with pytest.raises(ShapeError, match=r"weight is \(C, O/groups, P, Q\)"):
        F.conv_transpose2d(X, np.ones((2, 3)))
