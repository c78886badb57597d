"""Functions that reorder, repeat, cut and join: NumPy's values, and gradients that find their way back."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError
from tests.helper import numerical_gradient, variable

X = np.arange(24.0).reshape(2, 3, 4)

CALLS = {
    "moveaxis": (lambda x: mg.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "moveaxis, several": (lambda x: mg.moveaxis(x, (0, -1), (1, 0)), lambda x: np.moveaxis(x, (0, -1), (1, 0))),
    "flip": (lambda x: mg.flip(x), np.flip),
    "flip, negative axis": (lambda x: mg.flip(x, axis=-1), lambda x: np.flip(x, -1)),
    "flip, several": (lambda x: mg.flip(x, axis=(0, -1)), lambda x: np.flip(x, (0, -1))),
    "flip, none": (lambda x: mg.flip(x, axis=()), lambda x: np.flip(x, ())),
    "roll": (lambda x: mg.roll(x, 5), lambda x: np.roll(x, 5)),
    "roll, negative axis": (lambda x: mg.roll(x, -1, axis=-1), lambda x: np.roll(x, -1, -1)),
    "roll, several": (lambda x: mg.roll(x, (1, -5), axis=(0, -1)), lambda x: np.roll(x, (1, -5), (0, -1))),
    "roll, one shift": (lambda x: mg.roll(x, 1, axis=(1, 2)), lambda x: np.roll(x, 1, (1, 2))),
    "repeat": (lambda x: mg.repeat(x, 2), lambda x: np.repeat(x, 2)),
    "repeat, negative axis": (lambda x: mg.repeat(x, 3, axis=-2), lambda x: np.repeat(x, 3, -2)),
    "repeat, each": (lambda x: mg.repeat(x, [2, 0, 1], axis=-2), lambda x: np.repeat(x, [2, 0, 1], -2)),
    "repeat, not at all": (lambda x: mg.repeat(x, 0, axis=1), lambda x: np.repeat(x, 0, 1)),
    "tile": (lambda x: mg.tile(x, 2), lambda x: np.tile(x, 2)),
    "tile, more dimensions": (lambda x: mg.tile(x, (2, 1, 1, 3)), lambda x: np.tile(x, (2, 1, 1, 3))),
    "tile, not at all": (lambda x: mg.tile(x, (0, 1)), lambda x: np.tile(x, (0, 1))),
    "unstack": (lambda x: mg.unstack(x, axis=-1)[1], lambda x: x[..., 1]),
    "split": (lambda x: mg.split(x, 2, axis=-1)[1], lambda x: np.split(x, 2, -1)[1]),
    "split, at positions": (lambda x: mg.split(x, [1, 3], axis=2)[1], lambda x: np.split(x, [1, 3], 2)[1]),
    "split, behind the end": (lambda x: mg.split(x, [3, 9], axis=1)[2], lambda x: np.split(x, [3, 9], 1)[2]),
    "tril": (lambda x: mg.tril(x), np.tril),
    "triu": (lambda x: mg.triu(x, k=-1), lambda x: np.triu(x, -1)),
    "broadcast_arrays": (lambda x: mg.broadcast_arrays(x, np.zeros((5, 1, 1, 1)))[0], lambda x: np.stack([x] * 5)),
    "meshgrid": (lambda x: mg.meshgrid(x[0, 0], x[0, :, 0])[0], lambda x: np.meshgrid(x[0, 0], x[0, :, 0])[0]),
    "concat, flattened": (lambda x: mg.concat([x, x], axis=None), lambda x: np.concatenate([x, x], None)),
    "stack, at the end": (lambda x: mg.stack([x, x], axis=-1), lambda x: np.stack([x, x], -1)),
    "expand_dims": (lambda x: mg.expand_dims(x, axis=(0, -1)), lambda x: np.expand_dims(x, (0, -1))),
    "permute_dims": (lambda x: mg.permute_dims(x, axes=(-1, 0, 1)), lambda x: np.transpose(x, (-1, 0, 1))),
    "matrix_transpose": (lambda x: mg.matrix_transpose(x), np.matrix_transpose),
}
LAYOUTS = {
    "C": X,
    "F": np.asfortranarray(X),
    "reversed": X[::-1, :, ::-1],
    "broadcast": np.broadcast_to(X[:1], X.shape),
}


@pytest.mark.parametrize(("ours", "numpys"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_values_equal_numpys(ours, numpys, x):
    for found in (ours(Tensor(x)).numpy(), ours(x)):
        np.testing.assert_array_equal(found, numpys(x))
    assert isinstance(ours(x), np.ndarray)


@pytest.mark.parametrize(("ours", "numpys"), CALLS.values(), ids=CALLS)
def test_gradient_finds_its_way_back(ours, numpys):
    x, weights = variable(X), np.cos(np.arange(numpys(X).size)).reshape(numpys(X).shape)
    (ours(x) * weights).sum().backward()
    expected = numerical_gradient(lambda a: np.sum(numpys(a) * weights), [X])
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize(("ours", "numpys"), CALLS.values(), ids=CALLS)
def test_dtype_is_kept(ours, numpys, dtype):
    x = X.astype(dtype)
    if ours is CALLS["broadcast_arrays"][0] or numpys(x).dtype == dtype:
        assert ours(Tensor(x)).dtype == dtype


@pytest.mark.parametrize(
    "f", [lambda x: mg.flip(x, axis=0), lambda x: mg.moveaxis(x, 0, 1), lambda x: mg.roll(x, 1)]
)  # fmt: skip
def test_rearranged_empty_arrays_are_empty(f):
    assert f(Tensor(np.empty((0, 3)))).size == 0


def test_empty_arrays_are_split_repeated_and_tiled():
    x = Tensor(np.empty((0, 3)))
    assert [part.shape for part in mg.split(x, 2)] == [(0, 3), (0, 3)]
    assert mg.unstack(x) == ()
    assert (mg.repeat(x, 2, axis=0).shape, mg.tile(x, (2, 2)).shape) == ((0, 3), (0, 6))


def test_number_is_repeated_tiled_and_flipped():
    x = variable(2.0)
    assert (mg.repeat(x, 3).tolist(), mg.tile(x, 3).tolist(), mg.flip(x).item()) == ([2, 2, 2], [2, 2, 2], 2)
    (mg.repeat(x, 3).sum() + mg.tile(x, (2, 2)).sum() + mg.roll(x, 1)).backward()
    assert x.grad.item() == 8


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_meshgrid_equals_numpys(indexing, count):
    xs = [np.arange(k + 2.0) for k in range(count)]
    found, expected = mg.meshgrid(*map(Tensor, xs), indexing=indexing), np.meshgrid(*xs, indexing=indexing)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)


REFUSED = {
    "roll along an axis twice": (lambda x: mg.roll(x, 1, axis=(0, -3)), "names a dimension twice"),
    "shifts that do not fit": (lambda x: mg.roll(x, (1, 2, 3), axis=(0, 1)), "3 shifts do not fit 2 axes"),
    "flip along an axis twice": (lambda x: mg.flip(x, axis=(1, 1)), "names a dimension twice"),
    "moveaxis of one twice": (lambda x: mg.moveaxis(x, (0, 0), (1, 2)), "names a dimension twice"),
    "moveaxis to too few places": (lambda x: mg.moveaxis(x, (0, 1), 1), "2 dimensions"),
    "permute_dims of one twice": (lambda x: mg.permute_dims(x, axes=(0, 0, 1)), "no reordering"),
    "unequal split": (lambda x: mg.split(x, 2, axis=1), "3 elements do not make 2 equal pieces"),
    "axis that is not there": (lambda x: mg.unstack(x, axis=3), "axis 3 is out of range for 3 dimensions"),
    "repeats that do not fit": (lambda x: mg.repeat(x, [1, 2], axis=1), "2 repeats do not fit axis 1"),
    "shapes that do not broadcast": (lambda x: mg.broadcast_arrays(x, np.ones(3)), "do not broadcast"),
    "grid of matrices": (lambda x: mg.meshgrid(x, x), "one-dimensional"),
    "triangle of a vector": (lambda x: mg.tril(x[0, 0]), "at least 2 dimensions"),
    "squeeze of a long dimension": (lambda x: mg.squeeze(x, axis=1), "has size 3, not 1"),
    "expand_dims at one place twice": (lambda x: mg.expand_dims(x, axis=(1, 1)), "names a dimension twice"),
    "nothing to join": (lambda x: mg.concat([]), "nothing to join"),
    "different shapes stacked": (lambda x: mg.stack([x, x[0]]), "dimension"),
}


@pytest.mark.parametrize(("f", "message"), REFUSED.values(), ids=REFUSED)
def test_misuse_is_a_clear_shape_error(f, message):
    with pytest.raises(ShapeError, match=message):
        f(variable(X))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: mg.repeat(x, -1, axis=0), lambda x: mg.repeat(x, 1.5, axis=0), lambda x: mg.tile(x, -1),
        lambda x: mg.meshgrid(x, indexing="yx"),
    ],
)  # fmt: skip
def test_wrong_setting_is_refused(f):
    with pytest.raises(UsageError):
        f(Tensor([1.0, 2.0]))


def test_same_tensor_joined_with_itself_gets_both_gradients():
    x = variable([1.0, 2.0])
    (mg.concat([x, x, x]) * np.arange(6.0)).sum().backward()
    assert x.grad.tolist() == [6, 9]


def test_triangle_of_nan_keeps_it_out():
    x = variable([[1.0, np.nan], [2.0, 3.0]])
    mg.tril(x).sum().backward()
    assert x.grad.tolist() == [[1, 0], [1, 1]]
    assert mg.tril(x).tolist() == [[1, 0], [2, 3]]
