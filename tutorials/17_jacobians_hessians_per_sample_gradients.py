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
# # Jacobians, Hessians and per-sample gradients
#
# A backward pass gives the gradient of *one* number. Often one wants more: all partial derivatives of several results, all second
# derivatives, or the gradient of every sample of a batch by itself. Each of these is many passes that do the same with other numbers,
# and `vmap` runs them as one:
#
#     vmap(f)(xs)[i] = f(xs[i])
#
# f is written for one sample, and called once. What stands for x inside of it has the shape of one sample, and the ops work on all
# samples at once. `vmap` and the derivatives compose in any order, and this tutorial does little else.
#
# (The picture goes into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import DataLoader, digits
from minigrad.functional import cross_entropy
from minigrad.optim import SGD
from minigrad.training import fit

IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
rng = np.random.default_rng(0)


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


# %% [markdown]
# ## A function of one sample, for many
#
# The distance of two points, and then of ten pairs of them. `in_axes` says which arguments have a batch, and where; `None` is what all
# samples share.


# %%
def distance(x, y):
    print("called with shapes", x.shape, y.shape)
    return mg.vector_norm(x - y)


xs, ys = rng.normal(size=(10, 3)), rng.normal(size=(10, 3))
pairs = mg.vmap(distance)(xs, ys)
to_first = mg.vmap(distance, in_axes=(0, None))(xs, xs[0])
assert pairs.shape == to_first.shape == (10,)
assert to_first[0].item() == 0

# %% [markdown]
# One in the other, they give a table of all distances, again without a loop.

# %%
table = mg.vmap(mg.vmap(distance, in_axes=(None, 0)), in_axes=(0, None))(xs, ys)
np.testing.assert_allclose(np.diag(table), pairs)

# %% [markdown]
# ## Jacobians: a pullback for many cotangents
#
# `vjp` runs a function, and gives its *pullback*: from a cotangent g of the result to $g^\top J$. With g = (1, 0, 0) that is the first row of the
# Jacobian J, with (0, 1, 0) the second. All rows are one pass, with a batch of cotangents.


# %%
def spherical(p):
    """From radius, polar angle and azimuth to x, y, z."""
    r, theta, phi = p
    return mg.stack([r * theta.sin() * phi.cos(), r * theta.sin() * phi.sin(), r * theta.cos()])


point = mg.Tensor([2.0, 0.5, 1.0])
value, pull = mg.vjp(spherical, point)
(rows,) = mg.vmap(pull)(np.eye(3))
np.testing.assert_allclose(rows, mg.jacobian(spherical)(point), rtol=1e-6)

# %% [markdown]
# That is what `mg.jacobian` does. Its determinant is the volume element of spherical coordinates, $r^2 \sin\theta$: here at a
# thousand points, by `vmap` over the points of a `jacobian`, which is a `vmap` over rows itself.

# %%
points = rng.uniform([0.5, 0.1, 0.0], [2.0, 3.0, 6.0], (1000, 3))
volumes = mg.vmap(lambda p: mg.linalg.det(mg.jacobian(spherical)(p)))(points)
np.testing.assert_allclose(volumes, points[:, 0] ** 2 * np.sin(points[:, 1]), rtol=1e-9)

# %% [markdown]
# ## Hessians
#
# A Hessian is the Jacobian of a gradient. The Rosenbrock function has a curved valley; at its lowest point, (1, 1), the Hessian's
# eigenvalues say how much steeper it is across the valley than along it.


# %%
def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


hessian = mg.hessian(rosenbrock)(np.ones(2))
np.testing.assert_allclose(hessian, [[802, -400], [-400, 200]])
along, across = np.linalg.eigvalsh(hessian)
print(f"curvature {along:.2f} along the valley, {across:.0f} across it: condition number {across / along:.0f}")
assert 2400 < across / along < 2600

# %% [markdown]
# Newton's method solves with the Hessian in place of a learning rate. From a hundred starts at once:


# %%
def newton(x):
    return x - mg.linalg.solve(mg.hessian(rosenbrock)(x), mg.grad(rosenbrock)(x))


starts = rng.uniform([0.5, 0.8], [1.5, 2.0], (100, 2))
reached = mg.Tensor(starts)
for _ in range(8):
    reached = mg.vmap(newton)(reached)
np.testing.assert_allclose(reached, np.ones((100, 2)), atol=1e-6)

# %% [markdown]
# ## Per-sample gradients
#
# The gradient that trains a network is the mean of the gradients of its samples, and the mean hides who pulls where. With
# `functional_call` a network is a function of its parameters, and `vmap(grad(...))` gives every sample's own gradient. The parameters
# have no batch: all samples share them.

# %%
train, test = digits(size=8)
mg.seed(0)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
loader = DataLoader(train, batch_size=64, shuffle=True, seed=0)
fit(model, loader, loss=cross_entropy, optimizer=SGD(model.parameters(), lr=0.1, momentum=0.9), epochs=3)


def loss_of_one(params, image, label):
    return cross_entropy(mg.functional_call(model, params, image[None]), label[None])


params = {name: p.detach() for name, p in model.named_parameters()}
images, labels = test[np.arange(200)]
per_sample = mg.vmap(mg.grad(loss_of_one), in_axes=(None, 0, 0))
gradients = per_sample(params, images, labels)
print({name: g.shape for name, g in gradients.items()})

# %% [markdown]
# Their mean is the gradient of the batch:

# %%
of_batch = mg.grad(lambda p: cross_entropy(mg.functional_call(model, p, images), labels))(params)
for name, g in of_batch.items():
    np.testing.assert_allclose(gradients[name].mean(axis=0), g, rtol=1e-3, atol=1e-6)

# %% [markdown]
# But their sizes differ by orders of magnitude. The digits with the largest gradients are those that the network gets wrong, or nearly
# so; most others hardly matter to a step.

# %%
flat = np.concatenate([g.numpy().reshape(len(images), -1) for g in gradients.values()], axis=1)
norms = np.linalg.norm(flat, axis=1)
order = np.argsort(norms)
wrong = model(mg.Tensor(images)).numpy().argmax(1) != labels
share = np.cumsum(norms[order][::-1]) / norms.sum()
print(f"a tenth of the digits have {share[len(order) // 10 - 1]:.0%} of the sum of all norms")
assert norms[wrong].mean() > 10 * norms[~wrong].mean()
assert share[len(order) // 10 - 1] > 0.5

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", width_ratios=(1, 1.2))
bins = np.geomspace(norms.min(), norms.max(), 25)
left.hist([norms[~wrong], norms[wrong]], bins, stacked=True, color=["#0072B2", "#D55E00"], label=["right", "wrong"])
left.set(xscale="log", xlabel="norm of a digit's gradient", ylabel="digits")
left.legend(title="classified")
shown = np.concatenate([order[-8:][::-1], order[:8]])
tiles = [np.pad(images[i, 0], 1, constant_values=images.min()) for i in shown]
right.imshow(np.block([tiles[:8], tiles[8:]]), cmap="gray_r")
right.set(xticks=[], yticks=[4.5, 14.5], yticklabels=["largest", "smallest"], title="digits by their gradients")
keep(figure, "per_sample_gradients")

# %% [markdown]
# ![the norms of the gradients of 200 digits, and the digits with the largest and the smallest](images/per_sample_gradients.png)
#
# Differentially private training needs exactly these gradients: each is clipped to the same norm before the mean is taken, so that no
# sample says more than another, and noise is added. Clipped, no digit says more than the median one.

# %%
limit = np.median(norms)
clipped = flat * np.minimum(1, limit / norms)[:, None]
assert np.linalg.norm(clipped, axis=1).max() < 1.001 * limit

# %% [markdown]
# ## Ensembles
#
# Where the parameters have the batch and the images do not, `vmap` runs many networks as one: here five, from five seeds, with all
# weights of a layer in one stack.


# %%
def fresh(seed):
    mg.seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))


networks = [dict(fresh(seed).named_parameters()) for seed in range(5)]
stacked = {name: mg.stack([p[name] for p in networks]).detach() for name in networks[0]}


def loss_of_network(p, x, y):
    return cross_entropy(mg.functional_call(model, p, x), y)


step = mg.vmap(mg.value_and_grad(loss_of_network), in_axes=(0, None, None))
first = None
for _ in range(3):
    for x, y in loader:
        losses, slopes = step(stacked, x, y)
        stacked = {name: p - 0.3 * slopes[name] for name, p in stacked.items()}
        first = losses if first is None else first
print("losses at first", np.round(first.numpy(), 2), "and at last", np.round(losses.numpy(), 2))
assert (losses.numpy() < 0.5 * first.numpy()).all()

# %% [markdown]
# ## What vmap cannot do
#
# f runs once for all samples, so Python cannot decide differently for each of them. That is an error, which names the way out.

# %%
try:
    mg.vmap(lambda x: x if x.sum() > 0 else -x)(xs)
except mg.errors.GraphError as error:
    print(error)
same = mg.vmap(lambda x: mg.where(x.sum() > 0, x, -x))(xs)
assert (same.numpy().sum(1) >= 0).all()

# %% [markdown]
# Random numbers inside are an error, too, unless `randomness` says whether each sample draws its own ("different") or all share one draw
# ("same"); and a layer that keeps statistics of batches, such as `BatchNorm2d` in training, has none to keep of one sample.
#
# ## What you should have seen
#
# - `vmap` turns a function of one sample into one of a batch, and is called with the shapes of one.
# - A Jacobian is a pullback for a batch of cotangents; a Hessian is the Jacobian of a gradient.
# - `vmap(grad(loss), in_axes=(None, 0, 0))` gives the gradient of every sample, in about the time of two of the batch.
# - With the batch on the parameters the same call trains an ensemble.
