"""Einstein sums: NumPy's values for every form of the text, right gradients to second order, and clear errors."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError
from tests.helper import numerical_gradient, variable

CALLS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ba": [(2, 3)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "iij->ji": [(2, 2, 3)],
    "ij->": [(2, 3)],
    "i,j,k->kij": [(2,), (3,), (4,)],
    "ij,j,k,lk->il": [(2, 3), (3,), (4,), (2, 4)],
    "...ij,...jk->...ik": [(5, 2, 3), (3, 4)],
    "...ij,...jk": [(5, 1, 2, 3), (6, 3, 4)],
    "i...,i...->...": [(3, 2), (3, 2)],
    "...": [(2, 3)],
    "...->": [(2, 3)],
    "...i->i...": [(2, 3, 4)],
    "i...j,j...->i": [(2, 5, 3), (3, 5)],
    " i j , j -> i ": [(2, 3), (3,)],
    "ij,ij->ij": [(1, 3), (2, 3)],
    "ij,ij->j": [(1, 3), (2, 1)],
    "ii,ij->": [(2, 2), (2, 3)],
    ",i->i": [(), (3,)],
    "Aa,aB->AB": [(2, 3), (3, 2)],
    "ij,jk->ki": [(0, 3), (3, 2)],
    "ij->j": [(2, 0)],
}
PLAIN = {"...->": "ij->", "i...j,j...->i": "ikj,jk->i"}  # NumPy wants `...` in the result; here it can be summed over
every_form = pytest.mark.parametrize(("text", "shapes"), CALLS.items(), ids=CALLS)


def arrays(shapes):
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape) for shape in shapes]


@every_form
def test_sum_equals_numpys(text, shapes):
    xs = arrays(shapes)
    expected = np.einsum(PLAIN.get(text, text), *xs)
    for found in (mg.einsum(text, *map(Tensor, xs)).numpy(), mg.einsum(text, *xs)):
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@every_form
def test_every_operand_gets_the_right_gradient(text, shapes):
    xs = arrays(shapes)
    out = np.einsum(PLAIN.get(text, text), *xs)
    weights = np.cos(np.arange(out.size)).reshape(out.shape)
    variables = [variable(x) for x in xs]
    (mg.einsum(text, *variables) * weights).sum().backward()
    for i, v in enumerate(variables):
        expected = numerical_gradient(
            lambda *arrays: np.sum(np.einsum(PLAIN.get(text, text), *arrays) * weights), xs, i
        )
        np.testing.assert_allclose(v.grad.numpy(), expected, rtol=1e-7, atol=1e-9)


@every_form
def test_second_order_is_right(text, shapes):
    xs = arrays(shapes)

    def slope(*values):
        variables = [v if isinstance(v, Tensor) else variable(v) for v in values]
        gradients = mg.grad(lambda *v: mg.square(mg.einsum(text, *v)).sum(), argnums=tuple(range(len(xs))))(*variables)
        return sum((mg.sum(g * np.cos(np.arange(g.size)).reshape(g.shape)) for g in gradients), Tensor(0.0))

    found = mg.grad(slope, argnums=tuple(range(len(xs))))(*xs)
    for i, g in enumerate(found):
        expected = numerical_gradient(lambda *values: slope(*values).item(), xs, i)
        np.testing.assert_allclose(g.numpy(), expected, rtol=1e-6, atol=1e-7)


def test_same_tensor_as_both_operands_gets_both_gradients():
    x = variable(np.arange(4.0).reshape(2, 2))
    mg.einsum("ij,ji->", x, x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * x.numpy().T)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_dtype_is_numpys(dtype):
    x, y = np.ones((2, 3), dtype), np.ones((3, 2), dtype)
    assert mg.einsum("ij,jk->ik", Tensor(x), Tensor(y)).dtype == dtype


MISUSES = {
    "too few operands": ("ij,jk", [(2, 2)], UsageError, "names 2 operands, but 1"),
    "dimensions that are not named": ("i", [(2, 2)], ShapeError, "does not name the 2 dimensions"),
    "dimensions that are not there": ("ijk", [(2, 2)], ShapeError, "does not name the 2 dimensions"),
    "sizes that differ": ("ij,jk", [(2, 3), (2, 2)], ShapeError, r"index j of 'ij,jk' is 3, but 2 in xs\[1\]"),
    "index of the result twice": ("ij->ii", [(2, 2)], UsageError, "must stand once"),
    "index of the result from nowhere": ("ij->k", [(2, 2)], UsageError, "must stand once"),
    "no letters": ("i1->i", [(2, 2)], UsageError, "indices are letters"),
    "two results": ("ij->i,j", [(2, 2)], UsageError, "indices are letters"),
    "ellipses of different sizes": ("...,...", [(2,), (3,)], ShapeError, "but 3 in"),
}


@pytest.mark.parametrize(("text", "shapes", "error", "message"), MISUSES.values(), ids=MISUSES)
def test_misuse_is_a_clear_error(text, shapes, error, message):
    with pytest.raises(error, match=message):
        mg.einsum(text, *[Tensor(x) for x in arrays(shapes)])


@pytest.mark.peer
@every_form
def test_gradients_equal_pytorchs(text, shapes, torch):
    xs = arrays(shapes)
    mine, theirs = [variable(x) for x in xs], [torch.tensor(x, requires_grad=True) for x in xs]
    mg.square(mg.einsum(text, *mine)).sum().backward()
    torch.einsum(text, *theirs).square().sum().backward()
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-12)
