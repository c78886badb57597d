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
# # Find the wrong gradient
#
# A network that does not learn seldom says why. Two questions find out nearly always: is there an op whose derivative is *wrong*? And if
# all of them are right, why is this gradient *missing*, *zero*, *NaN* or *huge*? The first is answered by a picture, the second in words.
#
# It needs `pip install "minigrad[graph]"` for the pictures.

# %%
import os
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn, op, why
from minigrad.functional import cross_entropy
from minigrad.viz import graph

IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")


def keep(picture, name):
    """Write a picture, if a folder for pictures is set; show it in any case."""
    if IMAGES:
        picture.save(Path(IMAGES) / f"{name}.svg")
    return picture


# %% [markdown]
# ## A rule with a slip
#
# The activation swish is x times the sigmoid of x. Its derivative is s + x s (1 - s). Somebody wrote a plus:


# %%
@op
def swish(x):
    """x * sigmoid(x)."""
    return x / (1 + np.exp(-x))


@swish.vjp("x")
def _(g, x):
    s = mg.sigmoid(x)
    return g * (s + x * s * (1 + s))


class Net(nn.Module):
    """Three layers around two swishes."""

    def __init__(self):
        self.one, self.two, self.three = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.three(swish(self.two(swish(self.one(x)))))


# %% [markdown]
# Nothing crashes, and the loss even falls. That is what makes wrong gradients dangerous.

# %%
mg.seed(0)
model = Net()
rng = np.random.default_rng(0)
images, labels = rng.normal(size=(32, 8)).astype(np.float32), rng.integers(0, 3, 32)
optimizer = mg.optim.SGD(model.parameters(), lr=0.05)
losses = []
for _ in range(60):
    optimizer.zero_grad()
    loss = cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
assert losses[-1] < losses[0]

# %% [markdown]
# ## The verdict on every op
#
# `color_by="verdict"` holds the derivative of each op, at the very inputs that it met in this network, to numerical ones: green is
# correct, red is wrong, orange could not be decided, light blue is correct at a kink. The mark in the box says the same.

# %%
picture = graph(model, images, color_by="verdict")
keep(picture, "find_wrong")

# %% [markdown]
# ![both swishes are red, all else is green](images/find_wrong.svg)

# %%
verdicts = picture.measure("verdict")
wrong = {picture.graph.nodes[i].name for i, verdict in verdicts.amounts.items() if verdict == "wrong"}
assert wrong == {"swish"}
print(next(text for i, text in verdicts.notes.items() if verdicts.amounts[i] == "wrong"))


# %% [markdown]
# With the sign put right, all is green. (The same definition run again replaces the former.)


# %%
@swish.vjp("x")
def _(g, x):
    s = mg.sigmoid(x)
    return g * (s + x * s * (1 - s))


assert set(graph(model, images, color_by="verdict").measure("verdict").amounts.values()) == {"correct"}

# %% [markdown]
# From the command line: `minigrad graph package.module:Net --input 32x8 --color-by verdict -o net.html`.
#
# ## Why is this gradient missing?
#
# All rules are right, and still a parameter does not learn. `why(parameter, function)` runs the function that computes the loss, looks
# at all that happens in it, and answers. First a network that takes its features as numbers on the way:


# %%
class Detached(nn.Module):
    """It looks at its own features without wanting to."""

    def __init__(self):
        self.features, self.head = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x):
        h = mg.tanh(self.features(x))
        h = h.detach()  # meant for a print
        return self.head(h)


mg.seed(0)
model = Detached()
reason = why(model.features.weight, lambda: cross_entropy(model(images), labels))
print(reason)
assert reason.cause == "detached"

# %% [markdown]
# The same path in the picture: what leads from the parameter to the loss has a thick border, and what was not recorded is dashed.

# %%
keep(reason.picture(), "find_detached")

# %% [markdown]
# ![the marked path ends where the value was detached](images/find_detached.svg)
#
# ## Why is it zero?
#
# A bias far below zero, and no input brings the ReLUs back to life:

# %%
mg.seed(0)
dead = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
with mg.no_grad():
    dead[0].bias -= 50.0
reason = why(dead[0].weight, lambda: cross_entropy(dead(images), labels))
print(reason)
assert (reason.cause, reason.op) == ("zero", "relu")

# %% [markdown]
# ## Why is it NaN?
#
# The logarithm of a probability that has become exactly zero:


# %%
def log_loss(x):
    """Cross entropy by hand, without care for large scores."""
    e = mg.exp(x)
    probabilities = e / e.sum(axis=1, keepdims=True)
    return -mg.log(probabilities).mean()


scores = mg.Tensor(np.array([[0.0, 60.0], [1.0, 2.0]], np.float32) * 2, requires_grad=True)
with np.errstate(all="ignore"):
    reason = why(scores, log_loss, scores)
print(reason)
assert reason.cause in ("nan", "inf")

# %% [markdown]
# ## Why is it huge, or nearly nothing?
#
# The answer shows the way with the gradient that arrives at each step, and where it grows or shrinks: twenty layers whose weights at the
# start are too large.


# %%
def deep(factor):
    """Twenty layers whose weights are multiplied by a factor."""
    mg.seed(0)
    layers = nn.Sequential(*[nn.Linear(8, 8, bias=False) for _ in range(20)])
    for layer in layers:
        layer.weight.data = layer.weight.data * factor
    return layers


exploding = deep(6.0)
reason = why(exploding[0].weight, lambda: cross_entropy(exploding(images), labels))
print(reason)
assert reason.cause == "exploding"

vanishing = deep(0.3)
assert why(vanishing[0].weight, lambda: cross_entropy(vanishing(images), labels)).cause == "vanished"

# %% [markdown]
# And where nothing is wrong, it says so:

# %%
fine = deep(np.sqrt(3.0))
reason = why(fine[0].weight, lambda: cross_entropy(fine(images), labels))
print(reason.text)
assert reason.cause == "healthy"

# %% [markdown]
# ## What you should have seen
#
# - `graph(model, inputs, color_by="verdict")` paints exactly the ops with wrong rules red, and says what was expected.
# - `why(parameter, function)` names the cause, the op and the line, and shows the way from the parameter to the loss.
# - `reason.picture()` draws that way; `reason.cause`, `.op`, `.file` and `.line` are there for programs.
