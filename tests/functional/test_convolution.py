"""Convolutions: against their definitions in NumPy, against PyTorch, and against each other."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import UsageError
from tests.functional.peer import assert_equal, for_sequences


def by_definition(x, w, b, stride, padding, dilation, groups):
    """conv2d as its docstring has it: one product of a window and a kernel for each output number."""
    (n, _, h, wide), (o, c, p, q) = x.shape, w.shape
    framed = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    rows = (h + 2 * padding[0] - dilation[0] * (p - 1) - 1) // stride[0] + 1
    columns = (wide + 2 * padding[1] - dilation[1] * (q - 1) - 1) // stride[1] + 1
    out = np.zeros((n, o, rows, columns))
    for k in np.ndindex(out.shape):
        first = k[1] // (o // groups) * c
        top, left = k[2] * stride[0], k[3] * stride[1]
        window = framed[
            k[0],
            first : first + c,
            top : top + dilation[0] * p : dilation[0],
            left : left + dilation[1] * q : dilation[1],
        ]
        out[k] = np.sum(window * w[k[1]]) + b[k[1]]
    return out


CONVOLUTIONS = [
    {},
    {"stride": 2},
    {"stride": (2, 1), "padding": (0, 2)},
    {"padding": 1, "dilation": 2},
    {"groups": 2},
    {"groups": 4, "stride": (1, 3), "padding": 2, "dilation": (2, 1)},
]
NAMED = [
    {"padding": "valid", "stride": 2},
    {"padding": "same"},
    {"padding": "same", "dilation": 2},
    {"padding": "same", "dilation": (3, 1), "groups": 2},
]


def images(rng, groups=1, kernel=(3, 2)):
    return rng.normal(size=(2, 4, 7, 8)), rng.normal(size=(4, 4 // groups, *kernel)), rng.normal(size=4)


@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_conv2d_equals_its_definition(rng, settings):
    x, w, b = images(rng, settings.get("groups", 1))
    full = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1} | settings
    pairs = {k: v if isinstance(v, tuple) or k == "groups" else (v, v) for k, v in full.items()}
    np.testing.assert_allclose(F.conv2d(Tensor(x), w, b, **settings), by_definition(x, w, b, **pairs), rtol=1e-10)


@pytest.mark.peer
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_conv2d_equals_pytorch(torch, rng, settings, bias):
    arrays = images(rng, settings.get("groups", 1))[: 2 + bias]
    theirs = torch.nn.functional.conv2d
    assert_equal(torch, lambda *a: F.conv2d(*a, **settings), lambda *a: theirs(*a, **settings), arrays)


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # it may copy, PyTorch says
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (4, 3)])
@pytest.mark.parametrize("settings", NAMED, ids=str)
def test_named_padding_equals_pytorch(torch, rng, settings, kernel):
    arrays = images(rng, settings.get("groups", 1), kernel)
    theirs = torch.nn.functional.conv2d
    assert_equal(torch, lambda *a: F.conv2d(*a, **settings), lambda *a: theirs(*a, **settings), arrays)
    arrays, settings = [y[:, :, 0] if y.ndim == 4 else y for y in arrays], for_sequences(settings)
    theirs = torch.nn.functional.conv1d
    assert_equal(torch, lambda *a: F.conv1d(*a, **settings), lambda *a: theirs(*a, **settings), arrays)


@pytest.mark.peer
@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 2}], ids=str)
def test_conv1d_equals_pytorch(torch, rng, settings):
    arrays = rng.normal(size=(2, 4, 9)), rng.normal(size=(6, 4 // settings.get("groups", 1), 3)), rng.normal(size=6)
    theirs = torch.nn.functional.conv1d
    assert_equal(torch, lambda *a: F.conv1d(*a, **settings), lambda *a: theirs(*a, **settings), arrays)


def test_true_convolution_of_a_single_pixel_is_the_kernel():
    x, w = np.zeros((1, 1, 3, 3)), np.arange(9.0).reshape(1, 1, 3, 3)
    x[0, 0, 1, 1] = 1
    np.testing.assert_array_equal(F.true_conv2d(Tensor(x), w, padding=1), w)
    np.testing.assert_array_equal(F.conv2d(Tensor(x), w, padding=1), w[:, :, ::-1, ::-1])


def test_true_convolution_commutes(rng):
    x, w = rng.normal(size=(1, 1, 3, 4)), rng.normal(size=(1, 1, 3, 4))
    full = {"padding": (2, 3)}
    np.testing.assert_allclose(F.true_conv2d(Tensor(x), w, **full), F.true_conv2d(Tensor(w), x, **full), rtol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1, "dilation": 2}], ids=str)
def test_locally_connected_layer_with_equal_kernels_is_a_convolution(rng, settings):
    x, w, b = rng.normal(size=(2, 3, 6, 7)), rng.normal(size=(4, 3, 2, 3)), rng.normal(size=4)
    expected = F.conv2d(Tensor(x), w, b, **settings)
    everywhere = np.broadcast_to(w, (*expected.shape[2:], *w.shape))
    bias = np.broadcast_to(b[:, None, None], expected.shape[1:])
    np.testing.assert_allclose(F.locally_connected2d(Tensor(x), everywhere, bias, **settings), expected, rtol=1e-12)


def test_locally_connected_layer_has_kernels_of_its_own_at_each_position(rng):
    x, w = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 3, 6, 3, 2, 3))
    y = F.locally_connected2d(Tensor(x), w).numpy()
    for i, j in np.ndindex(3, 3):
        alone = F.conv2d(Tensor(x), w[i, j]).numpy()
        np.testing.assert_allclose(y[:, :, i, j], alone[:, :, i, j], rtol=1e-12)


# ---- what does not fit ---------------------------------------------------------------------------------------


X, W = Tensor(np.ones((1, 2, 5, 5))), np.ones((2, 2, 3, 3))


def test_same_padding_needs_stride_one():
    with pytest.raises(UsageError, match=r'padding "same" keeps the size, which stride 2 does not'):
        F.conv2d(X, W, padding="same", stride=2)


def test_padding_of_another_name_is_refused():
    with pytest.raises(UsageError, match='"valid" or "same", not \'full\''):
        F.conv2d(X, W, padding="full")


def test_locally_connected_weight_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"need a weight of \(I=3, J=3, O=4, C=2, P=3, Q=3\), got \(I=2, J=3"):
        F.locally_connected2d(X, np.ones((2, 3, 4, 2, 3, 3)))
    with pytest.raises(ShapeError, match="weight is"):
        F.locally_connected2d(X, W)
