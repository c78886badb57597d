"""Normalization by neighbors: against PyTorch and the formulas."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable


@pytest.mark.peer
@pytest.mark.parametrize("settings", [{}, {"alpha": 0.5, "beta": 0.3, "k": 2.0}], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 5, 3, 4), (1, 3, 2, 2, 2)], ids=str)
def test_local_response_norm_equals_pytorch(torch, rng, shape, size, settings):
    ours, theirs = F.local_response_norm, torch.nn.functional.local_response_norm
    assert_equal(
        torch, lambda x: ours(x, size, **settings), lambda x: theirs(x, size, **settings), [rng.normal(size=shape)]
    )


def test_response_of_alexnet():
    # Krizhevsky et al.: b = a / (2 + 1e-4 * sum of the squares of 5 channels)^0.75
    x = np.random.default_rng(0).normal(size=(1, 7, 2, 2)) * 100
    y = F.local_response_norm(Tensor(x), 5, alpha=5e-4, beta=0.75, k=2.0).numpy()
    np.testing.assert_allclose(y[0, 3], x[0, 3] / (2 + 1e-4 * (x[0, 1:6] ** 2).sum(axis=0)) ** 0.75, rtol=1e-12)


def by_definition(x, size, sigma):
    """local_contrast_norm as its docstring has it, pixel by pixel."""
    offset = np.arange(size) - size // 2
    line = np.exp(-((offset / sigma) ** 2) / 2)
    v, s = np.zeros_like(x), np.zeros((len(x), *x.shape[2:]))
    for values, out in ((x, v), (v, s)):
        for n, i, j in np.ndindex(s.shape):
            rows, columns = i + offset, j + offset
            inside = np.outer((rows >= 0) & (rows < x.shape[2]), (columns >= 0) & (columns < x.shape[3]))
            w = np.outer(line, line) * inside
            w /= w.sum() * x.shape[1]
            seen = values[n][:, rows.clip(0, x.shape[2] - 1)][:, :, columns.clip(0, x.shape[3] - 1)]
            if out is v:
                v[n, :, i, j] = x[n, :, i, j] - (w * seen).sum()
            else:
                s[n, i, j] = np.sqrt((w * seen**2).sum())
    return v / np.maximum(s, s.mean(axis=(1, 2), keepdims=True))[:, None]


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.75), (5, 2.0)])
def test_local_contrast_norm_equals_its_definition(rng, size, sigma):
    x = rng.normal(size=(2, 3, 6, 5)) + 4
    found = F.local_contrast_norm(Tensor(x), size, sigma)
    np.testing.assert_allclose(found, by_definition(x, size, sigma), rtol=1e-9)


def test_local_contrast_does_not_depend_on_brightness_and_contrast(rng):
    x = rng.normal(size=(1, 2, 12, 12))
    y = F.local_contrast_norm(Tensor(x))
    np.testing.assert_allclose(F.local_contrast_norm(Tensor(5 * x + 100)), y, rtol=1e-6, atol=1e-9)


def test_even_image_has_no_contrast_and_a_finite_gradient():
    x = variable(np.ones((1, 3, 8, 8)))
    y = F.local_contrast_norm(x, 5)
    y.sum().backward()
    np.testing.assert_allclose(y.numpy(), 0, atol=1e-9)
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize(("dtype", "scale"), [(np.float16, 2e3), (np.float32, 1e20)])
def test_squares_of_large_numbers_do_not_overflow(rng, dtype, scale):
    x = rng.uniform(-1, 1, (2, 4, 8, 8)).astype(np.float16).astype(float)
    tolerance = {np.float16: 2e-3, np.float32: 1e-5}[dtype]
    for f in (lambda x: F.local_contrast_norm(x, 3), lambda x: F.local_response_norm(x, 3, alpha=0.5)):
        large, exact = variable(x * scale, dtype), variable(x * scale)
        for v in (large, exact):
            f(v).sum().backward()
        assert f(large).dtype == dtype
        for a, b in (
            (f(large).numpy(), f(exact).numpy()),
            (large.grad.numpy() * dtype(scale), exact.grad.numpy() * scale),
        ):
            np.testing.assert_allclose(a.astype(float), b, rtol=tolerance, atol=20 * tolerance * np.abs(b).max())


def test_even_image_in_half_precision_has_no_contrast():
    x = variable(np.zeros((1, 3, 8, 8)), np.float16)
    y = F.local_contrast_norm(x, 3)
    y.sum().backward()
    assert not y.numpy().any()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.local_response_norm(x[0, 0], 3), ShapeError, "of 3 or more dimensions"),
        (lambda x: F.local_response_norm(x, 0), UsageError, "size must be at least 1, got 0"),
        (lambda x: F.local_contrast_norm(x[:, :1], 1), DataError, "one value has no contrast"),
        (lambda x: F.local_contrast_norm(x, 4), UsageError, "kernel_size must be odd"),
        (lambda x: F.local_contrast_norm(x, 3, sigma=0), UsageError, "sigma and eps positive"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((1, 2, 4, 4))))
