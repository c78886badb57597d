"""Worked examples from textbooks: chain rule, sigmoid, initial values, penalties, crops, sizes, and LeNet's stages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrad_models.lenet import LeNet5

import minigrad as mg
from minigrad import Tensor, init, nn, optim
from minigrad import functional as F  # noqa: N812
from tests.helper import variable

numbers = st.floats(-50, 50)


@given(numbers, numbers)
def test_chain_rule_of_a_squared_sum(x, y):
    def z(x, y):
        t = x + y
        return t**2

    assert mg.grad(z)(np.float64(x), np.float64(y)).item() == 2 * (x + y)


# ---- sigmoid and vanishing gradients -------------------------------------------------------------------------


@given(numbers)
def test_derivative_of_the_sigmoid_peaks_at_zero_with_a_quarter(u):
    slope = mg.grad(mg.sigmoid)(np.float64(u)).item()
    s = 1 / (1 + np.exp(-u))
    assert slope == pytest.approx((1 - s) * s, rel=1e-9, abs=1e-15)
    assert slope <= 0.25 == mg.grad(mg.sigmoid)(np.float64(0.0)).item()


@pytest.mark.parametrize("depth", [2, 5, 10])
def test_products_of_sigmoid_derivatives_vanish(depth):
    def chain(x, f):
        for _ in range(depth):
            x = f(x)
        return x

    assert 0 < mg.grad(lambda x: chain(x, mg.sigmoid))(np.float64(0.3)).item() <= 0.25**depth
    assert mg.grad(lambda x: chain(x, mg.relu))(np.float64(0.3)).item() == 1


def first_layers_gradient(activation, draw, rng, depth=10, width=64):
    """How large the gradient of the first weights is beside that of the last ones."""
    weights = [variable(draw((width, width), rng=rng)) for _ in range(depth)]
    x = Tensor(rng.normal(size=(32, width)))
    for w in weights:
        x = activation(F.linear(x, w))
    mg.square(x - 1).mean().backward()
    first, last = (np.abs(w.grad.numpy()).mean() for w in (weights[0], weights[-1]))
    return first / last


def test_gradient_vanishes_with_sigmoid_and_lives_with_relu_and_he(rng):
    def gauss(shape, rng):
        return init.normal(shape, std=0.01, rng=rng)

    assert first_layers_gradient(mg.sigmoid, gauss, rng) < 1e-9
    assert first_layers_gradient(mg.relu, init.he_normal, rng) > 0.05
    assert first_layers_gradient(mg.relu, init.he_normal, rng) > 10 * first_layers_gradient(
        mg.sigmoid, init.xavier_normal, rng
    )


def test_published_initial_deviations(rng):
    n = 400
    assert init.xavier_normal((n, n), rng=rng).std() == pytest.approx(1 / np.sqrt(n), rel=0.02)
    assert init.he_normal((n, n), rng=rng).std() == pytest.approx(np.sqrt(2 / n), rel=0.02)


def mlp(value, activation):
    net = nn.Sequential(nn.Linear(4, 5), activation, nn.Linear(5, 3))
    for p in net.parameters():
        p.data = init.constant(p.shape, value)
    return net


@pytest.mark.parametrize("value", [0.0, 0.3])
@pytest.mark.parametrize("activation", [nn.Sigmoid(), nn.Tanh()])
def test_equal_weights_get_equal_updates_and_stay_equal(rng, value, activation):
    net = mlp(value, activation)
    optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    x, target = rng.normal(size=(20, 4)).astype(np.float32), rng.integers(0, 3, 20)
    for _ in range(20):
        optimizer.zero_grad()
        F.cross_entropy(net(x), target).backward()
        optimizer.step()
    hidden, out = net[0].weight.numpy(), net[2].weight.numpy()
    np.testing.assert_allclose(hidden, np.broadcast_to(hidden[:1], hidden.shape), atol=1e-6)  # all units are one unit
    np.testing.assert_allclose(out, np.broadcast_to(out[:, :1], out.shape), atol=1e-6)


def test_zero_weights_learn_nothing_in_the_first_layer(rng):
    net = mlp(0.0, nn.Sigmoid())
    F.cross_entropy(net(rng.normal(size=(20, 4)).astype(np.float32)), rng.integers(0, 3, 20)).backward()
    assert not net[0].weight.grad.numpy().any()
    slopes = net[2].weight.grad.numpy()
    np.testing.assert_allclose(slopes, np.broadcast_to(slopes[:, :1], slopes.shape), rtol=1e-5)


# ---- penalties and data --------------------------------------------------------------------------------------


def test_ridge_adds_the_parameter_and_lasso_its_sign(rng):
    rate, param = 0.1, rng.normal(size=(3, 4))
    for penalty, expected in (
        (lambda p: rate / 2 * (p * p).sum(), rate * param),
        (lambda p: rate * p.abs().sum(), rate * np.sign(param)),
    ):
        np.testing.assert_allclose(mg.grad(penalty)(param), expected, rtol=1e-12)


def test_weight_decay_is_the_ridge_penalty(rng):
    start, x = rng.normal(size=3), rng.normal(size=3)
    decayed, penalized = variable(start), variable(start)
    optimizers = optim.SGD([decayed], lr=0.1, weight_decay=0.3), optim.SGD([penalized], lr=0.1)
    for _ in range(5):
        for p, optimizer, rate in ((decayed, optimizers[0], 0.0), (penalized, optimizers[1], 0.3)):
            optimizer.zero_grad()
            (mg.tanh(p @ x) + rate / 2 * (p * p).sum()).backward()
            optimizer.step()
    np.testing.assert_allclose(decayed.numpy(), penalized.numpy(), rtol=1e-12)


@given(st.data())
def test_crop_takes_rows_then_columns_then_all_channels(data):
    h, w = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    crop_h, crop_w = data.draw(st.integers(1, h)), data.draw(st.integers(1, w))
    top, left = data.draw(st.integers(0, h - crop_h)), data.draw(st.integers(0, w - crop_w))
    array = np.arange(h * w * 3.0).reshape(h, w, 3)
    image = variable(array)
    crop = image[top : top + crop_h, left : left + crop_w, :]
    assert crop.shape == (crop_h, crop_w, 3)
    assert crop[0, 0].tolist() == array[top, left].tolist()
    crop.sum().backward()
    assert image.grad.numpy().sum() == crop.size


def test_mean_gradient_of_mini_batches_is_the_batchs(rng):
    w, x, y = variable(rng.normal(size=3)), rng.normal(size=(12, 3)), rng.normal(size=12)

    def gradient(rows):
        w.grad = None
        F.mse_loss(x[rows] @ w, y[rows]).backward()
        return w.grad.numpy()

    parts = [gradient(slice(k, k + 4)) for k in (0, 4, 8)]
    np.testing.assert_allclose(np.mean(parts, axis=0), gradient(slice(None)), rtol=1e-12)


def test_batch_normalization_centers_and_scales_then_shifts(rng):
    x, gamma, beta, eps = variable(rng.normal(3, 5, (64, 4))), 2.0, -1.0, 1e-8
    normal = (x - x.mean(axis=0)) / mg.sqrt(x.var(axis=0) + eps)
    y = (gamma * normal + beta).numpy()
    np.testing.assert_allclose(y.mean(axis=0), [beta] * 4, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), [gamma] * 4, rtol=1e-6)


# ---- convolution ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "expected"), [(4, 3, 0, 2), (4, 3, 1, 4), (6, 2, 1, 7), (6, 3, 0, 4)]
)
def test_sizes_of_the_examples(size, kernel, padding, expected):
    x, w = Tensor(np.zeros((1, 1, size, size))), np.zeros((1, 1, kernel, kernel))
    assert F.conv2d(x, w, padding=padding).shape == (1, 1, expected, expected)


def test_one_bias_serves_a_whole_filter():
    y = F.conv2d(Tensor(np.zeros((1, 1, 4, 4))), np.zeros((2, 1, 3, 3)), np.array([3.0, 5.0]))
    assert y[0, 0].tolist() == [[3, 3], [3, 3]]
    assert y[0, 1].tolist() == [[5, 5], [5, 5]]


def test_stages_of_lenet():
    net, x = LeNet5(), Tensor(np.zeros((1, 1, 32, 32), np.float32))
    shapes = [x.shape[1:]]
    for layer in (*net.features, *net.classifier):
        x = layer(x)
        if x.shape[1:] != shapes[-1]:
            shapes.append(x.shape[1:])
    assert shapes == [(1, 32, 32), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (400,), (120,), (84,), (10,)]
    assert [int(np.prod(s)) for s in shapes[1:5]] == [4704, 1176, 1600, 400]


def test_lenet_learns_a_handful_of_images(rng):
    net = LeNet5(rng=np.random.default_rng(0))
    x, target = rng.normal(size=(8, 1, 32, 32)).astype(np.float32), np.arange(8)
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(np.log(10), abs=0.3)
    assert losses[-1] < 0.2
