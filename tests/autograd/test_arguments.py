"""`argnums` and `argnames`: which arguments are differentiated, and in what form the derivatives come."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.errors import DTypeError, UsageError


def f(x, y=2.0, *, w):
    return (x * x * w).sum() * y


X, W = np.array([1.0, 2.0]), np.array([3.0, 5.0])


def test_name_of_one_argument_gives_its_gradient():
    np.testing.assert_allclose(mg.grad(f, argnames="w")(X, w=W).numpy(), 2 * X**2)
    value, slope = mg.value_and_grad(f, argnames="w")(X, w=W)
    assert value.item() == 46
    np.testing.assert_allclose(slope.numpy(), 2 * X**2)


def test_several_names_give_a_dict_and_one_in_a_list_too():
    found = mg.grad(f, argnames=("y", "w"))(X, y=1.0, w=W)
    assert list(found) == ["y", "w"]
    assert found["y"].item() == 23
    np.testing.assert_allclose(found["w"].numpy(), X**2)
    assert list(mg.grad(f, argnames=["w"])(X, w=W)) == ["w"]


def test_numbers_and_names_give_a_pair():
    by_number, by_name = mg.grad(f, 0, argnames="w")(X, w=W)
    np.testing.assert_allclose(by_number.numpy(), 4 * X * W)
    np.testing.assert_allclose(by_name.numpy(), 2 * X**2)
    by_number, by_name = mg.grad(f, (0,), argnames=["w"])(X, w=W)
    assert isinstance(by_number, tuple)
    assert list(by_name) == ["w"]


def test_name_may_be_of_an_argument_by_position():
    assert mg.grad(f, argnames="y")(X, 1.0, w=W).item() == 23
    both = mg.grad(f, argnames=("x", "w"))(X, w=W)
    np.testing.assert_allclose(both["x"].numpy(), 4 * X * W)


def test_named_argument_may_be_a_container():
    def g(*, p):
        return (p["a"] * p["b"][0]).sum()

    found = mg.grad(g, argnames="p")(p={"a": X, "b": [W]})
    np.testing.assert_allclose(found["a"].numpy(), W)
    np.testing.assert_allclose(found["b"][0].numpy(), X)


def test_jacobian_and_hessian_by_name():
    np.testing.assert_allclose(mg.jacobian(lambda x, w: x * w, argnames="w")(X, w=W).numpy(), np.diag(X))
    np.testing.assert_allclose(mg.hessian(lambda x, w: (x * w * w).sum(), argnames="w")(X, w=W).numpy(), np.diag(2 * X))
    both = mg.hessian(lambda x, w: (x * w * w).sum(), argnames=("x", "w"))(X, w=W)
    np.testing.assert_allclose(both["x"]["w"].numpy(), np.diag(2 * W))
    np.testing.assert_allclose(both["x"]["x"].numpy(), np.zeros((2, 2)))


def test_vjp_by_name():
    value, pull = mg.vjp(lambda x, w: x * w, X, argnames="w", w=W)
    assert value.shape == (2,)
    (of_x,), of_w = pull(np.ones(2))
    np.testing.assert_allclose(of_x.numpy(), W)
    np.testing.assert_allclose(of_w.numpy(), X)
    _, pull = mg.vjp(lambda w: w * w, argnames=["w"], w=W)
    nothing, named = pull(np.ones(2))
    assert nothing == ()
    np.testing.assert_allclose(named["w"].numpy(), 2 * W)


def test_hvp_by_name():
    v = np.array([1.0, -1.0])
    np.testing.assert_allclose(mg.hvp(lambda a, w: (a * w**3).sum(), W, v, argnames="w", a=X).numpy(), 6 * X * W * v)
    found = mg.hvp(lambda a, w: (a * w**2).sum(), {"a": X, "w": W}, {"a": v, "w": v}, argnames=("a", "w"))
    np.testing.assert_allclose(found["w"].numpy(), 2 * X * v + 2 * W * v)


def test_vmap_of_a_gradient_by_name():
    found = mg.vmap(lambda x, w: mg.grad(f, argnames="w")(x, w=w), (0, None))(np.stack([X, W]), W)
    np.testing.assert_allclose(found.numpy(), 2 * np.stack([X, W]) ** 2)


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (lambda: mg.grad(f, argnames="v")(X, w=W), "argnames='v', but the function was called with w="),
        (lambda: mg.grad(f, argnames="w")(X), "called with nothing by keyword"),
        (lambda: mg.grad(f, argnames=("w", "w"))(X, w=W), "several different ones"),
        (lambda: mg.grad(f, argnames=3)(X, w=W), "not iterable"),
        (lambda: mg.grad(f, 0, argnames="x")(X, w=W), "name an argument twice"),
    ],
)
def test_wrong_names_are_told(transform, text):
    with pytest.raises((UsageError, TypeError), match=text):
        transform()


def test_error_names_the_argument():
    with pytest.raises(DTypeError, match="grad: argument w holds int64"):
        mg.grad(f, argnames="w")(X, w=Tensor([1, 2]))
