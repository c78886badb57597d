"""Linear and bilinear maps, embeddings and one-hot vectors: against PyTorch, and what is refused."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, DTypeError, UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3)])
def test_linear_equals_pytorch(torch, rng, shape):
    arrays = rng.normal(size=shape), rng.normal(size=(2, 3)), rng.normal(size=2)
    assert_equal(torch, F.linear, torch.nn.functional.linear, arrays)


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3)])
def test_linear_with_a_vector_for_weight_equals_pytorch(torch, rng, shape):
    arrays = rng.normal(size=shape), rng.normal(size=3)
    assert_equal(torch, F.linear, torch.nn.functional.linear, arrays)


def test_linear_with_a_vector_for_weight_adds_one_number():
    x = Tensor(np.arange(6.0).reshape(2, 3))
    assert F.linear(x, np.array([1.0, 0.0, 2.0]), np.array(0.5)).tolist() == [4.5, 13.5]


@pytest.mark.peer
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lead", [(), (4,), (2, 3), (0,)])
def test_bilinear_equals_pytorch(torch, rng, lead, bias):
    arrays = [rng.normal(size=shape) for shape in ((*lead, 3), (*lead, 5), (2, 3, 5), (2,))][: 3 + bias]
    assert_equal(torch, F.bilinear, torch.nn.functional.bilinear, arrays)


@pytest.mark.peer
@pytest.mark.parametrize("padding_idx", [None, 1, -1])
@pytest.mark.parametrize("shape", [(), (3,), (2, 4), (0,)])
def test_embedding_equals_pytorch(torch, rng, shape, padding_idx):
    numbers = rng.integers(0, 4, shape)
    assert_equal(
        torch,
        lambda w: F.embedding(numbers, w, padding_idx),
        lambda w: torch.nn.functional.embedding(torch.tensor(numbers), w, padding_idx),
        [rng.normal(size=(4, 3))],
    )


def test_row_of_padding_gets_no_gradient_and_others_one_each_time_they_are_named():
    w = variable(np.ones((4, 2)))
    F.embedding(Tensor(np.array([[0, 3, 3], [1, 3, 0]])), w, padding_idx=0).sum().backward()
    assert w.grad.numpy()[:, 0].tolist() == [0, 1, 0, 3]


@pytest.mark.peer
@pytest.mark.parametrize("count", [-1, 4, 6])
@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_one_hot_equals_pytorch(torch, rng, shape, count):
    numbers = rng.integers(0, 4, shape)
    expected = torch.nn.functional.one_hot(torch.tensor(numbers), count).numpy()
    found = F.one_hot(Tensor(numbers), count)
    np.testing.assert_array_equal(found.numpy(), expected)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(F.one_hot(numbers, count), expected)


W = np.ones((4, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.embedding([0, 4], W), DataError, "4 is no row: there are 4, from 0 to 3"),
        (lambda: F.embedding([-1], W), DataError, "-1 is no row"),
        (lambda: F.embedding([0.5], W), DTypeError, "class numbers are integers, not float64"),
        (lambda: F.embedding([0], W[0]), ShapeError, r"a table \(M, D\)"),
        (lambda: F.embedding([0], W, padding_idx=4), UsageError, "padding_idx 4 is no row of a table of 4"),
        (lambda: F.embedding([0], W, max_norm=1.0), UsageError, "use normalize on the result"),
        (lambda: F.embedding([0], W, sparse=True), UsageError, "sparse gradients are not supported"),
        (lambda: F.embedding([0], W, scale_grad_by_freq=True), UsageError, "scale_grad_by_freq"),
        (lambda: F.one_hot([0, 3], 3), DataError, "3 is no class: there are 3"),
        (lambda: F.one_hot(np.zeros(0, int)), DataError, "give num_classes"),
        (
            lambda: F.linear(W, W[0], W[0]),
            ShapeError,
            r"beside a weight \(D\) the bias is one number, got shape \(2,\)",
        ),
        (lambda: F.linear(W, np.ones(3)), ShapeError, r"linear: expected x \(..., D\)"),
        (lambda: F.bilinear(W, W, np.ones((3, 2, 4))), ShapeError, r"weight \(O, D1, D2\), got x1 \(4, 2\)"),
        (lambda: F.bilinear(W, W[:2], np.ones((3, 2, 2))), ShapeError, r"x2 \(2, 2\)"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
