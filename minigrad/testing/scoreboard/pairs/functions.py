"""Functions that several pairs are made of. They take arrays of float64 and of numbers of any precision alike."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from minigrad.typing import Array

TWO_OVER_ROOT_PI: Final = 2 / math.sqrt(math.pi)


def _special(name: str) -> Any:
    """A function of `math`; a number of another type brings its own as a method."""
    of_float = getattr(math, name)
    of_number = np.frompyfunc(lambda v: getattr(v, name)(), 1, 1)
    of_array = np.vectorize(of_float, otypes=[float])

    def function(x: Array) -> Array:
        return np.asarray(of_number(x) if np.asarray(x).dtype == object else of_array(x))

    return function


erf = _special("erf")
erfc = _special("erfc")


def erf_slope(x: Array) -> Array:
    """2/sqrt(pi) exp(-x^2)."""
    return np.asarray(TWO_OVER_ROOT_PI * np.exp(-x * x))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_slope(x: Array) -> Array:
    """s (1 - s), accurate in both tails."""
    e = np.exp(-np.abs(x))
    return np.asarray(e / (1 + e) ** 2)


def softplus(x: Array) -> Array:
    """log(1 + exp x), without overflow."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def normal_cdf(x: Array) -> Array:
    """The distribution function of the standard normal."""
    return np.asarray(0.5 * erfc(-x / math.sqrt(2)))


def normal_pdf(x: Array) -> Array:
    """The density of the standard normal."""
    return np.asarray(np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def softmax(x: Array) -> Array:
    """Exponentials by their sum, along the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def softmax_vjp(g: Array, x: Array) -> Array:
    """p (g - <g, p>)."""
    p = softmax(x)
    return np.asarray(p * (g - (g * p).sum(-1, keepdims=True)))


def logsumexp(x: Array) -> Array:
    """log(sum(exp x)) along the last axis, without overflow."""
    top = x.max(-1, keepdims=True)
    return np.asarray(np.log(np.exp(x - top).sum(-1)) + top[..., 0])


def log_softmax(x: Array) -> Array:
    """x - logsumexp(x)."""
    return np.asarray(x - logsumexp(x)[..., None])


def cross_entropy(x: Array, target: int) -> Array:
    """-log_softmax(x)[target] of one row."""
    return np.asarray(logsumexp(x) - x[target])


def cross_entropy_gradient(x: Array, target: int) -> Array:
    """p - onehot, with 1 - p by the sum of the others."""
    p = softmax(x)
    p[target] = -np.delete(p, target).sum()
    return p


def standardize(x: Array, axis: int, eps: float) -> Array:
    """(x - mean) / sqrt(variance + eps)."""
    centered = x - x.mean(axis, keepdims=True)
    variance = (centered * centered).mean(axis, keepdims=True)
    return np.asarray(centered / np.sqrt(variance + eps))


def standardize_vjp(g: Array, x: Array, axis: int, eps: float) -> Array:
    """(g - mean(g) - z mean(g z)) / sqrt(variance + eps)."""
    centered = x - x.mean(axis, keepdims=True)
    deviation = np.sqrt((centered * centered).mean(axis, keepdims=True) + eps)
    z = centered / deviation
    return np.asarray((g - g.mean(axis, keepdims=True) - z * (g * z).mean(axis, keepdims=True)) / deviation)


def determinant(a: Array) -> Any:
    """The determinant by elimination with pivoting, for numbers of any precision."""
    a = np.array(a)
    result: Any = 1
    for k in range(len(a)):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            result = -result
        result = result * a[k, k]
        if a[k, k] == 0:
            return result
        a[k + 1 :] = a[k + 1 :] - np.outer(a[k + 1 :, k] / a[k, k], a[k])
    return result


def solve(a: Array, b: Array) -> Array:
    """a^-1 b by elimination with pivoting, for numbers of any precision."""
    a, b = np.array(a), np.array(b) + 0 * a[0, 0]
    n = len(a)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, pivot]], b[[k, pivot]] = a[[pivot, k]], b[[pivot, k]]
        for i in range(n):
            if i != k:
                factor = a[i, k] / a[k, k]
                a[i], b[i] = a[i] - factor * a[k], b[i] - factor * b[k]
    return np.array([b[k] / a[k, k] for k in range(n)])


def cholesky(a: Array) -> Array:
    """The lower factor of a symmetric matrix, of which the lower half is read, for numbers of any precision."""
    factor = np.zeros_like(a)
    for i in range(len(a)):
        for j in range(i + 1):
            left = a[i, j] - factor[i, :j] @ factor[j, :j] if j else a[i, j]
            factor[i, j] = np.sqrt(left) if i == j else left / factor[j, j]
    return factor
