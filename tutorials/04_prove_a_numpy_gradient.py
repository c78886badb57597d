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
# # Prove a gradient that you wrote by hand, in NumPy
#
# You have a loss function and its gradient in plain NumPy: for an optimizer of SciPy, for a course, for a microcontroller. No Tensor
# is involved here and none is needed: `minigrad.testing` checks any two functions of arrays.

# %%
import numpy as np

from minigrad.testing import LawViolation, Verdict, check_grads, gradtest

# %% [markdown]
# ## Ridge regression
#
# $$f(w) = \tfrac12 \lVert Xw - y \rVert^2 + \tfrac{\lambda}{2} \lVert w \rVert^2, \qquad \nabla f(w) = X^\top (Xw - y) + \lambda w$$

# %%
rng = np.random.default_rng(0)
X, y, strength = rng.normal(size=(20, 3)), rng.normal(size=20), 0.1


def loss(w):
    residual = X @ w - y
    return 0.5 * residual @ residual + 0.5 * strength * w @ w


def slope(w):
    return X.T @ (X @ w - y) + strength * w


w = rng.normal(size=3)
report = check_grads(loss, w, grad=slope)
assert report.verdict is Verdict.CORRECT
print(report)

# %% [markdown]
# The error in the report is not a tolerance: it says how far the numerical derivative itself can be trusted, from how much it changes
# with the step and from the rounding noise of `loss`.
#
# ## A classic mistake
#
# Take $\lVert w \rVert^2$ for the penalty and keep the old gradient: a factor 2 is missing in one of two terms. The result is close to
# right, and an optimizer will even converge. To the wrong place.


# %%
def slope_without_penalty(w):
    return X.T @ (X @ w - y) + strength * w / 2


report = check_grads(loss, w, grad=slope_without_penalty)
assert report.verdict is Verdict.WRONG
print(report)

# %% [markdown]
# ## A function of several arrays, with more than one result
#
# For a function that gives an array, the thing to check is its vector-Jacobian product: `vjp(g, *args)` returns, for the
# cotangent `g` of the result, the cotangent of each argument. A layer with a bias:


# %%
def affine(x, w, b):
    return x @ w + b


def affine_vjp(g, x, w, b):
    return g @ w.T, x.T @ g, g


report = check_grads(affine, rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.zeros(2), vjp=affine_vjp)
assert report.verdict is Verdict.WRONG
print(report)

# %% [markdown]
# `b` was broadcast over the rows, so its gradient is summed over them: `g.sum(axis=0)`.


# %%
def affine_vjp_summed(g, x, w, b):
    return g @ w.T, x.T @ g, g.sum(axis=0)


assert check_grads(affine, rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.zeros(2), vjp=affine_vjp_summed)

# %% [markdown]
# ## Let it look for the counterexample
#
# This function is the logarithm of the sum of exponentials, computed without overflow, and its gradient is the softmax. Only that the
# author took the exponentials before the shift.


# %%
def log_sum_exp(x):
    top = x.max()
    return top + np.log(np.exp(x - top).sum())


def softmax(x):
    return np.exp(x) / np.exp(x).max()


test = gradtest(log_sum_exp, grad=softmax, shapes="D").gradtest
try:
    test()
except LawViolation as violation:
    print(violation)
else:
    raise AssertionError("a wrong gradient must not pass")


# %% [markdown]
# One element is enough to show it. In a test file, the line with `gradtest` is the whole test, and `pytest` finds it.


# %%
def softmax_by_sum(x):
    e = np.exp(x - x.max())
    return e / e.sum()


gradtest(log_sum_exp, grad=softmax_by_sum, shapes="D").gradtest()

# %% [markdown]
# ## What you should have seen
#
# - `check_grads(f, x, grad=df)` proves or refutes a gradient of plain NumPy; `vjp=` does it for functions with array results.
# - The verdict comes with an error estimate, not with a tolerance that somebody chose.
# - A gradient of the wrong shape is wrong, and the report says which sum is missing.
# - `gradtest(f, grad=df, shapes=...)` draws the inputs itself and shrinks what fails.
