"""The functions for networks: against their formulas in NumPy, and against PyTorch in values and gradients."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from tests.helper import variable


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


def images(rng, groups=1):
    return rng.normal(size=(2, 4, 7, 8)), rng.normal(size=(4, 4 // groups, 3, 2)), rng.normal(size=4)


@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_conv2d_equals_its_definition(rng, settings):
    x, w, b = images(rng, settings.get("groups", 1))
    full = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1} | settings
    pairs = {k: v if isinstance(v, tuple) or k == "groups" else (v, v) for k, v in full.items()}
    np.testing.assert_allclose(F.conv2d(Tensor(x), w, b, **settings), by_definition(x, w, b, **pairs), rtol=1e-10)


def compare(torch, ours, theirs, arrays, rtol=1e-10):
    """Values and gradients of two functions agree."""
    mine = [variable(a) for a in arrays]
    other = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*mine), theirs(*other)
    np.testing.assert_allclose(out.numpy(), expected.detach().numpy(), rtol=rtol, atol=1e-12)
    g = np.linspace(-1, 2, out.size).reshape(out.shape)
    out.backward(g)
    expected.backward(torch.tensor(g))
    for x, y in zip(mine, other, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=rtol, atol=1e-11)


@pytest.mark.peer
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_conv2d_equals_pytorch(torch, rng, settings, bias):
    arrays = images(rng, settings.get("groups", 1))[: 2 + bias]
    compare(torch, lambda *a: F.conv2d(*a, **settings), lambda *a: torch.nn.functional.conv2d(*a, **settings), arrays)


@pytest.mark.peer
@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 2}], ids=str)
def test_conv1d_equals_pytorch(torch, rng, settings):
    arrays = rng.normal(size=(2, 4, 9)), rng.normal(size=(6, 4 // settings.get("groups", 1), 3)), rng.normal(size=6)
    compare(torch, lambda *a: F.conv1d(*a, **settings), lambda *a: torch.nn.functional.conv1d(*a, **settings), arrays)


POOLS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
]


@pytest.mark.peer
@pytest.mark.parametrize("settings", [*POOLS, {"kernel_size": 2, "dilation": 3, "stride": 1}], ids=str)
def test_max_pool2d_equals_pytorch(torch, rng, settings):
    x = rng.permutation(2 * 3 * 8 * 7).reshape(2, 3, 8, 7) / 7.0
    compare(torch, lambda x: F.max_pool2d(x, **settings), lambda x: torch.nn.functional.max_pool2d(x, **settings), [x])


@pytest.mark.peer
@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("settings", POOLS, ids=str)
def test_avg_pool2d_equals_pytorch(torch, rng, settings, counted):
    settings = {**settings, "count_include_pad": counted}
    x = rng.normal(size=(2, 3, 8, 7))
    compare(torch, lambda x: F.avg_pool2d(x, **settings), lambda x: torch.nn.functional.avg_pool2d(x, **settings), [x])


@pytest.mark.peer
@pytest.mark.parametrize("name", ["max_pool1d", "avg_pool1d"])
@pytest.mark.parametrize(
    "settings",
    [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2, "ceil_mode": True}],
)
def test_pool1d_equals_pytorch(torch, rng, name, settings):
    x = rng.permutation(2 * 3 * 7).reshape(2, 3, 7) / 7.0
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    compare(torch, lambda x: ours(x, **settings), lambda x: theirs(x, **settings), [x])


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3)])
def test_linear_equals_pytorch(torch, rng, shape):
    arrays = rng.normal(size=shape), rng.normal(size=(2, 3)), rng.normal(size=2)
    compare(torch, F.linear, torch.nn.functional.linear, arrays)


@pytest.mark.peer
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_cross_entropy_equals_pytorch(torch, rng, reduction, scale):
    x, target = scale * rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    for name, inputs in (("cross_entropy", x), ("nll_loss", -np.abs(x))):
        ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
        compare(
            torch,
            lambda x, f=ours: f(x, target, reduction=reduction),
            lambda x, f=theirs: f(x, torch.tensor(target), reduction=reduction),
            [inputs],
        )


@pytest.mark.peer
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_equals_pytorch(torch, rng, name, dim):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    compare(torch, lambda x: ours(x, dim), lambda x: theirs(x, dim), [rng.normal(size=(3, 4, 2)) * 5])


# ---- properties ----------------------------------------------------------------------------------------------


def test_softmax_is_positive_and_sums_to_one_for_huge_numbers():
    y = F.softmax(Tensor(np.array([[1e4, 0.0, -1e4], [5.0, 5.0, 5.0]]))).numpy()
    np.testing.assert_allclose(y, [[1, 0, 0], [1 / 3] * 3])
    assert np.isfinite(F.log_softmax(Tensor(np.array([1e4, 0.0]))).numpy()).all()


def test_temperature_evens_out():
    x = Tensor(np.array([1.0, 3.0]))
    np.testing.assert_allclose(F.softmax(x, temperature=2.0), F.softmax(x / 2))
    assert F.softmax(x, temperature=10.0)[0].item() > F.softmax(x)[0].item() > F.softmax(x, temperature=0.1)[0].item()


def test_cross_entropy_of_even_scores_is_the_logarithm_of_their_number():
    loss = F.cross_entropy(Tensor(np.zeros((3, 10))), [0, 5, 9])
    assert loss.item() == pytest.approx(np.log(10))
    assert F.cross_entropy(Tensor(np.zeros((3, 10))), Tensor(np.array([0, 5, 9])), reduction="none").shape == (3,)


def test_cross_entropy_is_nll_of_log_softmax(rng):
    x, target = variable(rng.normal(size=(4, 3))), np.array([2, 0, 1, 1])
    np.testing.assert_allclose(F.cross_entropy(x, target).item(), F.nll_loss(F.log_softmax(x, 1), target).item())


def test_squared_errors():
    x, y = variable([1.0, 2.0, 4.0]), Tensor(np.array([0.0, 2.0, 1.0]))
    assert F.mse_loss(x, y).item() == pytest.approx(10 / 3)
    assert F.mse_loss(x, y, reduction="sum").item() == 10
    assert F.mse_loss(x, y, reduction="none").tolist() == [1, 0, 9]
    loss = F.sum_squared_error(x, y)
    loss.backward()
    assert (loss.item(), x.grad.tolist()) == (5, [1, 0, 3])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.conv2d(x, np.ones((2, 3, 2, 2)), padding=1),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.avg_pool2d(x, 2),
    ],
)
def test_single_image_equals_a_batch_of_one(rng, f):
    x = rng.normal(size=(3, 4, 4))
    np.testing.assert_array_equal(f(Tensor(x)), f(Tensor(x[None]))[0])


@pytest.mark.parametrize(
    "f",
    [lambda x: F.conv1d(x, np.ones((2, 3, 2)), padding=1), lambda x: F.max_pool1d(x, 2), lambda x: F.avg_pool1d(x, 2)],
)
def test_single_sequence_equals_a_batch_of_one(rng, f):
    x = rng.normal(size=(3, 6))
    np.testing.assert_array_equal(f(Tensor(x)), f(Tensor(x[None]))[0])


def test_first_largest_pixel_of_a_tie_gets_the_gradient():
    x = variable(np.ones((1, 1, 2, 4)))
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0, 1, 0], [0, 0, 0, 0]]]]
    y = variable([3.0, 3.0, 1.0])
    y.max().backward()
    assert y.grad.tolist() == [1, 0, 0]


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_that_share(p):
    x = variable(np.ones(20_000))
    y = F.dropout(x, p)
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    assert (y.numpy() == 0).mean() == pytest.approx(p, abs=0.02)
    np.testing.assert_allclose(y.numpy()[y.numpy() != 0], 1 / (1 - p), rtol=1e-6)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())  # the same mask and scale on the way back


def test_dropout_repeats_with_its_generator_and_with_the_seed():
    x = Tensor(np.ones(100))
    first = F.dropout(x, rng=np.random.default_rng(1)).numpy()
    np.testing.assert_array_equal(F.dropout(x, rng=np.random.default_rng(1)).numpy(), first)
    mg.seed(3)
    second = F.dropout(x).numpy()
    mg.seed(3)
    np.testing.assert_array_equal(F.dropout(x).numpy(), second)
    assert not np.array_equal(F.dropout(x).numpy(), second)


def test_dropout_changes_nothing_outside_of_training():
    x = Tensor([1.0, 2.0])
    assert F.dropout(x, training=False) is x
    assert F.dropout(x, p=0.0) is x
    assert F.dropout(x, p=1.0).tolist() == [0, 0]
    assert F.dropout(Tensor(np.ones(3, np.float16))).dtype == np.float16
