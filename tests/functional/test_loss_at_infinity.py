"""Losses at infinite inputs: the limits of their values and gradients at large finite ones, where there are limits."""

import itertools
import math
from functools import partial

import numpy as np
import pytest

from minigrad import functional as F  # noqa: N812
from tests.helper import variable

INF = np.inf
SHARES = ([0.0, 1.0, 0.0], [0.0, 0.25, 0.75], [0.2, 0.3, 0.5])
LOG_HALF = math.log(0.5)


def with_targets(f, *targets, **settings):
    """A function of x alone for each target, as rows of one sample."""
    return [partial(lambda x, t: f(x, t, **settings), t=np.array(t)) for t in targets]


def over_classes(f, *targets, **settings):
    """The same with a batch of one sample around them."""
    return [partial(lambda x, t: f(x.reshape((1, 3)), t, **settings)[0], t=np.array([t])) for t in targets]


def each(f, *targets):
    """A function of the first element of x for each target."""
    return [partial(lambda x, t: f(x[:1], np.full(1, t)), t=t) for t in targets]


CLASS_WEIGHT = np.array([0.0, 1.0, 2.0])
COUNTS = (0.0, 1.0, 2.5)
SIGNS = (1.0, -1.0)
NONE = {"reduction": "none"}

LOSSES = {
    "cross_entropy": [
        *over_classes(F.cross_entropy, 0, 1, 2, *SHARES, **NONE),
        *over_classes(F.cross_entropy, 0, 2, *SHARES, **NONE, label_smoothing=0.1),
        *over_classes(F.cross_entropy, 0, 2, SHARES[0], **NONE, label_smoothing=1.0),
    ],
    "nll_loss": over_classes(F.nll_loss, 0, 1, **NONE),
    "kl_div": [
        *with_targets(F.kl_div, *SHARES, reduction="sum"),
        *with_targets(F.kl_div, [-INF, LOG_HALF, LOG_HALF], [-INF, 0.0, -INF], reduction="sum", log_target=True),
        lambda x: F.kl_div(np.array([LOG_HALF, LOG_HALF, -1.0]), x, reduction="sum", log_target=True),
    ],
    "binary_cross_entropy_with_logits": [
        *each(F.binary_cross_entropy_with_logits, 0.0, 1.0, 0.5),
        *each(partial(F.binary_cross_entropy_with_logits, weight=[0.0]), 0.0, 1.0),
        *each(partial(F.binary_cross_entropy_with_logits, weight=[2.0]), 0.0, 1.0),
        *each(partial(F.binary_cross_entropy_with_logits, pos_weight=[0.0]), 0.0, 1.0),
        *each(partial(F.binary_cross_entropy_with_logits, pos_weight=[3.0]), 0.0, 1.0),
    ],
    "multilabel_soft_margin_loss": [
        *with_targets(F.multilabel_soft_margin_loss, *itertools.product((0.0, 1.0), repeat=3)),
        *with_targets(F.multilabel_soft_margin_loss, [1.0, 0.0, 1.0], weight=CLASS_WEIGHT),
    ],
    "soft_margin_loss": each(F.soft_margin_loss, *SIGNS),
    "mse_loss": [*each(F.mse_loss, 0.0, 1.0), *each(partial(F.mse_loss, weight=[2.0]), 1.0)],
    "l1_loss": [*each(F.l1_loss, 0.0, 1.0), *each(partial(F.l1_loss, weight=[2.0]), 1.0)],
    "smooth_l1_loss": [*each(F.smooth_l1_loss, 0.0, 1.0), *each(partial(F.smooth_l1_loss, beta=0.0), 0.0)],
    "huber_loss": [*each(F.huber_loss, 0.0, 1.0), *each(partial(F.huber_loss, weight=[0.0], delta=2.0), 0.0)],
    "sum_squared_error": each(F.sum_squared_error, 0.0, 1.0),
    "gaussian_nll_loss": [
        lambda x: F.gaussian_nll_loss(x[:1], [1.0], [2.0]),
        lambda x: F.gaussian_nll_loss([1.0], [0.0], abs(x[:1])),
        lambda x: F.gaussian_nll_loss(x[:1], [0.0], abs(x[1:2]), full=True),
    ],
    "poisson_nll_loss": [
        *each(F.poisson_nll_loss, *COUNTS),
        *each(partial(F.poisson_nll_loss, full=True), *COUNTS),
        *each(lambda x, t: F.poisson_nll_loss(abs(x), t, log_input=False), *COUNTS),
        *each(lambda x, t: F.poisson_nll_loss(abs(x), t, log_input=False, eps=0.0), 0.0, 1.0),
    ],
    "hinge_embedding_loss": each(F.hinge_embedding_loss, *SIGNS),
    "margin_ranking_loss": [lambda x, t=t: F.margin_ranking_loss(x[:1], x[1:2], [t]) for t in SIGNS],
    "multi_margin_loss": over_classes(F.multi_margin_loss, 0, 1, **NONE),
    "multi_class_svm_loss": over_classes(F.multi_class_svm_loss, 0, 2, **NONE),
    "triplet_margin_loss": [
        lambda x: F.triplet_margin_loss([0.0, 1.0, 2.0], x, [1.0, 0.0, 0.5]),
        lambda x: F.triplet_margin_loss([0.0, 1.0, 2.0], [1.0, 0.0, 0.5], x),
        lambda x: F.triplet_margin_loss(x, [1.0, 0.0, 0.5], [0.0, 1.0, 2.0], swap=True),
    ],
}
OF_ONE = {
    "cross_entropy": [
        *over_classes(F.cross_entropy, 0, 1, SHARES[0], **NONE, weight=CLASS_WEIGHT),
        *over_classes(F.cross_entropy, 0, 2, SHARES[0], **NONE, label_smoothing=0.1, weight=CLASS_WEIGHT),
    ],
    "nll_loss": over_classes(F.nll_loss, 0, 1, **NONE, weight=CLASS_WEIGHT),
    "cosine_embedding_loss": [lambda x, t=t: F.cosine_embedding_loss(x, [3.0, 1.0, 2.0], t) for t in SIGNS],
    "multi_margin_loss": over_classes(F.multi_margin_loss, 0, 1, **NONE, p=2, weight=CLASS_WEIGHT),
}  # fmt: skip
"""For one infinite element only: with more, a part has no limit that is then multiplied by 0 or cut off at 0."""
FINITE = {"binary_cross_entropy", "ctc_loss"}
"""Inputs are probabilities, whose logarithms are bounded (see `test_loss.py`), or logarithms of them, where no path has
any gradient if none is possible (see `test_ctc_loss.py`)."""

VALUE_ONLY = {"triplet_margin_loss"}
"""Where an infinite loss is the result: the gradient of a norm at infinity is that of no element in particular."""

POINTS = [x for x in itertools.product((-INF, INF, 0.7), repeat=3) if not np.isfinite(x).all()]
SINGLE = [x for x in POINTS if np.isinf(x).sum() == 1]
CALLS = [
    (name, f, points) for table, points in ((LOSSES, POINTS), (OF_ONE, SINGLE)) for name in table for f in table[name]
]
RATES = [(1.0, 1.0, 1.0), (1.2, 1.0, 0.9), (0.9, 1.0, 1.2)]
"""Infinite elements go to infinity alike, and at different rates: a limit does not depend on that."""


def value_and_gradient(f, point):
    x = variable(point)
    loss = f(x)
    loss.backward()
    return np.array([loss.item(), *x.grad.numpy().ravel()])


def limit(f, point):
    """The limits of the value and the gradient: numbers, infinities, and NaN where there is none."""
    found = []
    for rates in RATES:
        steps = [
            value_and_gradient(
                f, [math.copysign(size**r, x) if math.isinf(x) else x for x, r in zip(point, rates, strict=True)]
            )
            for size in (1e30, 1e60, 1e120)
        ]
        a, b, c = steps
        converges = np.abs(b - c) <= 1e-9 * (1 + np.abs(c))
        grows = (np.abs(c) > np.abs(b)) & (np.abs(b) > np.abs(a)) | np.isinf(c)
        found.append(np.where(converges, c, np.where(grows, np.copysign(INF, c), np.nan)))
    first, *others = found
    same = np.all([np.isclose(first, other, rtol=1e-9, atol=1e-9) for other in others], axis=0)
    return np.where(same, first, np.nan)


def test_nothing_times_infinity_is_nothing():
    assert F.binary_cross_entropy_with_logits(variable([-INF, INF]), [0.0, 1.0]).item() == 0
    assert F.cross_entropy(variable([[-INF, 0, 1]]), [[0.0, 1.0, 0.0]]).item() == pytest.approx(1.3132616875182228)
    assert F.kl_div(variable([-INF, LOG_HALF, LOG_HALF]), [0.0, 0.5, 0.5], reduction="sum").item() == 0
    loss = F.kl_div(variable([LOG_HALF, LOG_HALF]), [-INF, 0.0], reduction="sum", log_target=True)
    assert loss.item() == pytest.approx(math.log(2))
    assert F.poisson_nll_loss(variable([-INF]), [0.0]).item() == 0
    assert F.multilabel_soft_margin_loss(variable([-INF, INF]), [0.0, 1.0]).item() == 0


def test_entropy_of_a_masked_softmax_has_a_finite_gradient():
    x = variable([-INF, 0.0, 1.0])
    target = F.softmax(x)
    F.cross_entropy(x, target).backward()
    reduced = variable([0.0, 1.0])
    F.cross_entropy(reduced, F.softmax(reduced)).backward()
    np.testing.assert_allclose(x.grad, [0, *reduced.grad.tolist()], atol=1e-16)


def test_loss_of_nan_is_nan_though_its_weight_is_zero():
    assert np.isnan(F.cross_entropy(variable([[np.nan, 0.0]]), [0], [0.0, 1.0], reduction="sum").item())
    assert np.isnan(F.mse_loss(variable([np.nan]), [0.0], weight=[0.0], reduction="sum").item())


def test_every_loss_has_a_row_here():
    known = {n for n in F.__all__ if n.endswith(("_loss", "cross_entropy", "with_logits", "kl_div", "_error"))}
    assert known == LOSSES.keys() | OF_ONE.keys() | FINITE


@pytest.mark.parametrize(("name", "f", "points"), CALLS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the limits are taken where squares overflow
def test_loss_at_infinity_is_the_limit(name, f, points):
    for point in points:
        expected, found = limit(f, point), value_and_gradient(f, point)
        if name in VALUE_ONLY:
            expected, found = expected[:1], found[:1]
        exact = np.isfinite(expected)
        np.testing.assert_allclose(found[exact], expected[exact], rtol=1e-9, atol=1e-9, err_msg=str(point))
        if np.isinf(point).sum() == 1 and np.isinf(expected[0]):
            assert found[0] == expected[0], point
        assert not np.isfinite(found[np.isinf(expected)]).any(), point


# ---- zeros ---------------------------------------------------------------------------------------------------

AT_ZERO = {
    "gaussian_nll_loss": [
        lambda x: F.gaussian_nll_loss([1.0], [0.0], x, eps=0.0),
        lambda x: F.gaussian_nll_loss([-1.0], [2.0], x, eps=0.0, full=True),
        lambda x: F.gaussian_nll_loss([1.0], [1.0], x, eps=0.0),
    ],
    "poisson_nll_loss": [
        *each(lambda x, t: F.poisson_nll_loss(x, t, log_input=False, eps=0.0), *COUNTS),
        *each(lambda x, t: F.poisson_nll_loss([0.5], x, full=True), 0.0),
    ],
    "cross_entropy": [lambda x: F.cross_entropy(np.array([[0.0, 1.0]]), F.pad(x, (0, 1), value=1.0).reshape((1, 2)))],
    "binary_cross_entropy_with_logits": [*each(F.binary_cross_entropy_with_logits, 0.0, 1.0)],
    "multilabel_soft_margin_loss": [lambda x: F.multilabel_soft_margin_loss(x, [1.0])],
    "smooth_l1_loss": each(partial(F.smooth_l1_loss, beta=0.5), 0.0),
    "huber_loss": each(F.huber_loss, 0.0),
    "mse_loss": each(F.mse_loss, 0.0),
}
"""Without kl_div, whose gradient at a target of 0 is finite on purpose: see `test_loss_class.py`."""


@pytest.mark.parametrize(("name", "f"), [(name, f) for name, fs in AT_ZERO.items() for f in fs])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_loss_at_zero_is_the_limit(name, f):
    """The limits from above of value and gradient; an infinity as large as an exponent allows counts as one."""
    near = [value_and_gradient(f, [x]) for x in (1e-30, 1e-60, 1e-120)]
    moves = np.abs(near[2] - near[1]) > 1e-9 * (1 + np.abs(near[2]))
    expected = np.where(moves, np.copysign(INF, near[2]), near[2])
    found = value_and_gradient(f, [0.0])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
