"""Right rules where rounding is large beside the derivative: never blamed, at first order or second."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional
from minigrad.testing import Verdict, check_grads

TAILS = (-800.0, -40.0, -12.0, -9.0, -8.0, -7.0, -5.0, 9.0, 20.0, 40.0, 800.0)
GAPS = (5.0, 20.0, 30.0, 34.0, 36.0, 40.0, 60.0, 800.0)


def check(f, *args):
    report = check_grads(f, *args)
    assert report.verdict is Verdict.CORRECT, str(report)
    assert report.order == 2


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize(
    "f",
    [
        lambda z: functional.cross_entropy(z, np.array([0])),
        lambda z: functional.binary_cross_entropy_with_logits(z, np.array([[1.0, 0.0]])),
        lambda z: mg.logsumexp(z, axis=1),
        lambda z: functional.softmax(z, 1),
        lambda z: functional.log_softmax(z, 1),
    ],
)
def test_logits_far_apart(f, gap):
    check(f, np.array([[gap, 0.0]]))


@pytest.mark.parametrize("x", TAILS)
@pytest.mark.parametrize(
    "f",
    [
        functional.gelu,
        functional.silu,
        functional.mish,
        functional.elu,
        functional.softplus,
        functional.logsigmoid,
        mg.tanh,
        mg.sigmoid,
        mg.erf,
    ],
)
def test_tails(f, x):
    check(f, np.array([x]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "f",
    [
        lambda x: functional.layer_norm(x, (6,)).sum(),
        lambda x: functional.batch_norm(x, None, None, training=True).sum(),
        lambda x: functional.softmax(x, 1).sum(),
        lambda x: ((x - x.mean()) * 0.1).sum(),
        lambda x: mg.log(mg.exp(x)) - x,
        lambda x: x / 3 * 3 - x,
    ],
)
def test_derivatives_that_are_0_but_for_rounding(f, seed):
    check(f, np.random.default_rng(seed).normal(size=(4, 6)))


def with_singular_value(s, rng):
    q, p = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    return q @ np.diag([1.0, 0.7, 0.3, s]) @ p


@pytest.mark.parametrize("s", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("f", [mg.inv, mg.det, lambda a: mg.slogdet(a)[1], lambda a: mg.solve(a, np.ones((4, 1)))])
def test_nearly_singular_matrices(f, s, rng):
    check(f, with_singular_value(s, rng))


@pytest.mark.parametrize("x", [1e-50, 1e-12, 1e-6, 1e50])
@pytest.mark.parametrize("f", [lambda x: 1 / x, mg.sqrt, mg.log, mg.vector_norm])
def test_arguments_of_any_size(f, x):
    check(f, x * np.array([1.0, 1.3]))


def test_next_to_a_pole():
    check(lambda x: mg.log(1 - x * x), np.array([1 - 1e-6]))
