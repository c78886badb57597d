"""Orthogonal and identity matrices, and kernels that pass channels through."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import init


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (7, 7), (4, 3, 3, 2), (30, 2, 3, 3)])
def test_orthogonal_rows_or_columns_are_perpendicular_and_of_length_gain(rng, shape):
    mg.set_default_dtype(np.float64)
    w = init.orthogonal(shape, gain=3.0, rng=rng)
    assert w.shape == shape
    w = w.reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_uniform_among_all(rng):
    corners = [init.orthogonal((3, 3), rng=rng)[0, 0] for _ in range(2000)]
    assert np.mean(corners) == pytest.approx(0, abs=0.05)
    assert np.mean(np.square(corners)) == pytest.approx(1 / 3, abs=0.03)


def test_identity_matrices_and_kernels_pass_their_input_on(rng):
    x = rng.normal(size=(2, 3)).astype(np.float32)
    np.testing.assert_array_equal(x @ init.eye((3, 3)).T, x)
    images = rng.normal(size=(2, 4, 5, 5)).astype(np.float32)
    for groups in (1, 2):
        kernels = init.dirac((4, 4 // groups, 3, 3), groups)
        out = mg.functional.conv2d(images, kernels, padding=1, groups=groups)
        np.testing.assert_array_equal(out, images)
    assert init.eye((2, 4)).sum() == 2
    assert init.dirac((6, 2, 3)).sum() == 2


def test_identities_need_their_shapes():
    with pytest.raises(mg.ShapeError, match="for kernels there is dirac"):
        init.eye((2, 2, 2))
    with pytest.raises(mg.ShapeError, match="for matrices there is eye"):
        init.dirac((2, 2))
    with pytest.raises(mg.UsageError, match="do not make 2 equal groups"):
        init.dirac((3, 2, 3), groups=2)


@pytest.mark.peer
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_and_eye_are_pytorchs(torch, groups):
    for shape in ((4, 3, 3, 2), (6, 4, 4), (2, 5, 1, 3)):
        theirs = torch.nn.init.dirac_(torch.empty(shape), groups=groups).numpy()
        np.testing.assert_array_equal(init.dirac(shape, groups), theirs)
    np.testing.assert_array_equal(init.eye((3, 5)), torch.nn.init.eye_(torch.empty(3, 5)).numpy())
