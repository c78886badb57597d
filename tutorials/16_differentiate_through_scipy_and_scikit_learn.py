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
# # Differentiate through SciPy, scikit-learn and einops
#
# SciPy, scikit-learn, einops and others compute with any array that has the functions of the
# [Array API standard](https://data-apis.org/array-api): they ask `x.__array_namespace__()` for a module, and call its functions. A Tensor
# gives `minigrad`. So code that was written by others, with no gradient in mind, records its ops as yours does, and has derivatives.
#
#     pip install "minigrad[scipy,einops]" scikit-learn array-api-extra
#
# SciPy and scikit-learn look at an environment variable once, when SciPy is imported. And they make arrays of the default dtype of the
# namespace, which is float32 here until you say otherwise.

# %%
import os

os.environ["SCIPY_ARRAY_API"] = "1"

import functools

import numpy as np
import sklearn
from scipy import integrate, sparse, special, stats

import minigrad as mg
from minigrad import optim
from minigrad.testing import check_grads

mg.set_default_dtype("float64")
sklearn.set_config(array_api_dispatch=True)
rng = np.random.default_rng(0)

# %% [markdown]
# ## The slope of a p-value
#
# Two samples, and Student's test of equal means. By how much does the p-value change when one measurement does? `scipy.stats` computes the
# statistic with functions of the namespace, and the p-value with a special function, for which it calls
# [`minigrad.special`](api/special.md).

# %%
a, b = rng.normal(0.0, 1.0, 12), rng.normal(0.9, 2.0, 15)


def p_value(a, b):
    return stats.ttest_ind(a, b).pvalue


value, (slope_a, slope_b) = mg.value_and_grad(p_value, argnums=(0, 1))(mg.Tensor(a), mg.Tensor(b))
assert abs(value.item() - p_value(a, b)) < 1e-12
assert check_grads(p_value, a, b)
print(value.item())
print(slope_a.numpy().round(3))

# %% [markdown]
# `check_grads` compares with differences and says how far these can be trusted; it stands behind every claim of this page. Standard scores,
# skewness, entropy and softmax are differentiated in the same way:

# %%
p = np.array([0.1, 0.2, 0.7])
assert check_grads(lambda x: stats.zscore(x), a)
assert check_grads(lambda x: stats.skew(x), a)
assert check_grads(lambda p: stats.entropy(p), p)
assert check_grads(lambda x: special.logsumexp(x), a)
assert check_grads(lambda x: special.gammaln(x) + special.betaln(x, 2.0), p)

# %% [markdown]
# ## An integral, by a parameter of its integrand
#
# `scipy.integrate.cubature` calls your function on Tensors, and its estimate is made of what it returns. The integral of
# $e^{-p x^2}$ over the real line is $\sqrt{\pi / p}$, and its derivative by $p$ is $-\tfrac12 \sqrt{\pi}\, p^{-3/2}$.

# %%


def gaussian_integral(p):
    low, high = mg.asarray([-np.inf]), mg.asarray([np.inf])
    return integrate.cubature(lambda x: mg.exp(-p * x[:, 0] ** 2), low, high).estimate


value, slope = mg.value_and_grad(gaussian_integral)(mg.Tensor(1.7))
assert abs(value.item() - np.sqrt(np.pi / 1.7)) < 1e-10
assert abs(slope.item() + np.sqrt(np.pi) / 2 * 1.7**-1.5) < 1e-8
print(value.item(), slope.item())

# %% [markdown]
# ## A sparse matrix
#
# A sparse matrix of SciPy is a constant: `A @ x` and `x @ A` work with every format, in forward and backward mode and inside of `vmap`. The
# roughness of a curve is the square of its second differences, and its gradient is $2 D^\top D x$.

# %%
differences = sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(98, 100))
curve = mg.Tensor(np.sin(np.arange(100) / 7), requires_grad=True)
roughness = ((differences @ curve) ** 2).sum()
roughness.backward()
assert np.allclose(curve.grad.numpy(), 2 * differences.T @ (differences @ curve.numpy()))
print(roughness.item())

# %% [markdown]
# ## What a fitted model owes to each label
#
# Ridge regression predicts $\hat y = H y$, and the trace of the hat matrix $H = \partial \hat y / \partial y$ counts the parameters that the
# data determine. scikit-learn does not give $H$; its derivative does.

# %%
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

X, y = rng.normal(size=(20, 4)), rng.normal(size=20)
strength = 3.0


def predicted(y):
    return Ridge(strength, solver="svd", fit_intercept=False).fit(mg.Tensor(X), y).predict(mg.Tensor(X))


H = mg.jacobian(predicted)(mg.Tensor(y)).numpy()
np.testing.assert_allclose(H, X @ np.linalg.solve(X.T @ X + strength * np.eye(4), X.T), atol=1e-10)
print("effective parameters:", np.trace(H).round(3), "of 4")

# %% [markdown]
# The same through a pipeline: how the variance that two principal components explain depends on the data, standardized before. (scikit-learn
# divides 0 by 0 on the way, and replaces the result. What is masked stays out of gradients.)

# %%


def explained(X):
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = StandardScaler().fit_transform(X)
    return PCA(2, svd_solver="full").fit(standard).explained_variance_ratio_.sum()


assert check_grads(explained, X)
print("the sample that holds most of it:", np.abs(mg.grad(explained)(mg.Tensor(X)).numpy()).sum(axis=1).argmax())

# %% [markdown]
# ## einops and array-api-extra
#
# `einops.array_api` takes Tensors as they are; the plain functions do after `import minigrad.einops`.

# %%
import array_api_extra as xpx
import einops

import minigrad.einops

images = rng.normal(size=(2, 4, 6))
patches = einops.rearrange(mg.Tensor(images), "n (h p) (w q) -> n (h w) (p q)", p=2, q=3)
print(patches.shape)
assert check_grads(lambda x: einops.reduce(x, "n (h p) (w q) -> n h w", "max", p=2, q=3), images)
assert check_grads(lambda x: xpx.at(x)[1:].multiply(x[:-1], copy=True), a)

# %% [markdown]
# `copy=True` is needed since `a` is the argument that is differentiated, which must not be written to. Other Tensors may: `x[mask] = y` is
# recorded, so that functions which fill an array are differentiated, too. A write into a temporary, `x[0][1] = y`, is refused, since
# Tensors are no views of each other and the write would be lost.
#
# ## SciPy's optimizers
#
# [`optim.minimize`](api/optim.md) gives `scipy.optimize.minimize` the gradient and, for methods that take it, the product with the Hessian.
# The parameters stay in their containers. A Poisson regression, with a bound:

# %%
counts = rng.poisson(np.exp(0.3 + X @ [0.5, -0.4, 0.0, 0.2]))


def negative_log_likelihood(parameters):
    log_rate = mg.asarray(X) @ parameters["weights"] + parameters["offset"]
    return (mg.exp(log_rate) - counts * log_rate).mean()


start = {"weights": np.zeros(4), "offset": 0.0}
found = optim.minimize(negative_log_likelihood, start, "trust-ncg", tol=1e-9)
assert found.success
assert max(abs(part).max().item() for part in found.gradient.values()) < 1e-8
bounds = ({"weights": 0.0, "offset": -np.inf}, {"weights": np.inf, "offset": np.inf})
positive = optim.minimize(negative_log_likelihood, start, bounds=bounds)
assert (positive.params["weights"].numpy() >= 0).all()
assert positive.value > found.value
print(
    found.params["weights"].numpy().round(3),
    found.evaluations,
    "evaluations,",
    found.hessian_products,
    "Hessian products",
)
print(positive.params["weights"].numpy().round(3), positive.message)

# %% [markdown]
# ## Through an optimizer: implicit differentiation
#
# At a minimum $x^*(p)$ of $f(x, p)$ the gradient by $x$ is 0. Differentiate that equation by $p$: with the Hessian $H$ of $f$ by $x$,
#
# $$H \, \frac{\partial x^*}{\partial p} + \frac{\partial}{\partial p} \nabla_x f = 0 .$$
#
# So for a cotangent $g$ of $x^*$ solve $H u = g$, and pull $-u$ back through $\nabla_x f$. How the minimum was found does not matter, and no
# iteration is recorded. [`custom_vjp`](api/minigrad.md) states it; the function and the start are arguments that have no cotangent.

# %%


@functools.partial(mg.custom_vjp, nondiff_argnums=(0, 1))
def argmin(f, start, p):
    def g(x):
        return f(x, p)

    x = optim.minimize(g, start, "trust-ncg", tol=1e-8).params
    return x - mg.solve(mg.hessian(g)(x), mg.grad(g)(x))  # a last Newton step, since the search stops a little early


def argmin_fwd(f, start, p):
    x = argmin(f, start, p)
    return x, (x, p)


def argmin_bwd(f, start, kept, g):
    x, p = kept
    u = mg.solve(mg.hessian(lambda x: f(x, p))(x), g)
    return (mg.grad(lambda p: -(mg.grad(lambda x: f(x, p))(x) * u).sum())(p),)


argmin.defvjp(argmin_fwd, argmin_bwd)

# %% [markdown]
# With it, a hyperparameter is found by gradient: the strength of a penalty at which the model that was fitted to one half of the data does
# best on the other half. The inner problem has no closed form.

# %%
inputs = rng.normal(size=(90, 10))
sign = np.sign(inputs @ np.linspace(-1, 1, 10) + 1.5 * rng.normal(size=90))
fit, held_out = slice(0, 30), slice(30, 90)


def logistic_loss(w, part):
    return mg.logaddexp(mg.asarray(0.0), -mg.asarray(sign[part]) * (mg.asarray(inputs[part]) @ w)).mean()


def penalized(w, log_strength):
    return logistic_loss(w, fit) + mg.exp(log_strength) / 2 * (w * w).sum()


def validation_loss(log_strength):
    return logistic_loss(argmin(penalized, np.zeros(10), log_strength), held_out)


assert check_grads(validation_loss, np.array(-1.0))
best = optim.minimize(validation_loss, np.array(0.0), "BFGS")
assert abs(best.gradient.item()) < 1e-4
assert best.value < validation_loss(mg.Tensor(0.0)).item()
print("strength", np.exp(best.params.item()).round(4), "validation loss", round(best.value, 4))

# %% [markdown]
# A fixed point $x = f(x, p)$ is differentiated likewise, by the equation $u = g + J^\top u$, which can be iterated as $x$ was:

# %%


@functools.partial(mg.custom_vjp, nondiff_argnums=(0, 1))
def fixed_point(f, start, p):
    x = mg.asarray(start)
    for _ in range(60):
        x = f(x, p)
    return x


def fixed_point_fwd(f, start, p):
    x = fixed_point(f, start, p)
    return x, (x, p)


def fixed_point_bwd(f, start, kept, g):
    x, p = kept
    pull_x, pull_p = mg.vjp(lambda x: f(x, p), x)[1], mg.vjp(lambda p: f(x, p), p)[1]
    u = g
    for _ in range(60):
        u = g + pull_x(u)[0]
    return pull_p(u)


fixed_point.defvjp(fixed_point_fwd, fixed_point_bwd)
kepler = functools.partial(fixed_point, lambda E, p: p["M"] + p["e"] * mg.sin(E), 0.0)  # the eccentric anomaly
assert check_grads(lambda M, e: kepler({"M": M, "e": e}), np.array(0.8), np.array(0.3))

# %% [markdown]
# ## Tables, files, and the memory of others
#
# - `mg.asarray(df[["age", "height"]])` and `Tensor(df["age"])` take the numbers of pandas' tables and columns, as copies; columns of texts are
#   refused. A column times a recorded Tensor would be a column without history, and is an error: convert the column.
# - Tensors and models go through `pickle`, `joblib` and `copy.deepcopy`, with their gradients; results of a live graph are refused.
# - DLPack shares memory with NumPy, PyTorch and JAX. A recorded graph needs its values as they were, and a writer who does not know of the
#   graph would make its gradients wrong without a word; PyTorch writes even to memory that it was told is read-only. Therefore
#   `np.from_dlpack(x)`, `torch.from_dlpack(x)` and `mg.from_dlpack(array)` copy, and `copy=False` shares: then nobody may write. JAX takes
#   memory without a copy only where it begins at a multiple of 64 bytes. `mg.memory_guard(False)` shares always.
#
# ## What works, and what refuses
#
# Whatever computes with functions of the namespace is differentiated. Compiled code, in C, C++, Fortran or Cython, computes with bare
# memory: it takes constant Tensors, and refuses recorded ones with a `GraphError`, so that no gradient is wrong without a word.
#
# | library | functions | differentiated? |
# |---|---|---|
# | `scipy.special` | `softmax`, `log_softmax`, `logsumexp`, and all of [`minigrad.special`](api/special.md): gamma, beta, error and Bessel functions, entropies, incomplete gamma and beta, normal and Student's distribution | yes; not by orders, degrees of freedom and shapes, which have no closed form: they must be constants |
# | | `huber`, `zeta`, `binom`, `poch`, `sinc`, elliptic integrals ... | refuse: compiled, and without a rule here |
# | `scipy.stats` | descriptive: `zscore`, `skew`, `kurtosis`, `moment`, `gmean`, `hmean`, `pmean`, `sem`, `variation`, `entropy`, `iqr`, `quantile`, `trim_mean`, `lmoment`, `circmean` ... | yes |
# | | tests: `ttest_*`, `pearsonr`, `f_oneway`, `bartlett`, `levene`, `chisquare`, `skewtest`, `normaltest`, `jarque_bera`, `combine_pvalues` | yes: statistic and p-value |
# | | `ttest_ind(equal_var=False)`, Welch's | the statistic; the p-value refuses, since its degrees of freedom depend on the data |
# | | tests of ranks: `mannwhitneyu`, `kruskal`, `ansari`, `mood` ... | the slope is 0: ranks are constant almost everywhere |
# | | `norm.logpdf` and other distributions, `gaussian_kde`, `linregress`, `wasserstein_distance` | refuse: NumPy only |
# | `scipy.integrate` | `cubature`, `tanhsinh`, `trapezoid`, `cumulative_trapezoid`, `cumulative_simpson`, `romb` | yes; the first two by parameters of the integrand and by the limits |
# | | `simpson`, `quad`, `solve_ivp` | refuse: NumPy only |
# | `scipy.differentiate` | `derivative`, `jacobian`, `hessian` | yes, of an approximation |
# | `scipy.optimize` | `elementwise.find_root`, `find_minimum`, `rosen*` | yes, through the iteration; implicit differentiation, as above, is exact |
# | | `minimize`, `root`, `least_squares` | refuse: NumPy; `optim.minimize` gives them derivatives |
# | `scipy.linalg` | all | refuse: NumPy only. Use [`minigrad.linalg`](api/ops.md) |
# | `scipy.sparse` | `A @ x`, `x @ A`, of all formats | yes; gradients by A, and `A.dot(x)`, refuse |
# | `scipy.fft` | `fft`, `rfft`, `irfft` ... | yes; `dct` and `dst` refuse: compiled |
# | `scipy.signal` | `fftconvolve`, `oaconvolve`, `resample`, `hilbert`, `envelope`, `vectorstrength` | yes |
# | `scipy.signal`, `ndimage`, `interpolate`, `spatial.distance` | direct filters, splines, distances | refuse: compiled; `PchipInterpolator`, since it writes into a view |
# | `scipy.spatial.transform` | `Rotation`, `RigidTransform` | yes |
# | `scipy.cluster.vq` | `whiten`; `vq`, `kmeans`, `linkage` | yes; these refuse: compiled |
# | scikit-learn, preprocessing | `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`, `Normalizer`, `PolynomialFeatures`, `KernelCenterer` | yes |
# | | `RobustScaler`, `QuantileTransformer`, `PowerTransformer` | refuse: NumPy only |
# | scikit-learn, models | `PCA`, `Ridge`, `RidgeCV`, `RidgeClassifier`, `LinearDiscriminantAnalysis`, `GaussianNB` | yes, by the data they are fitted to |
# | | `LinearRegression`, `LogisticRegression`, trees, support vectors | refuse: SciPy's solvers and compiled code |
# | scikit-learn, pairwise | distances and kernels | yes |
# | scikit-learn, metrics | `mean_squared_error(..., multioutput="raw_values")` | yes |
# | | scores that are one number | Python numbers, without history: a warning says so, and a gradient is refused |
# | einops | `rearrange`, `reduce`, `repeat`, `einsum`, `pack`, `unpack` | yes |
# | array-api-extra | `at`, `cov`, `kron`, `pad`, `apply_where`, `setdiff1d`, `partition`, ... | yes; `lazy_apply(..., as_numpy=True)` refuses |
# | pandas | tables and columns | values go in and out; no gradient through a table |
#
# A refusal looks like this, and says what to do:

# %%
from scipy import ndimage

try:
    mg.grad(lambda x: ndimage.gaussian_filter(x, 1.0).sum())(mg.Tensor(X))
except mg.GraphError as error:
    print(error)
else:
    raise AssertionError("a lost history must not pass")

# %% [markdown]
# Where you need such a function, state its derivative: a filter is linear, and its [`custom_vjp`](own_ops.md) one line.
#
# ## What you should have seen
#
# - A p-value, an integral and a fitted model have gradients, though nobody wrote them, and `check_grads` confirms each.
# - `optim.minimize` runs SciPy's optimizers on nested parameters; `custom_vjp` differentiates through what they find.
# - What would lose the history is refused, in words.
