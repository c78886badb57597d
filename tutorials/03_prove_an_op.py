# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Write an op, get it wrong, read the counterexample, fix it
#
# A wrong gradient does not crash. The loss still falls, only slower, and to a worse place. So a derivative is worth a proof, and
# `minigrad.testing` gives one: a verdict, or the smallest counterexample that it can find, with the likely cause.
#
# It needs `pip install "minigrad[testing]"`.

# %%
import numpy as np

import minigrad as mg
from minigrad import op
from minigrad.testing import LawViolation, Verdict, check_grads, gradtest

# %% [markdown]
# ## An op
#
# `center` takes the mean away along one axis. Each result depends on every element of its row, so the rule is not just `g`: the
# mean has to be taken from the cotangent as well,
#
# $$y_i = x_i - \frac1n \sum_j x_j, \qquad \bar x_i = \bar y_i - \frac1n \sum_j \bar y_j.$$
#
# Here is a first try.


# %%
@op
def center(x, *, axis):
    """x without its mean along an axis. Shapes: any -> the same."""
    return x - x.mean(axis=axis, keepdims=True)


@center.vjp("x")
def _(g, *, axis):
    return g - mg.mean(g, axis=axis)


# %% [markdown]
# ## The verdict for one input
#
# `check_grads` compares the rule with numerical derivatives, first and second order, at the input that you give. It knows how
# accurate its numbers are, so there is no tolerance to set.

# %%
square = np.array([[0.0, 1.0, 4.0], [2.0, -1.0, 0.5], [1.0, 1.0, 3.0]])
report = check_grads(center, square, axis=1)
assert report.verdict is Verdict.WRONG
print(report)

# %% [markdown]
# It is wrong. But why? The matrix has nine elements, and all of them are to blame.
#
# ## The smallest counterexample
#
# `@gradtest` draws many inputs: empty ones, single numbers, negative axes, zeros, strided arrays. It holds the op to all laws of
# derivatives, and once one of them fails it shrinks the input until nothing can be taken away. What remains is one line to paste.
#
# In a test file the decorator is all there is to write, and `pytest` collects the op as a test. Here we call the test by hand.

# %%
gradtest(center)
found = None
try:
    center.gradtest()
except LawViolation as violation:
    found = violation
    print(found)
assert found is not None
assert found.cause == "lost keepdims"

# %% [markdown]
# The mean of `g` has lost the dimension that it was taken over, so NumPy lines it up with the wrong one, or with none:
# `keepdims=True` is missing. The kit tried just that before it said so. Rules can be replaced, so the correction is to write it
# again.


# %%
@center.vjp("x")
def _(g, *, axis):
    return g - mg.mean(g, axis=axis, keepdims=True)


center.gradtest()
assert check_grads(center, square, axis=1)
print(check_grads(center, square, axis=1))

# %% [markdown]
# ## Right at first order, wrong at second
#
# The next rule computes its slope with NumPy from the *values* of `x`. Training with it would work. But a penalty on the gradient, or a
# Hessian, needs the derivative of the rule itself, and for that the slope is a constant.


# %%
@op
def bump(x):
    """exp(-x^2). Shapes: any -> the same."""
    return np.exp(-x * x)


@bump.vjp("x")
def _(g, x):
    values = x.numpy() if isinstance(x, mg.Tensor) else x
    return g * (-2 * values * np.exp(-values * values))


assert check_grads(bump, square, order=1)
report = check_grads(bump, square)
assert report.verdict is Verdict.WRONG
print(report)


# %% [markdown]
# Written with operators and minigrad's functions, the same rule serves every order.


# %%
@bump.vjp("x")
def _(g, x, out):
    return g * (-2 * x * out)


gradtest(bump)
bump.gradtest()

# %% [markdown]
# ## Kinks
#
# `abs` has no derivative at 0, and every answer from -1 to 1 is a valid subgradient there. A checker that knows only differences either
# fails on a correct rule, or looks away. This one tells which convention the rule follows, and still finds a wrong one.

# %%
report = check_grads(mg.abs, np.array([0.0, 2.0]))
assert report
print(report)


# %%
@op(kinks=(0.0,))
def distance(x):
    """|x|. Shapes: any -> the same."""
    return np.abs(x)


@distance.vjp("x")
def _(g, x):
    return g * mg.where(x == 0, 3.0, mg.sign(x))  # 3 is no slope of |x|, on either side


gradtest(distance)
try:
    distance.gradtest()
except LawViolation as violation:
    print(violation)
else:
    raise AssertionError("3 is not between -1 and 1")

# %% [markdown]
# ## What you should have seen
#
# - `check_grads(f, x)` says *correct*, *wrong* or *inconclusive* at one input; `gradtest` looks for the input.
# - A failure names the law, the element, the expected and the found value and a likely cause, in a line that can be pasted.
# - A rule can be right at first order and wrong at second. The kit tests both.
# - At a kink, any valid subgradient is right, and nothing else.
