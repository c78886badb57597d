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
# # See your graph
#
# While you compute, a graph is recorded: which op made which value of which others. Backward walks through it. This tutorial looks
# at it: as data, as a picture, with gradients as colors, and as a page to walk through.
#
# Pictures need Graphviz: the program `dot`, or `pip install "minigrad[graph]"`, which brings it along on Linux. In a notebook, a picture
# that is the last line of a cell is shown; `save` writes it as .svg, .png, .pdf, .dot, .html or .json.
#
# (The pictures go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from minigrad_models import MODELS

import minigrad as mg
from minigrad import nn
from minigrad.viz import graph

IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
FOLDER = Path(tempfile.mkdtemp())


def keep(picture, name):
    """Write a picture, if a folder for pictures is set; show it in any case."""
    if IMAGES:
        picture.save(Path(IMAGES) / f"{name}.svg")
    return picture


# %% [markdown]
# ## An expression
#
# Ellipses are variables, rounded boxes ops; the result has a double border. Arrows carry the shape of what travels. `names=` gives
# variables names, since a Tensor does not know what you call it.

# %%
x = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
w = mg.Tensor([0.5, -1.0, 2.0], requires_grad=True)
loss = mg.sum(mg.tanh(x * w) ** 2)
picture = graph(loss, names={"x": x, "w": w})
keep(picture, "see_expression")

# %% [markdown]
# ![tanh(x w) squared and summed](images/see_expression.svg)
#
# Everything in the picture is there as data, too, and nothing else is: the picture is made of it. Constants, such as the exponent, are
# gray: they need no gradient.

# %%
for node in picture.graph:
    print(f"{node.id}: {node.kind:8} {node.name:8} {node.shape}")
assert [node.name for node in picture.graph] == ["x", "w", "multiply", "tanh", "2", "pow", "sum"]

# %% [markdown]
# ## A model
#
# Give `graph` a model and an input in place of a result, and it runs the model once. The input is then a part of the picture, and
# the model stays as it was: its mode, its running statistics, its gradients. Frames are modules. `depth=1` collapses all that is inside
# of the model's children; `repeats=True` draws equal blocks in a row once.

# %%
mg.seed(0)
resnet = MODELS["resnet56"].make()
image = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
whole = graph(resnet, image)
print(f"nothing collapsed: {len(whole.view.items)} boxes")
for depth in (1, 2):
    print(
        f"depth {depth}: {len(whole.collapse(depth).view.items)} boxes, {len(whole.collapse(depth, repeats=True).view.items)} with repeats"
    )
keep(whole.collapse(2, repeats=True), "see_resnet56")

# %% [markdown]
# ![ResNet-56, collapsed](images/see_resnet56.svg)
#
# Collapsing hides, and loses nothing: each recorded node belongs to exactly one box.

# %%
for depth in (None, 0, 1, 2, 3):
    for repeats in (False, True):
        items = whole.collapse(depth, repeats=repeats).view.items
        assert sorted(i for item in items for i in item.nodes) == list(range(len(whole.graph)))

# %% [markdown]
# ## Gradients as colors
#
# `color_by="gradient_norm"` runs a backward pass (of the sum of all outputs) and colors each box by the norm of the gradient that
# arrives there, on a logarithmic scale. Two networks of twelve layers, one with sigmoids, one with ReLUs:


# %%
def deep(activation):
    """Twelve layers."""
    mg.seed(0)
    layers = [part for _ in range(12) for part in (nn.Linear(16, 16), activation())]
    return nn.Sequential(*layers)


def first_and_last(picture):
    """The norm of the gradient of the first and of the last layer's weight."""
    norms = picture.measure("gradient_norm").amounts
    weights = [node.id for node in picture.graph if node.name.endswith("weight")]
    by_layer = sorted(weights, key=lambda i: int(picture.graph.nodes[i].name.split(".")[0]))
    return norms[by_layer[0]], norms[by_layer[-1]]


batch = np.random.default_rng(1).normal(size=(8, 16)).astype(np.float32)
pictures = {
    kind.__name__: graph(deep(kind), batch, color_by="gradient_norm", depth=1) for kind in (nn.Sigmoid, nn.ReLU)
}
shrunk = {}
for name, one in pictures.items():
    first, last = first_and_last(one)
    shrunk[name] = first / last
    print(f"{name:8} first layer {first:.1e}, last layer {last:.1e}")
assert shrunk["Sigmoid"] < 1e-4 * shrunk["ReLU"]
keep(pictures["Sigmoid"], "see_vanishing")

# %% [markdown]
# ![twelve layers of sigmoids: from yellow to dark blue](images/see_vanishing.svg)
#
# The other quantities are `gradient_zeros` (dead units), `activation_norm`, `activation_std` and `activation_zeros`, `forward_time`,
# `backward_time`, `memory` (what is kept for backward), `flops`, and `verdict`, which the next tutorial is about. Folded modules show
# the sum of their times, bytes and multiply-adds, and of the others what their last op has.

# %%
net = MODELS["lenet5"].make()
digits = np.random.default_rng(2).normal(size=(4, 1, 32, 32)).astype(np.float32)
lenet = graph(net, digits)
for quantity in ("flops", "memory"):
    measured = lenet.measure(quantity)
    largest = max(measured.amounts, key=measured.amounts.__getitem__)
    node = lenet.graph.nodes[largest]
    print(
        f"{quantity}: most in {node.name} of {lenet.graph.calls[node.call].path}, {measured.text(measured.amounts[largest])}"
    )

# %% [markdown]
# ## The backward pass
#
# Rules are made of ops as well, so the backward pass is itself a computation that can be recorded, drawn, and differentiated again.
# Each frame is the rule of one op. A rule gets the cotangent g of the op's result, and what it asked to be kept.


# %%
def wave(x, y):
    return mg.sin(x * y)


backward = graph(wave, np.ones(2), np.ones(2), direction="backward")
keep(backward, "see_backward")

# %% [markdown]
# ![the rules of sin and of the product](images/see_backward.svg)
#
# The rule of sin multiplies g with the cosine of its input; that of the product multiplies with the other factor:

# %%
rules = {backward.graph.calls[node.call].name for node in backward.graph if node.kind == "op"}
assert rules == {"backward", "rule of sin", "rule of multiply"} - {"backward"}
labels = [backward.graph.nodes[i].label for i in backward.graph.outputs]
assert labels == ["gradient of input 0", "gradient of input 1"]

# %% [markdown]
# ## The page
#
# `.save("graph.html")` writes one file that needs no network and no server: pan, zoom and search; double-click a module to enter it;
# click a node for the formula of its rule, its line of code, its values and gradients; step through the backward pass with the
# slider; color by any quantity. The same from the command line:
#
# ```sh
# minigrad graph lenet5 --data digits -o lenet5.html --open
# ```

# %%
page = lenet.save(FOLDER / "lenet5.html").read_text(encoding="utf-8")
assert 'http-equiv="Content-Security-Policy"' in page
assert "default-src 'none'" in page
print(f"{len(page) / 1e3:.0f} kB")

# %% [markdown]
# `.save("graph.json")` writes what the page knows, for programs:

# %%
data = json.loads(lenet.save(FOLDER / "lenet5.json").read_text(encoding="utf-8"))
tanh = next(node for node in data["nodes"] if node["name"] == "tanh")
print(f"{tanh['summary']} Rule: {tanh['rules']}. Called in {tanh['site']['file']}: {tanh['site']['text']}")
assert tanh["rules"] == [["x", "g * (1 - out * out)"]]

# %% [markdown]
# ## What you should have seen
#
# - `graph(result)` draws what was recorded, `graph(model, input)` or `graph(function, inputs)` runs and draws.
# - `depth=` and `repeats=` collapse modules, and lose nothing.
# - Vanishing gradients go from yellow to dark blue.
# - The backward pass is a graph like any other.
# - The page explains each node: its rule, its line, its numbers.
