"""The loss of connectionist temporal classification: by enumeration of all paths, and against PyTorch."""

from itertools import chain, groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, DTypeError, UsageError
from minigrad.testing import check_grads

RNG = np.random.default_rng(0)


def collapsed(path, blank):
    """What a path gives: repetitions count once, and blanks are taken out."""
    return [label for label, _ in groupby(path) if label != blank]


def enumerated(log_probs, labels, blank):
    """Minus the logarithm of the sum over all paths (T, C)."""
    steps, classes = log_probs.shape
    paths = product(range(classes), repeat=steps)
    terms = [sum(log_probs[range(steps), path]) for path in paths if collapsed(path, blank) == list(labels)]
    return -np.logaddexp.reduce(np.array([-np.inf, *terms]))


@st.composite
def problems(draw):
    classes, steps = draw(st.integers(2, 3)), draw(st.integers(0, 4))
    blank = draw(st.integers(0, classes - 1))
    some = [c for c in range(classes) if c != blank]
    rows = draw(st.lists(st.lists(st.sampled_from(some), max_size=3), min_size=1, max_size=3))
    lengths = [draw(st.integers(0, steps)) for _ in rows]
    return np.random.default_rng(0).normal(size=(steps, len(rows), classes)), rows, lengths, blank


def padded(rows):
    longest = max(map(len, rows))
    return np.array([row + [-1] * (longest - len(row)) for row in rows], int).reshape(len(rows), longest)


@given(problems())
def test_loss_is_the_sum_over_all_paths(problem):
    x, rows, lengths, blank = problem
    counts = [len(row) for row in rows]
    expected = [enumerated(x[:t, n], row, blank) for n, (row, t) in enumerate(zip(rows, lengths, strict=True))]
    found = F.ctc_loss(Tensor(x), padded(rows), lengths, counts, blank, "none")
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-12)
    joined = F.ctc_loss(Tensor(x), np.array(list(chain(*rows)), int), lengths, counts, blank, "none")
    np.testing.assert_array_equal(joined.numpy(), found.numpy())
    means = np.array(expected) / np.maximum(counts, 1)
    np.testing.assert_allclose(F.ctc_loss(Tensor(x), padded(rows), lengths, counts, blank).item(), means.mean())
    finite = np.where(np.isinf(expected), 0, expected)
    zeroed = F.ctc_loss(Tensor(x), padded(rows), lengths, counts, blank, "sum", zero_infinity=True)
    np.testing.assert_allclose(zeroed.item(), finite.sum(), atol=1e-12)


@given(problems())
def test_gradient_is_minus_the_share_of_paths_and_none_comes_from_impossible_samples(problem):
    x, rows, lengths, blank = problem
    counts = [len(row) for row in rows]
    variable = Tensor(x, requires_grad=True)
    F.ctc_loss(variable, padded(rows), lengths, counts, blank, "sum", zero_infinity=True).backward()
    losses = F.ctc_loss(x, padded(rows), lengths, counts, blank, "none")
    ran = (np.arange(len(x))[:, None] < np.array(lengths)) & np.isfinite(losses)
    np.testing.assert_allclose(variable.grad.numpy().sum(axis=2), -1.0 * ran, atol=1e-12)
    assert (variable.grad.numpy() <= 0).all()


def loss_of(x):
    return F.ctc_loss(F.log_softmax(x, 2), [[1, 1, 2], [2, 1, 0]], [6, 5], [3, 2])


def test_derivatives_of_both_orders_are_right():
    report = check_grads(loss_of, RNG.normal(size=(6, 2, 3)))
    assert report, report


def test_large_logits_and_impossible_classes_are_exact():
    x = np.full((3, 1, 3), -np.inf)
    x[[0, 1, 2], 0, [1, 0, 2]] = 0  # one path has all of the probability
    variable = Tensor(x, requires_grad=True)
    loss = F.ctc_loss(variable, [[1, 2]], [3], [2])
    loss.backward()
    assert loss.item() == 0
    np.testing.assert_array_equal(variable.grad.numpy() != 0, np.isfinite(x))
    scores = Tensor(1e4 * RNG.normal(size=(5, 1, 3)), requires_grad=True)
    F.ctc_loss(F.log_softmax(scores, 2), [[1, 2]], [5], [2]).backward()
    assert np.isfinite(scores.grad.numpy()).all()


def test_one_sample_and_per_sample_gradients():
    x = RNG.normal(size=(4, 2, 3))
    one = F.ctc_loss(Tensor(x[:, 0]), [1, 2], 4, 2)
    np.testing.assert_allclose(one.item(), F.ctc_loss(Tensor(x[:, :1]), [[1, 2]], [4], [2]).item())

    def loss(x):
        return F.ctc_loss(x, [1, 2], 4, 2)

    by_sample = mg.vmap(mg.grad(loss), 1, 1)(Tensor(x))
    np.testing.assert_allclose(by_sample[:, 1].numpy(), mg.grad(loss)(Tensor(x[:, 1])).numpy())


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[1, 0]], [4], [2]), DataError, "label 1 of sample 0 is 0.*not the blank, 0"),
        (([[1, 3]], [4], [2]), DataError, "label 1 of sample 0 is 3.*from 0 to 2"),
        (([[1, 2]], [5], [2]), DataError, r"input_lengths must lie in 0 \.\.\. 4, got 5"),
        (([[1, 2]], [4], [3]), DataError, r"target_lengths must lie in 0 \.\.\. 2, got 3"),
        (([[1.0, 2.0]], [4], [2]), DTypeError, "targets holds integers, not float64"),
        (([[1], [2]], [4], [1]), ShapeError, r"expected targets \(1, L\)"),
        (([[1]], [4, 4], [1]), ShapeError, "one number for each of 1 samples"),
        (([[1]], [4], [1], 3), UsageError, "blank is one of the 3 classes, not 3"),
        (([[1]], [4], [1], 0, "median"), UsageError, "reduction is"),
    ],
)
def test_misuse_is_told(arguments, error, words):
    with pytest.raises(error, match=words):
        F.ctc_loss(np.zeros((4, 1, 3)), *arguments)


def test_labels_in_one_row_must_be_as_many_as_told():
    with pytest.raises(ShapeError, match="targets has 2 labels, but target_lengths add up to 3"):
        F.ctc_loss(np.zeros((4, 2, 3)), [1, 2], [4, 4], [2, 1])
    with pytest.raises(ShapeError, match=r"expected log_probs \(T, N, C\)"):
        F.ctc_loss(np.zeros(4), [1], [4], [1])


@pytest.mark.peer
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_loss_and_gradients_equal_pytorchs(reduction, zero, joined):
    torch = pytest.importorskip("torch")
    x = RNG.normal(size=(7, 4, 5))
    rows, lengths, counts = [[1, 1, 2], [3, 4], [], [2, 2, 2]], [7, 6, 3, 7 if not zero else 4], [3, 2, 0, 3]
    targets = np.array(list(chain(*rows))) if joined else np.maximum(padded(rows), 0)
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    loss = F.ctc_loss(F.log_softmax(ours, 2), targets, lengths, counts, 0, reduction, zero)
    expected = torch.nn.functional.ctc_loss(
        torch.log_softmax(theirs, 2), torch.tensor(targets), torch.tensor(lengths), torch.tensor(counts), 0, reduction,
        zero,
    )  # fmt: skip
    np.testing.assert_allclose(loss.numpy(), expected.detach().numpy(), rtol=1e-10)
    loss.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-8, atol=1e-12)
