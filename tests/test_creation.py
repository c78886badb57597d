"""New Tensors have the shape, the values and the dtype that were asked for."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UsageError


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (mg.zeros((2, 3)), np.zeros((2, 3))),
        (mg.ones(2), np.ones(2)),
        (mg.full((2,), 7.0), np.full(2, 7.0)),
        (mg.eye(2, 3), np.eye(2, 3)),
        (mg.arange(3.0), [0, 1, 2]),
        (mg.arange(0.5, 2), [0.5, 1.5]),
        (mg.linspace(0, 1, 3), [0, 0.5, 1]),
        (mg.linspace(0, 1, 2, endpoint=False), [0, 0.5]),
        (mg.eye(3, k=1), np.eye(3, k=1)),
        (mg.asarray([1.0, 2.0]), [1, 2]),
    ],
)
def test_values_in_the_default_dtype(made: mg.Tensor, expected: object) -> None:
    np.testing.assert_array_equal(made.numpy(), expected)
    assert made.dtype == np.float32
    assert not made.requires_grad


def test_whole_numbers_stay_integers() -> None:
    for made in (mg.arange(5), mg.arange(1, 7, 2), mg.asarray([1, 2])):
        assert made.dtype == np.int64
    assert mg.arange(5, dtype=np.float32).dtype == np.float32
    assert mg.full(2, 7).dtype == np.int64
    assert mg.full(2, True).dtype == np.bool_
    assert mg.full(2, 7, np.float32).dtype == np.float32
    assert mg.full(1, 2.0**24 + 1, np.float64).tolist() == [2.0**24 + 1]


def test_dtype_and_requires_grad_are_taken() -> None:
    assert mg.arange(3, dtype=np.int64).dtype == np.int64
    assert mg.zeros(2, dtype=np.float64, requires_grad=True).requires_grad


@pytest.mark.parametrize("f", [mg.zeros_like, mg.ones_like, lambda x, **dtype: mg.full_like(x, 3, **dtype)])
def test_filled_like_another_takes_its_shape_and_dtype_or_another_dtype(f) -> None:
    x = mg.Tensor(np.zeros((2, 3), np.float64), requires_grad=True)
    assert (f(x).shape, f(x).dtype, f(x).requires_grad) == ((2, 3), np.float64, False)
    assert f(x, dtype=np.int64).dtype == np.int64
    assert isinstance(f(x.numpy()), np.ndarray)
    assert f(x).tolist() == [[f(x)[0, 0].item()] * 3] * 2


def test_filled_like_another_has_the_right_number() -> None:
    x = mg.Tensor([1.0, 2.0])
    assert (mg.zeros_like(x).tolist(), mg.ones_like(x).tolist(), mg.full_like(x, 3).tolist()) == (
        [0, 0],
        [1, 1],
        [3, 3],
    )


def test_default_dtype_decides() -> None:
    mg.set_default_dtype(np.float64)
    try:
        assert mg.ones(2).dtype == mg.randn(2).dtype == np.float64
    finally:
        mg.set_default_dtype(np.float32)


def test_random_draws_follow_the_generator() -> None:
    mg.seed(1)
    first = mg.randn(3).numpy(), mg.rand(3).numpy()
    mg.seed(1)
    np.testing.assert_array_equal(first[0], mg.randn(3).numpy())
    np.testing.assert_array_equal(first[1], mg.rand(3).numpy())
    one, two = (mg.rand(1000, rng=np.random.default_rng(4)).numpy() for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert 0 <= one.min() <= one.max() < 1


def test_empty_has_the_shape_and_dtype() -> None:
    assert (mg.empty((2, 3)).shape, mg.empty(2).dtype) == ((2, 3), np.float32)
    like = mg.empty_like(mg.Tensor(np.ones((2, 3), np.int8)))
    assert (like.shape, like.dtype) == ((2, 3), np.int8)
    assert mg.empty_like(like, np.float64).dtype == np.float64


@pytest.mark.parametrize(
    "make",
    [
        lambda device: mg.zeros(2, device=device),
        lambda device: mg.ones(2, device=device),
        lambda device: mg.full(2, 1.0, device=device),
        lambda device: mg.empty(2, device=device),
        lambda device: mg.eye(2, device=device),
        lambda device: mg.arange(2, device=device),
        lambda device: mg.linspace(0, 1, 2, device=device),
        lambda device: mg.zeros_like(mg.ones(2), device=device),
        lambda device: mg.ones_like(mg.ones(2), device=device),
        lambda device: mg.full_like(mg.ones(2), 1.0, device=device),
        lambda device: mg.empty_like(mg.ones(2), device=device),
        lambda device: mg.asarray(1.0, device=device),
        lambda device: mg.from_dlpack(np.ones(2), device=device),
        lambda device: mg.astype(mg.ones(2), np.float64, device=device),
    ],
)
def test_the_only_device_is_the_cpu(make) -> None:
    assert make("cpu").device == "cpu"
    with pytest.raises(UsageError, match='only the device "cpu"'):
        make("gpu")
