"""Wrong derivatives that `@gradtest` must find, make small, and explain; and right ones in the same styles.

Each fault is what people do write: a forgotten sign or factor, a sum over the wrong axis, a buffer that is used again.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd.op import Op
from minigrad.domain import NONZERO, POSITIVE
from minigrad.ops import matrix_transpose, where, zeros_like
from minigrad.testing import LawViolation, gradtest, strategies
from minigrad.testing.decorator import GradTest


@dataclass
class Fault:
    """A wrong subject, how it is tested, and what the report must say."""

    subject: Any
    cause: str
    law: str = "gradient"
    options: dict[str, Any] = field(default_factory=dict)


FAULTS: dict[str, Fault] = {}
RIGHT: dict[str, tuple[Any, dict[str, Any]]] = {}


def made(name: str, forward: Any, facts: dict[str, Any] | None = None, **rules: Any) -> Op:
    """An op that no registry knows."""
    op = Op(forward, name, **(facts or {}))
    for x, rule in rules.items():
        op.vjp(x)(rule)
    return op


def fault(name: str, subject: Any, cause: str, law: str = "gradient", **options: Any) -> None:
    FAULTS[name] = Fault(subject, cause, law, options)


def right(name: str, subject: Any, **options: Any) -> None:
    RIGHT[name] = (subject, options)


# ---- numbers -------------------------------------------------------------------------------------------------

fault("wrong sign", made("bad_cos", np.cos, x=lambda g, x: g * mg.sin(x)), "wrong sign")
fault("factor 2", made("bad_sin", np.sin, x=lambda g, x: 2 * g * mg.cos(x)), "constant factor")
fault("factor 2 forgotten", made("bad_square", np.square, x=lambda g, x: g * x), "constant factor")
fault("inner derivative forgotten", made("bad_exp_square", lambda x: np.exp(x * x), x=lambda g, out: g * out),
      "missing factor")  # fmt: skip
fault("power one too low", made("bad_cube", lambda x: x**3, x=lambda g, x: 3 * g * x), "missing factor")
fault("zero gradient", made("bad_tanh", np.tanh, x=lambda g: zeros_like(g)), "zero gradient")
fault("cotangent forgotten", made("bad_arctan", np.arctan, x=lambda g, x: 1 / (1 + x * x)), "cotangent ignored",
      "linearity")  # fmt: skip
fault("cotangent squared", made("bad_sinh", np.sinh, x=lambda g, x: g * g * mg.cosh(x)), "not linear in the cotangent",
      "linearity")  # fmt: skip
fault("operands swapped", made("bad_divide", np.divide, {"domain": {"x": NONZERO, "y": NONZERO}},
                               x=lambda g, x, y: -g * x / (y * y), y=lambda g, y: g / y),
      "operands swapped")  # fmt: skip
fault("factor of the wrong operand", made("bad_multiply", np.multiply, x=lambda g, x: g * x, y=lambda g, y: g * y),
      "operands swapped")  # fmt: skip
right("cos", made("good_cos", np.cos, x=lambda g, x: -g * mg.sin(x)))
right("divide", made("good_divide", np.divide, {"domain": {"y": NONZERO}},
                     x=lambda g, y: g / y, y=lambda g, x, y: -g * x / (y * y)))  # fmt: skip


def _without_last(g: Any) -> Any:
    mask = np.ones(g.shape)
    mask[..., -1:] = 0
    return g * mask


LAST_MISSED = made("bad_expm1", np.expm1, x=lambda g, out: _without_last(g) * (out + 1) if g.ndim else g * (out + 1))
fault("last element missed", LAST_MISSED, "element missed")
fault("last element missed, mostly the only one", LAST_MISSED, "element missed",
      arguments={"x": strategies.arrays(st.sampled_from([(2, 1), (3, 1), (4, 1), (1, 3)]))})  # fmt: skip

# ---- axes, shapes --------------------------------------------------------------------------------------------


def _sum(x: Any, *, axis: int) -> Any:
    return x.sum(axis=axis)


def _sum_rule_without_keepdims(g: Any, x: Any, *, axis: int) -> Any:
    return g * (1 + zeros_like(x))


def _reduced(draw_axes: tuple[int, ...]) -> dict[str, Any]:
    shape = strategies.shapes(min_dims=2, max_dims=2, min_side=1)
    return {"arguments": {"x": strategies.arrays(shape), "axis": st.sampled_from(draw_axes)}}


fault("keepdims lost", made("bad_sum", _sum, x=_sum_rule_without_keepdims), "lost keepdims", **_reduced((1, -1)))
fault("wrong at negative axes", made("bad_mean", lambda x, *, axis: x.mean(axis=axis),
      x=lambda g, x, *, axis: mg.expand_dims(g, axis=max(axis, 0)) * (1 + zeros_like(x)) / x.shape[axis]),
      "lost keepdims", **_reduced((0, 1, -1)))  # fmt: skip
fault("keepdims lost in a sum of the rule", made("bad_share", lambda x: x / x.sum(axis=-1, keepdims=True),
      {"domain": {"x": POSITIVE}, "shapes": "M N -> M N"},
      x=lambda g, x, out: (g - (g * out).sum(axis=-1)) / x.sum(axis=-1, keepdims=True)), "lost keepdims")  # fmt: skip
fault("keepdims lost in a mean of the rule", made("bad_center", lambda x, *, axis: x - x.mean(axis, keepdims=True),
      x=lambda g, *, axis: g - mg.mean(g, axis=axis)), "lost keepdims", **_reduced((0, 1, -1)))  # fmt: skip
right("sum", made("good_sum", _sum, x=lambda g, x, *, axis: mg.expand_dims(g, axis=axis) * (1 + zeros_like(x))),
      **_reduced((0, 1, -1)))  # fmt: skip


def _softmax(x: Any, *, axis: int) -> Any:
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def _softmax_rule(wrong: bool) -> Any:
    def rule(g: Any, out: Any, *, axis: int) -> Any:
        return g * out - out * mg.sum(g * out, axis=1 - axis if wrong else axis, keepdims=True)

    return rule


fault("sum over the wrong axis", made("bad_softmax", _softmax, x=_softmax_rule(True)), "wrong axis", **_reduced((0, 1)))
right("softmax", made("good_softmax", _softmax, x=_softmax_rule(False)), **_reduced((0, 1)))

PRODUCT = "N N, N N -> N N"
fault("transpose forgotten", made("bad_matmul", np.matmul, {"shapes": "I K, K J -> I J"},
                                  x=lambda g, y: g @ y, y=lambda g, x: matrix_transpose(x) @ g),
      "transposed", shapes=PRODUCT)  # fmt: skip
fault("gradient transposed", made("bad_product", np.multiply, x=lambda g, y: matrix_transpose(g * y),
                                  y=lambda g, x: g * x), "transposed", shapes=PRODUCT)  # fmt: skip
right("matmul", made("good_matmul", np.matmul, {"shapes": "I K, K J -> I J"}, x=lambda g, y: g @ matrix_transpose(y),
                     y=lambda g, x: matrix_transpose(x) @ g))  # fmt: skip


def _affine(x: Any, b: Any) -> Any:
    return x + b


fault("bias takes the first row's gradient", made("bad_bias", _affine, {"shapes": "N O, O -> N O"},
      x=lambda g: g, b=lambda g: g[0]), "missing un-broadcast")  # fmt: skip
fault("bias summed over the wrong axis", made("bad_bias_2", _affine, {"shapes": "N O, O -> N O"},
      x=lambda g: g, b=lambda g: mg.sum(g, axis=1)), "wrong axis", shapes="N N, N -> N N")  # fmt: skip
fault("wrong only when broadcast", made("bad_add", np.add, x=lambda g: g, y=lambda g, y_shape:
      g if g.shape == y_shape else 3 * g), "constant factor")  # fmt: skip
fault("wrong only for one element", made("bad_sigmoid", lambda x: 1 / (1 + np.exp(-x)), x=lambda g, out:
      g * out * (1 - out) * (3 if g.size == 1 else 1)), "constant factor")  # fmt: skip
right("bias", made("good_bias", _affine, {"shapes": "N O, O -> N O"}, x=lambda g: g, b=lambda g: mg.sum(g, axis=0)))

# ---- dtypes, memory, repetition ------------------------------------------------------------------------------


def _scaled_in_place(x: Any) -> Any:
    x *= 2
    return x.copy()


def _rule_scaling_in_place(g: Any, x: Any) -> Any:
    if type(x) is np.ndarray and x.flags.writeable:
        x *= 2
        return g * x / x
    return g * x / x


def _rule_writing_to_g(g: Any) -> Any:
    if type(g) is np.ndarray and g.flags.writeable:
        g *= 3
        return g
    return 3 * g


_counter = itertools.count()
_buffers: dict[Any, Any] = {}


def _in_one_buffer(x: Any) -> Any:
    out = _buffers.setdefault(x.dtype, np.zeros(64, x.dtype))[: x.size].reshape(x.shape)
    np.multiply(x, 3, out=out)
    return out


fault("double precision out of single", made("bad_scale", lambda x: x * np.float64(2.5), x=lambda g: g * 2.5),
      "dtype leak", "shape_and_dtype")  # fmt: skip
fault("forward writes to its input", made("bad_double", _scaled_in_place, x=lambda g: 2 * g), "input mutated", "purity",
      laws=["purity", "gradient"])  # fmt: skip
fault("rule writes to an input",
      made("bad_identity", np.positive, {"domain": {"x": NONZERO}}, x=_rule_scaling_in_place),
      "input mutated", "purity", laws=["purity", "gradient"])  # fmt: skip
fault("rule writes to the cotangent", made("bad_triple", lambda x: 3 * x, x=_rule_writing_to_g), "input mutated",
      "purity", laws=["purity", "gradient"])  # fmt: skip
fault("hidden state", made("bad_noise", lambda x: x + next(_counter), x=lambda g: g), "not repeatable", "repeatable")
fault("one buffer for all results", made("bad_buffer", _in_one_buffer, x=lambda g: 3 * g), "output aliases an input",
      "aliasing", dtype=np.float64, domain=NONZERO)  # fmt: skip


def _by_strides(x: Any) -> Any:
    """Reads memory instead of elements: right for rows only."""
    return 2 * np.ravel(x, order="K").reshape(x.shape)


fault("memory order instead of index order", made("bad_ravel", _by_strides, x=lambda g: 2 * g),
      "depends on memory layout", "layout")  # fmt: skip
right("scale", made("good_scale", lambda x: x * 2.5, x=lambda g: g * 2.5))
right("view", made("good_view", lambda x: x, x=lambda g: g))

# ---- special points, second order, references ----------------------------------------------------------------


fault("second order only", made("bad_log", np.log, {"domain": {"x": POSITIVE}},
                                x=lambda g, x: g / x if not isinstance(x, mg.Tensor) else g / x.detach()),
      "second order wrong", "second_order")  # fmt: skip
fault("NaN at 0", made("bad_square", np.square, x=lambda g, x, out: g * 2 * out / x), "not a number", "linearity",
      kinks=(0.0,))  # fmt: skip
fault("subgradient 2 at 0", made("bad_relu", lambda x: np.maximum(x, 0), {"kinks": (0.0,)},
                                 x=lambda g, x: where(x == 0, 2 * g, where(x > 0, g, 0))),
      "not a subgradient")  # fmt: skip
fault("both winners at a tie", made("bad_max", lambda x: np.max(x, axis=-1), {"kinks": "ties", "shapes": "N -> "},
                                    x=lambda g, x, out: where(x == out, g, 0)), "not a subgradient", shapes="N ->",
      kinks="ties")  # fmt: skip
fault("not its reference",
      made("bad_softplus", lambda x: np.logaddexp(x, 0.1), {"reference": lambda x: mg.log(1 + mg.exp(x))},
                                x=lambda g, x: g * mg.sigmoid(x - 0.1)), "", "reference")  # fmt: skip
right("relu", made("good_relu", lambda x: np.maximum(x, 0), {"kinks": (0.0,)}, x=lambda g, x: where(x > 0, g, 0)))
right("max", made("good_max", lambda x: np.max(x), {"kinks": "ties", "shapes": "N -> "},
                  x=lambda g, x: g * (np.arange(len(x)) == np.argmax(np.asarray(getattr(x, "_data", x))))),
      shapes="N ->", kinks="ties")  # fmt: skip

# ---- plain NumPy functions -----------------------------------------------------------------------------------


def product(x: Any, y: Any) -> Any:
    return x * y


def _add_to(g: Any, shape: tuple[int, ...]) -> Any:
    lead = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(lead)))
    return g.sum(axis=tuple(k for k, size in enumerate(shape) if size == 1), keepdims=True)


fault("NumPy: un-broadcast forgotten", product, "missing un-broadcast", "shape_and_dtype",
      vjp=lambda g, x, y: (g * y, g * x))  # fmt: skip
fault("NumPy: gradient in double precision", lambda x: np.sin(x), "dtype leak", "shape_and_dtype",
      vjp=lambda g, x: g * np.cos(x.astype(np.float64)))  # fmt: skip
fault("NumPy: gradient is the cotangent itself", lambda x: x + 1, "output aliases an input", "aliasing",
      vjp=lambda g, x: g)  # fmt: skip
fault("NumPy: result is the argument", lambda x: x, "output aliases an input", "aliasing", vjp=lambda g, x: g.copy())
fault("NumPy: transposed", lambda x: np.sin(x), "transposed", "shape_and_dtype", shapes="N D -> N D",
      vjp=lambda g, x: (g * np.cos(x)).T)  # fmt: skip
fault("NumPy: first row instead of the sum over the batch", lambda x, w, b: x @ w + b, "missing un-broadcast",
      shapes="N D, D O, O -> N O", vjp=lambda g, x, w, b: (g @ w.T, x.T @ g, g[0]))  # fmt: skip
fault("NumPy: keepdims lost in two sums of three", lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True)),
      "lost keepdims", "shape_and_dtype", shapes="N D -> N D", domain=POSITIVE, vjp=lambda g, x:
      (g - (g * x).sum(-1) * x / (x * x).sum(-1)) / np.sqrt((x * x).sum(-1, keepdims=True)))  # fmt: skip
fault("NumPy: factor, and in double precision", lambda x: np.sin(x), "constant factor", vjp=lambda g, x:
      3 * g * np.cos(x.astype(np.float64)))  # fmt: skip
fault("NumPy: factor", lambda x: np.asarray(np.sum(x**2)), "constant factor", grad=lambda x: 3 * x)
right("NumPy: product", product, vjp=lambda g, x, y: (_add_to(g * y, x.shape), _add_to(g * x, y.shape)))
right("NumPy: grad", lambda x: np.asarray(np.sum(x**2)), grad=lambda x: 2 * x)


@pytest.fixture(autouse=True)
def _same_examples():
    """The same examples in every run, as many as Hypothesis's own profile has: what is drawn decides what is seen."""
    former = settings.default
    settings.register_profile("planted", max_examples=100, deadline=None, derandomize=True)
    settings.load_profile("planted")
    yield
    settings.register_profile("former", former)
    settings.load_profile("former")


@pytest.mark.family
@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_made_small_and_explained(name):
    planted = FAULTS[name]
    with pytest.raises(LawViolation) as caught:
        GradTest(planted.subject, **planted.options)()
    violation = caught.value
    assert (violation.law, violation.cause) == (planted.law, planted.cause), violation
    assert violation.size <= 4
    assert violation.call in str(violation)


@pytest.mark.family
@pytest.mark.parametrize("name", RIGHT)
def test_right_rule_in_the_same_style_is_not_blamed(name):
    subject, options = RIGHT[name]
    GradTest(subject, examples=25, **options)()


def test_every_cause_has_its_planted_fault():
    from minigrad.testing.diagnose.cause import CAUSES

    elsewhere = {"stale saved value", "conjugate", "part dropped"}  # planted in test_torch.py and test_complex.py
    assert set(CAUSES) - elsewhere <= {planted.cause for planted in FAULTS.values()}


def test_gradtest_returns_its_subject():
    op = made("plain", np.sin, x=lambda g, x: g * mg.cos(x))
    assert gradtest(op) is op
    op.gradtest()
