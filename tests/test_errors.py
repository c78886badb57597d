"""Messages as an interface: what failed and where, what came, what was needed, and one way out."""

import inspect
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import DataError, DTypeError, ShapeError, Tensor, UsageError, errors, nn
from minigrad import functional as F  # noqa: N812
from tests.helper import variable


def message(error, function, *args, **settings):
    with pytest.raises(error) as caught:
        function(*args, **settings)
    return str(caught.value)


def ones(*shape):
    return Tensor(np.ones(shape))


# ---- the hierarchy -------------------------------------------------------------------------------------------


def drawn_hierarchy():
    """(class, parent, builtin) as the docstring of errors.py draws them."""
    parents, rows = {}, []
    for line in errors.__doc__.splitlines():
        drawn = re.match(r"^(\s{4}[│├└─\s]*)(\w+(?:Error))\s*(?:\((\w+)\))?", line)
        if drawn:
            depth = len(drawn[1])
            above = [d for d in parents if d < depth]
            rows.append((drawn[2], parents[max(above)] if above else "Exception", drawn[3]))
            parents = {d: name for d, name in parents.items() if d < depth} | {depth: drawn[2]}
    return rows


def test_drawn_hierarchy_is_the_real_one():
    rows = drawn_hierarchy()
    defined = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert {name for name, _, _ in rows} == defined
    for name, parent, builtin in rows:
        bases = [base.__name__ for base in getattr(errors, name).__bases__]
        assert bases == [parent, builtin] if builtin else bases == [parent]


def test_every_error_can_be_caught_as_a_builtin_and_is_exported():
    for name, _, _ in drawn_hierarchy():
        error = getattr(errors, name)
        assert getattr(mg, name) is error
        assert name == "MinigradError" or not {c for c in error.__mro__ if c.__module__ == "builtins"} <= {
            Exception,
            BaseException,
            object,
        }
        assert error.__doc__


# ---- ops -----------------------------------------------------------------------------------------------------


def test_broadcast_error_names_op_and_shapes():
    text = message(ShapeError, lambda: ones(2, 3) + ones(4))
    assert text.startswith("add: ")
    assert "x: shape (2, 3), float64" in text
    assert "y: shape (4,), float64" in text


def test_error_says_where_a_tensor_was_made():
    w = variable(np.ones((2, 3)))
    text = message(ShapeError, lambda: (w * 2).sum(axis=0) + ones(4))
    assert "x: shape (3,), float64, made by sum" in text
    assert "x: shape (2, 3), float64, a variable" in message(ShapeError, lambda: w + ones(4))


def test_matmul_error_names_the_inner_size():
    text = message(ShapeError, lambda: ones(2, 3) @ ones(4, 5))
    assert "K is 3 in x but 4 in y" in text
    assert "expected x (..., I, K), y (..., K, J)" in text
    assert "use *" in message(ShapeError, lambda: ones(2) @ ones())


def test_linear_error_names_the_features():
    text = message(ShapeError, F.linear, ones(8, 4), ones(5, 3), ones(5))
    assert "linear: " in text
    assert "D is 4 in x but 3 in w" in text
    assert "O is 5 in w but 6 in b" in message(ShapeError, F.linear, ones(8, 3), ones(5, 3), ones(6))


@pytest.mark.parametrize(
    ("x", "w", "b", "settings", "expected"),
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), None, {}, "C is 3 in x but 2 in w"),
        ((1, 4, 8, 8), (4, 1, 3, 3), None, {"groups": 2}, "C is 4 in x but 2 in w times groups"),
        ((1, 3, 8, 8), (4, 3, 3, 3), (5,), {}, "O is 4 in w but 5 in b"),
        ((1, 3, 2, 2), (4, 3, 3, 3), None, {}, "kernel"),
        ((1, 3, 8, 8), (4, 3, 3, 3), None, {"stride": 0}, "stride"),
        ((1, 3, 8, 8), (4, 3, 3, 3), None, {"padding": -1}, "padding"),
        ((1, 3, 8, 8), (4, 3, 3, 3), None, {"dilation": 0}, "dilation"),
        ((1, 4, 8, 8), (3, 2, 3, 3), None, {"groups": 2}, "multiple of groups=2"),
        ((8, 8), (4, 3, 3, 3), None, {}, "x has 2 dimensions, not 4"),
    ],
)
def test_conv_error_names_what_does_not_fit(x, w, b, settings, expected):
    text = message(ShapeError, F.conv2d, ones(*x), ones(*w), None if b is None else ones(*b), **settings)
    assert text.startswith("conv: ")
    assert expected in text
    assert f"x: shape {x}" in text


def test_shapes_that_fitted_once_are_checked_again_with_other_settings():
    x, w = ones(1, 4, 8, 8), ones(4, 2, 3, 3)
    F.conv2d(x, w, groups=2)
    assert "C is 4 in x but 2 in w" in message(ShapeError, F.conv2d, x, w, groups=1)


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        ((1, 1, 4, 4), {"kernel_size": 5}, "the kernel reaches over (5, 5)"),
        ((1, 1, 4, 4), {"kernel_size": 2, "padding": 2}, "more than half of the kernel"),
        ((1, 1, 4, 4), {"kernel_size": 2, "stride": -1}, "at least 1"),
        ((4, 4), {"kernel_size": 2}, "x has 2 dimensions, not 4"),
    ],
)
@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_pool_error_names_what_does_not_fit(pool, shape, settings, expected):
    text = message(ShapeError, pool, ones(*shape), **settings)
    assert expected in text
    assert "_pool: " in text


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: ones(2, 3).reshape(4, 2), r"reshape: .*\n.*x: shape \(2, 3\).*\n.*shape=\(4, 2\)"),
        (lambda: ones(2, 3).sum(axis=2), r"sum: axis 2 is out of range for 2 dimensions"),
        (lambda: ones(2, 3).permute(0, 0), r"permute_dims: axes \(0, 0\) are no reordering of the 2 dimensions"),
        (lambda: ones(2, 3).broadcast_to(3, 3), r"broadcast_to: "),
        (lambda: ones(2, 3).squeeze(0), r"squeeze: dimension 0 of shape \(2, 3\) has size 2, not 1"),
        (lambda: mg.concat([ones(2), ones(2, 3)], axis=0), r"concat: (.|\n)*xs\[1\]: shape \(2, 3\)"),
        (lambda: ones(2).mT, r"at least 2 dimensions"),
        (lambda: ones(2, 3, 4).flatten(2, 1), r"start_dim 2 lies behind end_dim 1"),
    ],
)
def test_shape_op_error_names_op_and_sizes(function, expected):
    assert re.search(expected, message(ShapeError, function))


def test_classes_are_checked():
    x = ones(2, 3)
    assert "target[1] is class 3, but x has 3 classes (0 to 2)" in message(
        DataError, F.cross_entropy, x, np.array([0, 3])
    )
    assert "target[0] is class -1" in message(DataError, F.cross_entropy, x, np.array([-1, 0]))
    assert "use .astype(int)" in message(DTypeError, F.cross_entropy, x, np.array([0.0, 1.0]))
    assert "N is 2 in x but 3 in target" in message(ShapeError, F.cross_entropy, x, np.array([0, 1, 2]))
    assert "class" in message(DataError, F.nll_loss, x, np.array([-1, 0]))


# ---- layers --------------------------------------------------------------------------------------------------


class Network(nn.Module):
    """Its second convolution expects 3 channels and is given 6."""

    def __init__(self):
        self.features = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(3, 16, 5))

    def forward(self, x):
        return self.features(x)


def test_error_in_a_network_names_the_layers_path_and_the_sizes_by_letter():
    text = message(ShapeError, Network(), np.ones((2, 1, 32, 32), np.float32))
    first, *rest = text.splitlines()
    assert first.startswith("features.3 Conv2d: conv: expected x (N, C, H, W)")
    assert any("got x (N=2, C=6, H=14, W=14)" in line for line in rest)
    assert "C is 6 in x but 3 in w" in text
    assert "made by avg_pool in features.2 AvgPool2d" in text
    assert "stride=(1, 1)" in text


def test_scope_is_left_after_an_error():
    with pytest.raises(ShapeError):
        Network()(np.ones((2, 1, 32, 32), np.float32))
    assert message(ShapeError, lambda: ones(2) + ones(3)).startswith("add: ")


def test_error_of_another_kind_keeps_its_class_and_gets_a_note():
    @mg.op
    def picky(x):
        raise TypeError("not this one")

    with pytest.raises(TypeError, match="not this one") as caught:
        picky(ones(2))
    assert "in picky, with" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.sum(ones(2), axes=0), r"^sum takes x and then axis, keepdims, dtype; got 1 inputs and axes="),
        (
            lambda: mg.sum(ones(2), 0, False, 1),
            r"^sum takes x and then axis, keepdims; got 4 by position and none by name",
        ),
        (
            lambda: mg.sum(ones(2), 0, axis=0),
            r"^sum takes x and then axis, keepdims; got 2 by position and axis by name",
        ),
        (
            lambda: mg.reshape(ones(2), (2, 1), 3),
            r"^reshape takes x and then shape; got 3 by position and none by name",
        ),
    ],
)
def test_wrong_form_of_a_call_is_told_the_right_one(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: F.dropout(ones(2), p=1.5), r"\[0, 1\], got 1.5"),
        (lambda: F.mse_loss(ones(2), ones(2), reduction="median"), "median"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "multiples of groups=2"),
    ],
)
def test_wrong_setting_is_a_usage_error_that_shows_it(function, expected):
    assert re.search(expected, message(UsageError, function))


def test_loss_does_not_broadcast_silently():
    text = message(ShapeError, F.mse_loss, ones(4, 1), ones(4))
    assert "(4, 1)" in text
    assert "(4,)" in text
    assert "reshape" in text


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda: mg.ones((2, 3)) @ mg.ones((2, 3)), r"^matmul: (.|\n)*hint: the columns of x must be as many as"),
        (lambda: nn.Linear(10, 2)(mg.ones((4, 9))), "hint: in_features must be the size of x's last dimension"),
        (lambda: nn.Conv2d(3, 6, 5)(mg.ones((2, 32, 32, 3))), "hint: in_channels must be x's second dimension"),
        (lambda: mg.ones(3) + mg.ones(4), "hint: sizes must be equal, or 1 to be repeated"),
    ],
)
def test_shapes_that_do_not_fit_come_with_a_way_out(wrong, hint):
    with pytest.raises(mg.ShapeError, match=hint):
        wrong()
