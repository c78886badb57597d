"""Directions of vectors: against PyTorch, and for vectors of no length."""

import math

import numpy as np
import pytest

from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from tests.functional.peer import assert_equal
from tests.helper import variable


@pytest.mark.peer
@pytest.mark.parametrize("dim", [1, -1, 0])
@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
def test_normalize_equals_pytorch(torch, rng, p, dim):
    ours, theirs = F.normalize, torch.nn.functional.normalize
    assert_equal(torch, lambda x: ours(x, p, dim), lambda x: theirs(x, p, dim), [rng.normal(size=(3, 4, 5))])


@pytest.mark.peer
@pytest.mark.parametrize(("shapes", "dim"), [(((3, 4), (3, 4)), 1), (((3, 1, 5), (4, 5)), -1), (((3,), (3,)), 0)])
def test_cosine_similarity_equals_pytorch(torch, rng, shapes, dim):
    ours, theirs = F.cosine_similarity, torch.nn.functional.cosine_similarity
    arrays = [rng.normal(size=shape) for shape in shapes]
    assert_equal(torch, lambda x, y: ours(x, y, dim), lambda x, y: theirs(x, y, dim), arrays)


def test_vector_of_no_length_stays_as_it_is():
    x = variable([[0.0, 0.0], [3.0, 4.0]])
    y = F.normalize(x)
    np.testing.assert_allclose(y.numpy(), [[0, 0], [0.6, 0.8]])
    y[1].sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert F.cosine_similarity(x, x).tolist() == pytest.approx([0, 1])


def test_length_does_not_overflow():
    x = Tensor(np.array([[3e30, 4e30]], np.float32))
    np.testing.assert_allclose(F.normalize(x), [[0.6, 0.8]], rtol=1e-6)
    assert F.cosine_similarity(x, x).item() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("eps", [1e-12, 1e-30])
def test_eps_that_the_dtype_does_not_have_does_not_become_zero(dtype, eps):
    x = variable([[0.0, 0.0], [3.0, 4.0]], dtype)
    for f in (
        lambda x: F.cosine_similarity(x, x, eps=eps),
        lambda x: F.normalize(x, eps=eps),
        lambda x: F.cosine_embedding_loss(x, x, [1, 1], reduction="none"),
        lambda x: F.poisson_nll_loss(x, np.ones_like(x.numpy()), log_input=False, eps=eps),
        lambda x: F.batch_norm(x * np.array([1, 0], dtype), None, None, training=True, eps=eps),
        lambda x: F.local_contrast_norm(x.reshape((1, 1, 2, 2)) * np.zeros((), dtype), 3, eps=eps),
    ):
        x.grad = None
        y = f(x)
        y.sum().backward()
        assert y.dtype == dtype
        assert np.isfinite(y.numpy()).all()
        assert np.isfinite(x.grad.numpy()).all()


def test_vector_with_one_infinite_element_points_along_it():
    x = variable([[3.0, -np.inf], [np.inf, np.inf], [3.0, 4.0]])
    np.testing.assert_allclose(F.normalize(x).numpy(), [[0, -1], [np.nan, np.nan], [0.6, 0.8]])
    assert F.cosine_similarity(x[:1], [[3.0, 4.0]]).item() == pytest.approx(-0.8)


def test_cosine_of_opposite_and_perpendicular_vectors():
    x, y = Tensor(np.array([[1.0, 2.0], [1.0, 2.0]])), Tensor(np.array([[-3.0, -6.0], [2.0, -1.0]]))
    np.testing.assert_allclose(F.cosine_similarity(x, y), [-1, 0], atol=1e-15)
