"""Columns of windows: their order, their product with kernels, and their sum."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from tests.functional.peer import assert_equal

SETTINGS = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
    {"kernel_size": 3, "stride": 2},
]


@pytest.mark.peer
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_unfold_and_fold_equal_pytorch(torch, rng, settings, single):
    ours, theirs = (lambda f: lambda *a: f(*a, **settings)), torch.nn.functional
    x = rng.normal(size=(2, 3, 6, 7))
    columns = rng.normal(size=theirs.unfold(torch.tensor(x), **settings).shape)
    first = 0 if single else slice(None)
    assert_equal(torch, ours(F.unfold), ours(theirs.unfold), [x[first]])
    both = [lambda y, f=f: f(y, (6, 7), **settings) for f in (F.fold, theirs.fold)]
    assert_equal(torch, *both, [columns[first]])


def test_convolution_is_a_product_with_columns(rng):
    x, w = rng.normal(size=(2, 3, 6, 7)), rng.normal(size=(4, 3, 2, 3))
    product = w.reshape(4, -1) @ F.im2col(Tensor(x), (2, 3), stride=2).numpy()
    np.testing.assert_allclose(product.reshape(2, 4, 3, 3), F.conv2d(Tensor(x), w, stride=2), rtol=1e-12)


def test_columns_of_the_first_layer_of_alexnet():
    x = np.random.default_rng(0).normal(size=(3, 227, 227)).astype(np.float32)
    columns = F.im2col(Tensor(x), 11, stride=4)
    assert columns.shape == (363, 3025)
    np.testing.assert_array_equal(columns.numpy()[:, 56], x[:, 4:15, 4:15].ravel())


def test_fold_of_unfold_counts_the_windows_that_read_a_pixel():
    x = Tensor(np.ones((1, 1, 3, 3)))
    assert F.col2im(F.im2col(x, 2), 3, 2).tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]


@pytest.mark.parametrize("shape", [(1, 6, 4), (1, 8, 5), (8,)])
def test_columns_that_are_no_windows_of_the_image_are_refused(shape):
    with pytest.raises(ShapeError, match=r"columns are \(N, C\*4, 4\), got shape"):
        F.fold(Tensor(np.ones(shape)), 3, 2)
