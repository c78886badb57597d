"""Initial values: their variances, bounds and dtype."""

import math
import statistics

import numpy as np
import pytest

import minigrad as mg
from minigrad import init

LINEAR, CONV = (400, 300), (60, 20, 5, 3)
FANS = {LINEAR: (300, 400), CONV: (20 * 15, 60 * 15)}

VARIANCES = {
    "xavier_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
}


@pytest.mark.parametrize("shape", [LINEAR, CONV])
def test_fans_count_inputs_and_outputs_with_the_kernels_area(shape):
    assert init.fans(shape) == FANS[shape]


@pytest.mark.parametrize("shape", [LINEAR, CONV])
@pytest.mark.parametrize("name", VARIANCES)
def test_variance_is_the_published_one(rng, name, shape):
    expected = VARIANCES[name](*FANS[shape])
    values = getattr(init, name)(shape, rng=rng)
    assert values.shape == shape
    assert values.var() == pytest.approx(expected, rel=0.05)
    assert values.mean() == pytest.approx(0, abs=4 * np.sqrt(expected / values.size))
    halved = getattr(init, name)(shape, gain=0.5, rng=rng)
    gain = 2**0.5 if name.startswith("he") else 1.0
    assert halved.std() == pytest.approx(np.sqrt(expected) * 0.5 / gain, rel=0.05)


@pytest.mark.parametrize("name", ["xavier_uniform", "he_uniform"])
def test_uniform_values_fill_their_bounds(rng, name):
    bound = np.sqrt(3 * VARIANCES[name](*FANS[LINEAR]))
    values = getattr(init, name)(LINEAR, rng=rng)
    assert 0.99 * bound < values.max() <= bound * (1 + 1e-6)
    assert -bound * (1 + 1e-6) <= values.min() < -0.99 * bound


@pytest.mark.parametrize("name", ["xavier_normal", "he_normal"])
def test_normal_values_have_normal_tails(rng, name):
    values = getattr(init, name)(LINEAR, rng=rng)
    share = (np.abs(values) > 2 * values.std()).mean()
    assert share == pytest.approx(0.0455, abs=0.005)


def test_plain_distributions(rng):
    assert (init.constant((2, 3), 0.1) == np.float32(0.1)).all()
    assert not init.constant((2,)).any()
    values = init.uniform((50_000,), -1, 3, rng)
    assert (values.min() >= -1, values.max() < 3, values.mean() == pytest.approx(1, abs=0.02)) == (True, True, True)
    values = init.normal((50_000,), 5, 0.1, rng)
    assert (values.mean(), values.std()) == (pytest.approx(5, abs=0.01), pytest.approx(0.1, rel=0.02))


def test_bounds_of_torch_default_uniform(rng):
    values = init.torch_default_uniform((1000,), 16, rng)
    assert 0.24 < np.abs(values).max() <= 0.25
    assert not init.torch_default_uniform((3,), 0, rng).any()


@pytest.mark.parametrize(
    "name", [*VARIANCES, "constant", "zeros", "ones", "eye", "uniform", "normal", "truncated_normal", "orthogonal"]
)
def test_values_have_the_default_dtype(name):
    assert getattr(init, name)((2, 3)).dtype == np.float32
    mg.set_default_dtype(np.float64)
    assert getattr(init, name)((2, 3)).dtype == np.float64


@pytest.mark.parametrize("name", [*VARIANCES, "uniform", "normal", "truncated_normal", "orthogonal"])
def test_values_repeat_with_the_generator_and_with_the_seed(name):
    draw = getattr(init, name)
    first = draw((3, 4), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(draw((3, 4), rng=np.random.default_rng(1)), first)
    mg.seed(7)
    second = draw((3, 4))
    assert not np.array_equal(draw((3, 4)), second)
    mg.seed(7)
    np.testing.assert_array_equal(draw((3, 4)), second)


def test_he_keeps_the_signal_through_relu_layers(rng):
    x = rng.normal(size=(100, 256))
    for _ in range(20):
        x = np.maximum(x @ init.he_normal((256, 256), rng=rng).T, 0)
    assert 0.2 < np.mean(x**2) < 5


def test_xavier_keeps_the_signal_through_linear_layers_both_ways(rng):
    x = g = rng.normal(size=(100, 256))
    for _ in range(20):
        w = init.xavier_uniform((256, 256), rng=rng)
        x, g = x @ w.T, g @ w
    assert 0.2 < np.mean(x**2) < 5
    assert 0.2 < np.mean(g**2) < 5


@pytest.mark.parametrize("name", ["he_uniform", "he_normal"])
def test_he_can_keep_the_gradients_size(rng, name):
    values = getattr(init, name)(CONV, mode="fan_out", rng=rng)
    assert values.var() == pytest.approx(2 / FANS[CONV][1], rel=0.05)
    with pytest.raises(mg.UsageError, match='"fan_in" or "fan_out"'):
        getattr(init, name)(CONV, mode="fan")


@pytest.mark.parametrize("name", VARIANCES)
def test_a_bias_has_no_fans(name):
    with pytest.raises(mg.ShapeError, match="use constant, uniform or normal for biases"):
        getattr(init, name)((3,))


@pytest.mark.parametrize(
    ("mean", "std", "low", "high"), [(0, 1, -2, 2), (1, 0.5, -20, 20), (0, 1, 1, 9), (0, 1, -3, -2.5), (2, 3, 8, 100)]
)
def test_truncated_normal_has_the_moments_of_its_density(rng, mean, std, low, high):
    values = init.truncated_normal((200_000,), mean, std, low, high, rng).astype(float)
    assert low <= values.min()
    assert values.max() <= high
    x = np.linspace(max(low, mean - 12 * std), min(high, mean + 12 * std), 200_001)
    density = np.exp(-(((x - mean) / std) ** 2) / 2)
    density /= density.sum()
    expected = (x * density).sum()
    spread = np.sqrt(((x - expected) ** 2 * density).sum())
    assert values.mean() == pytest.approx(expected, abs=5 * spread / math.sqrt(values.size))
    assert values.std() == pytest.approx(spread, rel=0.02)


def test_truncated_normal_has_the_share_of_each_part(rng):
    values = init.truncated_normal((100_000,), 0, 1, -2, 2, rng)
    cdf = statistics.NormalDist().cdf
    expected = (cdf(1) - cdf(-1)) / (cdf(2) - cdf(-2))
    assert (np.abs(values) < 1).mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("settings"), [{"low": 1, "high": 1}, {"std": 0}])
def test_truncated_normal_refuses_empty_ranges(settings):
    with pytest.raises(mg.UsageError, match="low < high and std > 0"):
        init.truncated_normal((3,), **settings)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (7, 7), (4, 3, 3, 2), (30, 2, 3, 3)])
def test_orthogonal_rows_or_columns_are_perpendicular_and_of_length_gain(rng, shape):
    mg.set_default_dtype(np.float64)
    w = init.orthogonal(shape, gain=3.0, rng=rng)
    assert w.shape == shape
    w = w.reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_uniform_among_all(rng):
    corners = [init.orthogonal((3, 3), rng=rng)[0, 0] for _ in range(2000)]
    assert np.mean(corners) == pytest.approx(0, abs=0.05)
    assert np.mean(np.square(corners)) == pytest.approx(1 / 3, abs=0.03)


def test_identity_matrices_and_kernels_pass_their_input_on(rng):
    x = rng.normal(size=(2, 3)).astype(np.float32)
    np.testing.assert_array_equal(x @ init.eye((3, 3)).T, x)
    images = rng.normal(size=(2, 4, 5, 5)).astype(np.float32)
    for groups in (1, 2):
        kernels = init.dirac((4, 4 // groups, 3, 3), groups)
        out = mg.functional.conv2d(images, kernels, padding=1, groups=groups)
        np.testing.assert_array_equal(out, images)
    assert init.eye((2, 4)).sum() == 2
    assert init.dirac((6, 2, 3)).sum() == 2


def test_identities_need_their_shapes():
    with pytest.raises(mg.ShapeError, match="for kernels there is dirac"):
        init.eye((2, 2, 2))
    with pytest.raises(mg.ShapeError, match="for matrices there is eye"):
        init.dirac((2, 2))
    with pytest.raises(mg.UsageError, match="do not make 2 equal groups"):
        init.dirac((3, 2, 3), groups=2)


def test_gains_are_the_published_ones():
    assert init.calculate_gain("relu") == pytest.approx(math.sqrt(2))
    assert init.calculate_gain("leaky_relu", 1.0) == 1
    assert init.calculate_gain("tanh") == 5 / 3
    with pytest.raises(mg.UsageError, match="knows leaky_relu, linear"):
        init.calculate_gain("swish")
    with pytest.raises(mg.UsageError, match="'relu' takes none"):
        init.calculate_gain("relu", 2)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_pytorchs(torch, name):
    assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    if name == "leaky_relu":
        assert init.calculate_gain(name, 0.3) == pytest.approx(torch.nn.init.calculate_gain(name, 0.3))


@pytest.mark.peer
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_and_eye_are_pytorchs(torch, groups):
    for shape in ((4, 3, 3, 2), (6, 4, 4), (2, 5, 1, 3)):
        theirs = torch.nn.init.dirac_(torch.empty(shape), groups=groups).numpy()
        np.testing.assert_array_equal(init.dirac(shape, groups), theirs)
    np.testing.assert_array_equal(init.eye((3, 5)), torch.nn.init.eye_(torch.empty(3, 5)).numpy())


@pytest.mark.peer
@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        ("xavier_uniform", "xavier_uniform_", {}), ("xavier_normal", "xavier_normal_", {}),
        ("he_uniform", "kaiming_uniform_", {"nonlinearity": "relu"}),
        ("he_normal", "kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}),
        ("orthogonal", "orthogonal_", {}), ("truncated_normal", "trunc_normal_", {}),
    ],
)  # fmt: skip
def test_distributions_are_pytorchs(torch, rng, ours, theirs, settings):
    torch.manual_seed(0)
    expected = getattr(torch.nn.init, theirs)(torch.empty(60, 20, 5, 3), **settings).numpy()
    mode = {"mode": settings["mode"]} if "mode" in settings else {}
    values = getattr(init, ours)((60, 20, 5, 3), rng=rng, **mode)
    tolerance = 0.12 * float(expected.std())  # three standard errors of the outermost quantiles of 18,000 values
    for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
        found, wanted = np.quantile(values, quantile), np.quantile(expected, quantile)
        assert found == pytest.approx(wanted, abs=tolerance), quantile


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal", "orthogonal", "he_normal", "xavier_uniform"])
def test_skip_draws_nothing_until_its_end(name):
    initializer = getattr(init, name)
    mg.seed(7)
    expected = initializer((5, 4))
    mg.seed(7)
    with init.skip():
        zeros = initializer((5, 4))
    assert zeros.dtype == expected.dtype
    assert not zeros.any()
    np.testing.assert_array_equal(initializer((5, 4)), expected)


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "orthogonal"])
@pytest.mark.parametrize("gain", ["relu", "fan_out", -1.0, math.nan, None])
def test_gain_is_a_number(name, gain):
    with pytest.raises(mg.UsageError, match=r"gain is a number of at least 0, not .*: calculate_gain\(name\)"):
        getattr(init, name)((3, 4), gain)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.normal((2,), std=-1.0), "normal: needs numbers mean and std >= 0, got 0.0 and -1.0"),
        (lambda: init.normal((2,), std=math.nan), "std >= 0, got 0.0 and nan"),
        (lambda: init.normal((2,), "0"), "got '0' and 1.0"),
        (lambda: init.uniform((2,), 2.0, 1.0), "uniform: needs numbers low <= high, got 2.0 and 1.0"),
        (lambda: init.he_normal(mg.ones((3, 4))), "takes a shape, such as layer.weight.shape, not a Tensor"),
    ],
)
def test_what_is_no_distribution_or_no_shape_is_named(call, message):
    with pytest.raises(mg.UsageError, match=message):
        call()
