"""Numbers that are not finite: training stops before an update, and the op and its line are named."""

import inspect
import math

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.autograd.tensor import Tensor
from minigrad.data import DataLoader
from minigrad.errors import NonFiniteError
from minigrad.functional import cross_entropy, relu
from minigrad.training import Callback, fit

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(23, 3)), RNG.integers(0, 4, 23)


def net():
    rng.seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4)).astype(np.float64)


def train(model, batch_size=4, loss=cross_entropy, lr=0.1, data=(X, Y), epochs=1, **settings):
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, seed=1)
    return fit(model, loader, loss=loss, optimizer=optimizer, epochs=epochs, **settings)


class Fragile(nn.Module):
    """Becomes NaN, or has an infinite gradient, where an input is 5."""

    def __init__(self, function):
        self.linear, self.dropout, self.function = (
            nn.Linear(3, 4),
            nn.Dropout(0.5, rng=np.random.default_rng(0)),
            function,
        )

    def forward(self, x):
        return self.dropout(self.linear(x)) + self.function(x.sum(axis=1, keepdims=True) * self.linear.bias[0])


def line_of(function, text):
    lines, start = inspect.getsourcelines(function)
    return start + next(i for i, line in enumerate(lines) if text in line)


def logarithm(x):
    return relu(x).log()  # -inf somewhere


def root(x):
    return (x * 0).sqrt()  # 0, with an infinite slope


def test_a_loss_that_is_not_finite_names_the_first_op_and_its_line_and_leaves_the_weights():
    model = Fragile(logarithm)
    before = {name: array.copy() for name, array in model.state_dict().items()}
    with pytest.raises(NonFiniteError) as error:
        train(model, data=(X.astype(np.float32), Y))
    assert "the loss became" in str(error.value)
    assert "in epoch 1, at step 1 (learning rate 0.1): log gave -inf at" in str(error.value)
    assert str(error.value).endswith(f"called at {__file__}:{line_of(logarithm, 'log()')}")
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_a_gradient_that_is_not_finite_names_the_parameter_the_op_and_its_line_before_the_weights_are_touched():
    model = Fragile(root)
    before = {name: array.copy() for name, array in model.state_dict().items()}
    with pytest.raises(NonFiniteError) as error:
        train(model, data=(X.astype(np.float32), Y), clip_norm=1.0)
    assert "the gradient of linear.bias became" in str(error.value)
    assert "the gradient of sqrt" in str(error.value)
    assert str(error.value).endswith(f"{__file__}:{line_of(root, 'sqrt()')}")
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_the_second_run_of_a_bad_step_draws_the_same_random_numbers():
    class Unlucky(nn.Module):
        def __init__(self):
            self.linear, self.rng = nn.Linear(3, 4), np.random.default_rng(3)

        def forward(self, x):
            value = self.rng.integers(0, 1 << 40)
            drawn.append((int(value), int(rng.default_rng().integers(0, 1 << 40))))
            return self.linear(x) * (math.nan if len(drawn) > 3 else 1.0)

    drawn = []
    with pytest.raises(NonFiniteError, match=r"at step 4 .*multiply gave nan"):
        train(Unlucky().astype(np.float64))
    assert len(drawn) == 5
    assert drawn[3] == drawn[4] != drawn[2]


def test_bad_data_is_named_as_such():
    bad = X.copy()
    bad[7, 1] = np.nan
    with pytest.raises(NonFiniteError, match="array 0 of the batch has nan in it; look at the data"):
        train(net(), data=(bad, Y))


def test_weights_that_the_step_before_spoiled_are_named_as_such():
    class Spoil(Callback):
        def on_step(self, training):
            if training.step == 2:
                training.model[2].bias.data = np.full(4, np.nan)

    with pytest.raises(
        NonFiniteError, match=r"the loss became nan .* step 3 .*: the step before made the parameter 2.bias nan"
    ):
        train(net(), callbacks=[Spoil()])


def test_a_fault_that_a_second_run_does_not_show_is_told_without_a_cause():
    def once(output, target):
        calls.append(None)
        if len(calls) > 2:
            raise KeyError("only the first time")
        return cross_entropy(output, target) * (math.nan if len(calls) == 2 else 1.0)

    calls = []
    with pytest.raises(NonFiniteError, match=r"at step 2 \(learning rate 0.1\): try a smaller learning rate"):
        train(net(), loss=once)


def test_large_but_finite_gradients_are_no_fault():
    model = nn.Linear(1, 2, bias=False)
    model.weight.data = np.zeros((2, 1))
    large = np.float32(3e38)

    def loss(output, target):
        return (output * Tensor(np.array([[large, large]]))).mean() * 2

    train(model, data=(np.ones((1, 1), np.float32), np.zeros(1, int)), loss=loss, lr=1e-38)
    assert np.isfinite(model.weight.data).all()


def test_a_test_loss_that_is_not_finite_names_the_op():
    with pytest.raises(NonFiniteError, match=r"the test loss became nan .*: .* gave nan at"):
        train(net(), test=(X * np.nan, Y))
