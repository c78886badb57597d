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
# # Test the gradients of your PyTorch, JAX or NumPy code
#
# You wrote a `torch.autograd.Function`, a `jax.custom_vjp`, or a layer in plain NumPy with `forward` and `backward`. It trains. Is its
# gradient right? `minigrad.testing` answers with a verdict, or with the smallest counterexample that it finds and the likely cause. Nothing
# of your code is changed, and nothing in it has to know minigrad.
#
#     pip install "minigrad[testing]"
#
# It needs NumPy, Hypothesis and pytest, and the framework that your code is written in. The cells on this page are NumPy; the blocks
# for PyTorch and JAX were run with `torch==2.13.0` and `jax==0.10.2`, and what they printed stands below them.

# %%
import numpy as np

from minigrad.testing import LawViolation, Verdict, check_grads, gradtest

# %% [markdown]
# ## NumPy: a layer with gradients in attributes
#
# This is the layer of every course that teaches networks from scratch: `backward` gives the gradient of the input, and leaves those of
# the parameters in attributes. `grads` says in which. The letters say which sizes belong together.


# %%
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout[0].copy()
        return dout @ self.W.T


test = gradtest(shapes="N D, D O, O -> N O", grads={"W": "dW", "b": "db"})(Affine).gradtest
try:
    test()
except LawViolation as violation:
    print(violation)
else:
    raise AssertionError("a wrong gradient must not pass")

# %% [markdown]
# The message names the law that does not hold, the likely cause with the evidence, and a line that can be pasted to see it again: two rows,
# one column. With `self.db = dout.sum(axis=0)` it passes. As a decorator, `@gradtest(...)` above the class is the whole test: `pytest`
# finds it in every file that it collects.


# %%
class AffineOfAllRows(Affine):
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


gradtest(shapes="N D, D O, O -> N O", grads={"W": "dW", "b": "db"})(AffineOfAllRows).gradtest()

# %% [markdown]
# ## NumPy: functions
#
# For a function, give whatever you have by hand, any of it: the gradient (`grad`), or products with the Jacobian from the left (`vjp`) and
# from the right (`jvp`), and with the Hessian (`hvp`). All are held to the function, and to each other.


# %%
def energy(x):
    return np.sum(np.log(np.cosh(x)))


x = np.array([0.5, -1.0, 2.0])
report = check_grads(
    energy,
    x,
    grad=np.tanh,
    jvp=lambda v, x: np.sum(np.tanh(x) * v),
    hvp=lambda v, x: v * (1 - np.tanh(x)),  # should be 1 - tanh(x)**2
)
print(report)
assert (report.verdict, report.order) == (Verdict.WRONG, 2)

# %% [markdown]
# The gradient is right, and the second derivatives are not. In a test, `assert check_grads(...)` is enough: only *correct* is true. When
# the numbers cannot decide, the verdict is *inconclusive*, with the reason.
#
# ## PyTorch
#
# Import from `minigrad.testing.torch`, and leave everything else as it is:
#
# ```python
# import torch
#
# from minigrad.domain import POSITIVE
# from minigrad.testing.torch import check_grads, gradtest
#
#
# @gradtest(shapes="... D -> ... D", domain={"x": POSITIVE})
# class Share(torch.autograd.Function):
#     """x / sum of x, along the last dimension."""
#
#     @staticmethod
#     def forward(ctx, x):
#         ctx.save_for_backward(x)
#         return x / x.sum(-1, keepdim=True)
#
#     @staticmethod
#     def backward(ctx, g):
#         (x,) = ctx.saved_tensors
#         s = x.sum(-1, keepdim=True)
#         return (g - (g * x / s).sum(-1)) / s
#
#
# Share.gradtest()  # pytest does it by itself
# ```
#
# ```text
# law `gradient` does not hold for Share.apply: likely cause: lost keepdims (it is right once the reductions in line 20 of the rule keep their dimensions)
#     laws.gradient(Share.apply, np.array([[0.5], [0.5]]), framework='torch')
#     input x, element (0, 0): expected 0, found 2
# ```
#
# It did not guess. It put `keepdim=True` into a copy of `backward`, and the gradient was right.
#
# `check_grads` gives a verdict at one input, at first order and, by double backward, at second. A classic trap of PyTorch is
# to save a value that `forward` has computed: in the second pass it is a constant.
#
# ```python
# class Saved(torch.autograd.Function):
#     @staticmethod
#     def forward(ctx, x):
#         s = x.sum(-1, keepdim=True)
#         ctx.save_for_backward(x, s)
#         return x / s
#
#     @staticmethod
#     def backward(ctx, g):
#         x, s = ctx.saved_tensors
#         return (g - (g * x / s).sum(-1, keepdim=True)) / s
#
#
# x = torch.rand(2, 2, dtype=torch.float64)
# print(check_grads(Saved.apply, x, order=1))
# print(check_grads(Saved.apply, x))
# ```
#
# ```text
# correct (first order), relative error of the check 1.4e-11
# wrong (second order), relative error of the check 1.3e-11
#   at argument 0[0, 0]: found 0.4367826068, expected 0.1660294838
# ```
#
# A function that makes a module is tested as a function of its inputs and all its parameters. Buffers and PyTorch's random numbers are the
# same in each call and are put back afterwards, so running means and dropout do no harm, and parameters take the precision of the check:
#
# ```python
# @gradtest(input=(2, 3, 8, 8))
# def block():
#     return ResBlock(3, 8)
# ```
#
# ## JAX
#
# `minigrad.testing.jax` has the same two functions, for plain functions, `custom_vjp` and `custom_jvp`. With both modes, J v is held to
# J'u as well. 64-bit numbers are on inside of a check only.
#
# ```python
# import jax
#
# from minigrad.testing.jax import gradtest
#
#
# @gradtest(shapes="N D, D -> N", modes=("vjp", "jvp"))
# @jax.custom_jvp
# def project(x, w):
#     return x @ w
#
#
# @project.defjvp
# def project_jvp(primals, tangents):
#     (x, w), (dx, dw) = primals, tangents
#     return x @ w, dx @ w + 2 * x @ dw
# ```
#
# ```text
# law `gradient` does not hold for project: likely cause: constant factor (found = 2 * expected)
#     laws.gradient(project, np.array([[0.5]]), np.array([0.5]), framework='jax', modes=('vjp', 'jvp'))
#     input w, element (0,): expected 0.5, found 1
# ```
#
# `minigrad.testing.autograd`, `.mygrad` and `.tinygrad` do the same for HIPS autograd, MyGrad and tinygrad (tried with 1.9.1, 2.5.0 and
# 0.14.0).
#
# ## Gradients that are meant to be something else
#
# A straight-through estimator rounds, and passes the gradient on as if it had not. That is no mistake, but it has to be said, and then
# the report says so, too:


# %%
def passed_on(g, x):
    return 1.0 * g


x = np.array([0.2, 1.4])
assert check_grads(np.round, x, vjp=passed_on).verdict is Verdict.WRONG
report = check_grads(np.round, x, vjp=passed_on, straight_through=True)
print(report)
assert report

# %% [markdown]
# `straight_through=f` names another surrogate than the identity: `np.clip`, for the clipped kind. `symmetric=0` says that argument 0 is a
# symmetric matrix by assumption, as for a Cholesky factorization that reads one triangle only.
#
# ## Would your tests notice?
#
# ```sh
# pytest --grad-mutants=mylayers:Share.backward     # breaks the rule in many ways, one after the other
# pytest --grad-coverage                            # in which conditions was each function exercised?
# ```
#
# For the test of `Share` above, with its rule put right:
#
# ```text
# 16 mutants: 16 killed, 0 equivalent, 0 survived. Score: 100.0%
# ```
#
# ## Another framework
#
# The kit knows a framework by one protocol: how an array becomes a value of it and back, and how a function is run and pulled
# back ([its API](api/testing.frameworks.md)). Here is one of dual numbers, forward mode only, with everything that the kit needs:

# %%
from minigrad.testing.frameworks import Framework, as_tuple, kit_for


class Dual:
    """A value and its derivatives by everything that is differentiated."""

    def __init__(self, value, slopes):
        self.value, self.slopes = value, slopes

    def __mul__(self, other):
        return Dual(
            self.value * other.value, self.slopes * other.value[..., None] + self.value[..., None] * other.slopes
        )


def sine(x):
    return Dual(np.sin(x.value), np.sin(x.value)[..., None] * x.slopes)  # should be cos


class Duals(Framework):
    name, value_type = "duals", Dual

    def constant(self, x):
        return Dual(x, np.zeros((*x.shape, 0)))

    def array(self, value):
        return np.asarray(getattr(value, "value", value))

    def vjp(self, f, args, positions, *, record=False):
        sizes = [args[i].value.size for i in positions]
        seeds = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1])
        args = list(args)
        for i, seed in zip(positions, seeds, strict=True):
            args[i] = Dual(args[i].value, seed.reshape(*args[i].value.shape, sum(sizes)))
        outs = as_tuple(f(*args))

        def pull(cotangents):
            total = sum(
                np.tensordot(g.value, out.slopes, g.value.ndim) for g, out in zip(cotangents, outs, strict=True)
            )
            parts = np.split(total, np.cumsum(sizes)[:-1])
            return [part.reshape(args[i].value.shape) for part, i in zip(parts, positions, strict=True)]

        return outs, pull


check_duals, gradtest_duals = kit_for(Duals())


def wave(x, y):
    return sine(x) * y


assert check_duals(lambda x, y: x * y, np.ones(3), np.arange(3.0))
report = check_duals(wave, np.ones(3), np.arange(1.0, 4.0))
print(report)
assert (report.verdict, report.argument) == (Verdict.WRONG, "argument 0")

# %% [markdown]
# ## What you should have seen
#
# - `check_grads` and `gradtest` take code of PyTorch, JAX, autograd, MyGrad, tinygrad and NumPy as it is.
# - A fault is found, made small, and named; the line in the message can be run again.
# - Second derivatives and forward modes are held to the same standard, and opt-outs are said and shown.
# - Mutants tell whether the tests of a rule would notice a mistake in it.
