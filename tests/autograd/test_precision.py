"""A float32 network that becomes float64 says so, and where."""

import math
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.autograd import precision
from minigrad.cost import summary
from minigrad.data import DataLoader
from minigrad.functional import mse_loss


class Scaled(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.fc, self.factor = nn.Linear(3, 2), factor

    def forward(self, x):
        return self.fc(x * self.factor)


LINE = Scaled.forward.__code__.co_firstlineno + 1
X, Y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
PIXELS = np.full((4, 3), 51, np.uint8)


@pytest.fixture(autouse=True)
def _nothing_told_yet():
    precision._shown.clear()


def train(model, x):
    loader = DataLoader((x, Y), batch_size=2)
    mg.training.fit(model, loader, loss=mse_loss, optimizer=optim.SGD(model.parameters(), lr=0.01), epochs=2)


def test_fit_names_the_op_the_layer_and_the_line_once():
    with pytest.warns(UserWarning, match="multiply in Scaled at .* makes float64 of float32") as told:
        train(Scaled(np.sqrt(2)), X)
    assert [(w.filename, w.lineno) for w in told] == [(__file__, LINE)]


def test_fit_names_the_first_op_that_takes_images_divided_by_a_number():
    with pytest.warns(UserWarning, match="linear in Linear"):
        train(nn.Linear(3, 2), PIXELS / 255.0)


def test_summary_names_it_too():
    with pytest.warns(UserWarning, match="multiply in Scaled at .*makes float64 of float32"):
        summary(Scaled(np.sqrt(2)), (4, 3))
    with pytest.warns(UserWarning, match="makes float64 of float32"):
        summary(nn.Linear(3, 2), inputs=PIXELS / 255.0)


def test_why_says_it_beside_the_answer():
    model = Scaled(np.sqrt(2))
    reason = mg.why(model.fc.weight, lambda: model(X).sum())
    assert reason.cause == "healthy"
    assert f"test_precision.py:{LINE} makes float64 of float32" in reason.text


@pytest.mark.parametrize("convert", [lambda m: m, lambda m: m.astype(np.float64)], ids=["float32", "float64"])
def test_what_is_meant_is_not_told(convert):
    model = convert(Scaled(math.sqrt(2)))
    dtype = model.fc.weight.dtype
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, X.astype(dtype))
        train(model, (PIXELS / 255.0).astype(dtype))
        summary(model, (4, 3), dtype=dtype)
        mg.training.evaluate(model, (X.astype(dtype), Y), mse_loss)
    reason = mg.why(model.fc.weight, lambda: model(X.astype(dtype)).astype(np.float64).sum())
    assert "makes float64" not in reason.text
