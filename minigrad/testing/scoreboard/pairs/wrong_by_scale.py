"""Wrong gradients that hide: small among large ones, at ties, under noise, and next to where they are right."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, change_part, elementwise, find, general, normal, scalar
from minigrad.testing.scoreboard.pairs import kinks, noise, scales, stiff, tails
from minigrad.testing.scoreboard.pairs.functions import determinant, sigmoid, sigmoid_slope
from minigrad.testing.scoreboard.pairs.ill_conditioned import cofactors
from minigrad.typing import Array

SCALE: Final = "scale"
TIES: Final = "ties"
NOISE: Final = "noise, wrong"
JUMP: Final = "jump"


def _small(factor: float, below: float) -> Any:
    """Multiply the entries that are small beside the largest."""
    return lambda gradient: gradient * np.where(np.abs(gradient) < below * np.abs(gradient).max(), factor, 1.0)


def _output_700(factor: float) -> Any:
    """Multiply the derivative of the one small output among a thousand."""
    return lambda gradient: gradient * np.where(np.arange(1000) == 700, factor, 1.0)


def _first(factor: float) -> Any:
    return lambda gradient: factor * gradient


_CUBES: Final = find(scales.PAIRS, "a sum of cubes, entries 1e-7 below the largest")
_WEIGHTS: Final = find(scales.PAIRS, "weights 1 and 1e-7")
_WEIGHTS_10: Final = find(scales.PAIRS, "weights 1 and 1e-10")
_TINY: Final = find(scales.PAIRS, "(1e12 x)^2 of size 1e-12")
_PRODUCTS: Final = find(scales.PAIRS, "products of 1e-12")
_THOUSAND: Final = find(scales.PAIRS, "one of 1,000 outputs of size 1e-6")
_OUTPUTS: Final = find(scales.PAIRS, "outputs of size 1 and 1e-9")
_TWO: Final = find(scales.PAIRS, "two arguments, 1e-12 and 1e6")
_DEEP: Final = stiff.TEN_LAYERS
_CHAIN_FIRST: Final = elementwise(
    "",
    "ten scaled sigmoids",
    lambda x: stiff.repeated(sigmoid, sigmoid_slope, 10)[0](x),
    lambda x: stiff.repeated(sigmoid, sigmoid_slope, 10)[1](x),
    [0.5, -1.0],
)


def _square_of(x: object, name: str) -> Pair:
    return scalar("", f"squares, {name}", lambda x: (x * x).sum(), lambda x: 2 * x, x)


BY_SCALE: Final[list[Pair]] = [
    _CUBES.wrong_by(SCALE, "small entries negated", _small(-1.0, 1e-6)),
    _CUBES.wrong_by(SCALE, "small entries 0", _small(0.0, 1e-6)),
    _WEIGHTS.wrong_by(SCALE, "small entries negated", _small(-1.0, 1e-5)),
    _WEIGHTS.wrong_by(SCALE, "small entries twice", _small(2.0, 1e-5)),
    _WEIGHTS_10.wrong_by(SCALE, "the small entry 0", _small(0.0, 1e-8)),
    _TINY.wrong_by(SCALE, "negated", _first(-1.0)),
    _TINY.wrong_by(SCALE, "half", _first(0.5)),
    _PRODUCTS.wrong_by(SCALE, "negated", _first(-1.0)),
    _square_of(1e-12 * normal(191, 4), "of 1e-12").wrong_by(SCALE, "negated", _first(-1.0)),
    _square_of([1e-12, 1.0, -3e-12], "of 1e-12 beside 1").wrong_by(SCALE, "small ones negated", _small(-1.0, 1e-6)),
    _square_of(1e100 * normal(192, 3), "of 1e100").wrong_by(SCALE, "half", _first(0.5)),
    _square_of(1e-100 * normal(193, 3), "of 1e-100").wrong_by(SCALE, "half", _first(0.5)),
    *[
        _THOUSAND.wrong_by(SCALE, label, _output_700(factor))
        for label, factor in (("that one negated", -1.0), ("that one 0", 0.0), ("that one twice", 2.0))
    ],
    _OUTPUTS.wrong(SCALE, "the small output's negated", lambda g, x: 2 * x * (g[0] - 1e-9 * g[1])),
    _TWO.wrong(SCALE, "the gradient of the small argument 10 % off", change_part(0, _first(1.1), _TWO)),
    _TWO.wrong(SCALE, "the gradient of the large argument negated", change_part(1, _first(-1.0), _TWO)),
    _DEEP.wrong(SCALE, "the first layer twice", change_part(1, _first(2.0), _DEEP)),
    _DEEP.wrong(SCALE, "the first layer negated", change_part(1, _first(-1.0), _DEEP)),
    _DEEP.wrong(SCALE, "the input twice", change_part(0, _first(2.0), _DEEP)),
    _CHAIN_FIRST.wrong_by(SCALE, "twice", _first(2.0)),
    *[
        find(tails.PAIRS, name).wrong_by(SCALE, label, _first(factor))
        for name, label, factor in (
            ("exp(-x^2) at 5.0", "negated", -1.0),
            ("erfc at 5.0", "twice", 2.0),
            ("sigmoid at -40.0", "negated", -1.0),
            ("normal distribution function at -10", "0", 0.0),
        )
    ],
    *[
        find(scales.PAIRS, name).wrong_by(SCALE, label, _first(factor))
        for name, label, factor in (
            ("1 / x at 1e-50", "negated", -1.0),
            ("1e-200 x", "twice", 2.0),
            ("1e+200 x", "1 % too large", 1.01),
            ("sin(x / 1e-12)", "10 % too large", 1.1),
            ("log at 1e-300", "half", 0.5),
        )
    ],
    elementwise("", "1 + 1e-14 x", lambda x: 1 + 1e-14 * x, lambda x: 1e-14 + 0 * x, 1.0).wrong(
        SCALE, "twice, below the rounding of the value", lambda g, x: 2e-14 * g, visible=False
    ),
    elementwise("", "sigmoid at 800", sigmoid, sigmoid_slope, 800.0).wrong(
        SCALE, "twice, which is 0", lambda g, x: 2 * g * sigmoid_slope(x), visible=False
    ),
]


def _all_ties(g: Any, x: Array) -> Array:
    return np.asarray(g * (x == x.max()).astype(float))


def _max(name: str, x: object) -> Pair:
    return scalar("", f"max with {name}", lambda x: x.max(), lambda x: kinks.share_ties(x, x.max()), x, kink=True)


BY_TIES: Final[list[Pair]] = [
    *[_max(f"{n} ties", np.ones(n)).wrong(TIES, "1 to each", _all_ties) for n in (2, 3, 10, 300)],
    _max("2 ties among 6", [1.0, 3.0, 2.0, 3.0, 0.0, -1.0]).wrong(TIES, "1 to each", _all_ties),
    *[
        _max(f"{n} ties, first", np.ones(n)).wrong(TIES, "2 at one", lambda g, x: 2 * g * kinks.first_tie(x, x.max()))
        for n in (2, 5)
    ],
    _max("4 ties, half", np.ones(4)).wrong(
        TIES, "half of what is right", lambda g, x: g * kinks.share_ties(x, x.max()) / 2
    ),
    _max("3 ties, and a lower one", [2.0, 2.0, 2.0, 1.0]).wrong(
        TIES, "a share to the lower one", lambda g, x: g * np.full(4, 0.25)
    ),
    scalar(
        "", "min with ties", lambda x: x.min(), lambda x: kinks.share_ties(x, x.min()), np.zeros(4), kink=True
    ).wrong(TIES, "1 to each", lambda g, x: g * (x == x.min()).astype(float)),
    general(
        TIES,
        "maximum of equal arrays, 1 to both",
        np.maximum,
        lambda g, x, y: (g * (x >= y), g * (y >= x)),
        [1.0, 2.0],
        [1.0, 0.0],
        right=False,
        kink=True,
    ),
    general(
        TIES,
        "relu at 0, slope 2 at 0",
        lambda x: np.maximum(x, 0),
        lambda g, x: g * np.where(x == 0, 2.0, x > 0),
        [0.0, 1.0],
        right=False,
        kink=True,
    ),
    general(
        TIES,
        "abs at 0, slope -1.5 at 0",
        np.abs,
        lambda g, x: g * np.where(x == 0, -1.5, np.sign(x)),
        [0.0, 1.0],
        right=False,
        kink=True,
    ),
    general(
        TIES,
        "relu at 0 of several, slope -1 at 0",
        lambda x: np.maximum(x, 0),
        lambda g, x: -g,
        np.zeros(5),
        right=False,
        kink=True,
    ),
    scalar("", "L1 norm with 20 zeros", lambda x: np.abs(x).sum(), np.sign, np.zeros(20), kink=True).wrong(
        TIES, "slope 3 at one of them", lambda g, x: g * np.where(np.arange(20) == 11, 3.0, 0.0)
    ),
    general("", "sort with ties", np.sort, kinks.sort_vjp, [2.0, 1.0, 2.0, 0.0], kink=True).wrong(
        TIES, "not put back", lambda g, x: g
    ),
    scalar("", "x |x| at 0", lambda x: (x * np.abs(x)).sum(), lambda x: 2 * np.abs(x), [0.0, 0.5]).wrong(
        TIES, "slope 1 at 0, where it is smooth", lambda g, x: g * np.where(x == 0, 1.0, 2 * np.abs(x))
    ),
]


def _noisy_wrong(name: str, size: float, factor: float, *, visible: bool = True) -> Pair:
    pair = noise.smooth(name, "", f"noise of {size}", lambda f: noise.noisy(f, size))
    wrong: Any = lambda g, *xs: _scaled(pair.vjp(g, *xs), factor)  # noqa: E731  it stands for the rule
    return pair.wrong(NOISE, f"times {factor}", wrong, visible=visible)


def _scaled(gradient: Any, factor: float) -> Any:
    return tuple(factor * part for part in gradient) if isinstance(gradient, tuple) else factor * gradient


BY_NOISE: Final[list[Pair]] = [
    *[
        _noisy_wrong(name, 1e-8, 1.1)
        for name in ("sin", "exp", "sigmoid", "sum of squares", "softmax", "matmul", "log")
    ],
    *[_noisy_wrong(name, 1e-10, 1.01) for name in ("sin", "sum of squares", "softmax", "matmul")],
    _noisy_wrong("sum of squares", 1e-5, 2.0),
    find(noise.PAIRS, "fixed point of cos(x y) to 1e-08").wrong_by(NOISE, "10 % too large", _first(1.1)),
    find(noise.PAIRS, "root of y^3 + y = x to 1e-08").wrong_by(NOISE, "10 % too small", _first(0.9)),
    find(noise.PAIRS, "sin, computed in float32").wrong_by(NOISE, "10 % too large", _first(1.1)),
    find(noise.PAIRS, "sum of squares, computed in float32").wrong_by(NOISE, "twice", _first(2.0)),
    find(noise.PAIRS, "exp, computed in float16").wrong_by(NOISE, "twice", _first(2.0)),
    find(noise.PAIRS, "sin, the argument stored in float32").wrong_by(NOISE, "10 % too large", _first(1.1)),
    find(noise.PAIRS, "softmax, rounded to 6 digits").wrong_by(NOISE, "negated", _first(-1.0)),
    _noisy_wrong("sin", 1e-5, 1 + 1e-5, visible=False),
]


_COUNTING: Final = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
_RANK_ONE: Final = np.outer([1.0, 2.0, 4.0], [1.0, 3.0, 0.5])


def _det(name: str, a: Array) -> Pair:
    return scalar("", f"det of {name}", np.linalg.det, cofactors, a, exact=determinant)


def _jumping(a: Array) -> Array:
    """The cofactors, and 4 more within one ulp of the point."""
    return cofactors(a) + 4.0 * np.all(a == _COUNTING)


BY_JUMP: Final[list[Pair]] = [
    _det("a singular matrix", _COUNTING).wrong(JUMP, "by 4 at this very point", lambda g, a: g * _jumping(a)),
    _det("a matrix of integers", _COUNTING).wrong(JUMP, "0 where it is singular", lambda g, a: g * 0 * a),
    _det("a matrix of rank 1", _RANK_ONE).wrong(JUMP, "1 instead of 0", lambda g, a: g * np.ones_like(a)),
    elementwise("", "x^2 at 1", lambda x: x * x, lambda x: 2 * x, 1.0).wrong(
        JUMP, "by 4 at 1 only", lambda g, x: g * (2 * x + 4 * (x == 1))
    ),
    elementwise("", "sin at 0", np.sin, np.cos, [0.0, 1.0]).wrong(
        JUMP, "0 at 0 only", lambda g, x: g * np.cos(x) * (x != 0)
    ),
    elementwise("", "erf-like at 0", np.tanh, lambda x: 1 / np.cosh(x) ** 2, [0.0, -0.5]).wrong(
        JUMP, "0 at 0 only", lambda g, x: g / np.cosh(x) ** 2 * np.sign(np.abs(x))
    ),
    scalar("", "product with a zero", lambda x: x.prod(), lambda x: np.array([6.0, 0, 0]), [0.0, 2.0, 3.0]).wrong(
        JUMP, "0 instead of the others' product", lambda g, x: g * 0 * x
    ),
]

PAIRS: Final[list[Pair]] = [*BY_SCALE, *BY_TIES, *BY_NOISE, *BY_JUMP]
