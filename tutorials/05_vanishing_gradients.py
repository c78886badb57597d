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
# # Vanishing gradients
#
# The chain rule multiplies. A network of many layers multiplies many numbers, and if most of them are small, nothing is left of the
# gradient by the time it reaches the first layers: they do not learn. What the numbers are is decided by two choices, the
# activation and the weights at the start. Here all six pairs of
#
# - sigmoid, ReLU, and
# - Gauss (standard deviation 0.01), Xavier, He
#
# are measured, and then trained on real digits.
#
# (`MINIGRAD_TUTORIAL_EPOCHS` shortens the training; the pictures go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minigrad as mg
from minigrad import init, nn
from minigrad.data import DataLoader, digits
from minigrad.functional import cross_entropy, sigmoid
from minigrad.optim import SGD
from minigrad.training import evaluate, fit
from minigrad.viz import gradient_flow

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "30"))
FULL = EPOCHS >= 30
IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
HIDDEN = 6


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


# %% [markdown]
# ## One factor a layer
#
# On the way back, each layer multiplies the gradient with its weights and with the slope of its activation. The sigmoid's slope is
# at most 1/4, at 0. ReLU's is 1 for all that is positive.

# %%
at = np.linspace(-6, 6, 241)
slope = mg.grad(lambda x: sigmoid(x).sum())(at).numpy()
assert slope.max() == 0.25
assert at[slope.argmax()] == 0
print(f"six sigmoids keep at most {0.25**HIDDEN:.4%} of a gradient")

# %% [markdown]
# ## Six networks
#
# Six hidden layers of 64 units, and ten scores at the end. Xavier's weights have the variance 2 / (inputs + outputs), He's have
# 2 / inputs, twice as much in a square layer, because ReLU drops half of what it gets.

# %%
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "ReLU": nn.ReLU}
WEIGHTS = {
    "Gauss": lambda shape: init.normal(shape, std=0.01),
    "Xavier": init.xavier_normal,
    "He": init.he_normal,
}
PAIRS = [(activation, weights) for activation in ACTIVATIONS for weights in WEIGHTS]


def network(activation, weights):
    """Six hidden layers, from seed 0."""
    mg.seed(0)
    layers = [nn.Flatten()]
    for inputs, outputs in [(64, 64)] * HIDDEN + [(64, 10)]:
        linear = nn.Linear(inputs, outputs)
        linear.weight.data = WEIGHTS[weights]((outputs, inputs))
        linear.bias.data = init.zeros((outputs,))
        layers += [linear, ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


train, test = digits(size=8)
assert train[np.arange(1)][0].shape == (1, 1, 8, 8)
network("ReLU", "He")

# %% [markdown]
# ## The gradients at the start
#
# The norm of the gradient of each layer's weights, for one batch of 256 digits. `gradient_flow` has it of every parameter, after backward.


# %%
def gradient_norms(model):
    """One number a layer, the first layer's first."""
    images, labels = train[np.arange(256)]
    cross_entropy(model(mg.Tensor(images)), mg.Tensor(labels)).backward()
    return np.array([flow.gradient for flow in gradient_flow(model) if flow.name.endswith("weight")])


norms = {pair: gradient_norms(network(*pair)) for pair in PAIRS}
shares = {pair: found[0] / found[-1] for pair, found in norms.items()}
for (activation, weights), share in shares.items():
    print(f"{activation:8} {weights:7} first layer's gradient / last layer's: {share:.1e}")

# %%
LOOKS = {"Gauss": ("#D55E00", "s-"), "Xavier": ("#0072B2", "o-"), "He": ("#009E73", "^-")}


def compare(curves, x, ylabel, xlabel, **settings):
    """A panel an activation, a line a choice of weights."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for panel, activation in zip(panels, ACTIVATIONS, strict=True):
        for weights, (color, line) in LOOKS.items():
            panel.plot(x, curves[activation, weights], line, color=color, markersize=4, label=weights)
        panel.set(title=activation, xlabel=xlabel, **settings)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel(ylabel)
    panels[1].legend()
    return figure


figure = compare(norms, range(1, HIDDEN + 2), "norm of the gradient", "layer, from the input", yscale="log")
keep(figure, "gradient_norms")

# %% [markdown]
# ![the norm of the gradient at each layer, for six networks](images/gradient_norms.png)
#
# With a sigmoid, all three lines fall towards the input. With Xavier's weights, which by themselves keep the size of what passes
# through, the factor a layer is 0.21, a little less than the sigmoid's 1/4, for not all units sit at 0. He's weights are larger by $\sqrt2$, and
# so, nearly, is the factor: 0.29.

# %%
factor = {pair: (found[1] / found[-2]) ** (1 / (HIDDEN - 2)) for pair, found in norms.items()}
for (activation, weights), found in factor.items():
    print(f"{activation:8} {weights:7} factor a layer {found:.3f}")
assert 0.2 < factor["sigmoid", "Xavier"] < 0.3
assert 0.25 < factor["sigmoid", "He"] < 0.36
assert shares["sigmoid", "Gauss"] < 1e-8
assert shares["sigmoid", "Xavier"] < shares["sigmoid", "He"] < 0.02
assert 0.3 < shares["ReLU", "He"] < 3

# %% [markdown]
# With ReLU and weights of 0.01 the signal is gone on its way forward already, so the gradients of *all* layers are tiny: the line is
# flat, and at the bottom. With He's weights it is flat at the top, which is what He and his colleagues chose them for.

# %%
assert norms["ReLU", "Gauss"].max() < 1e-3 * norms["ReLU", "He"].max()

# %% [markdown]
# ## What becomes of them
#
# Now each network is trained, with the same steps for all.


# %%
def trained(pair):
    model = network(*pair)
    loader = DataLoader(train, batch_size=64, shuffle=True, seed=0)
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    history = fit(model, loader, loss=cross_entropy, optimizer=optimizer, epochs=EPOCHS)
    return [record["loss"] for record in history], evaluate(model, test, cross_entropy)


results = {pair: trained(pair) for pair in PAIRS}
losses = {pair: found for pair, (found, _) in results.items()}
for (activation, weights), (found, scores) in results.items():
    print(f"{activation:8} {weights:7} loss {found[-1]:.3f}   test accuracy {scores['accuracy']:.1%}")
figure = compare(losses, range(1, EPOCHS + 1), "training loss", "epoch")
keep(figure, "vanishing_training")

# %% [markdown]
# ![the training losses of the six networks](images/vanishing_training.png)
#
# A loss of $\log 10 \approx 2.30$ is that of guessing. ReLU with He's or Xavier's weights leaves it at once.

# %%
accuracy = {pair: scores["accuracy"] for pair, (_, scores) in results.items()}
for pair in PAIRS:
    if pair in (("ReLU", "He"), ("ReLU", "Xavier")):
        assert losses[pair][-1] < (0.05 if FULL else 1.0)
        assert accuracy[pair] > (0.94 if FULL else 0.7)
    else:
        assert 2.2 < losses[pair][-1] < 2.4
        assert accuracy[pair] < 0.2

# %% [markdown]
# ## What you should have seen
#
# - A sigmoid takes at least three quarters of the gradient, a layer: after six of them the first layer's gradient is 0.02 % of the
#   last one's with Xavier's weights, 0.09 % with He's, and nothing with Gauss's of 0.01.
# - Each sigmoid network still guesses after 30 epochs (10 % of the test digits): good weights alone do not save a deep stack of sigmoids.
# - ReLU passes the gradient on, but not if the weights are too small: with Gauss's of 0.01 it guesses as well.
# - ReLU with weights of the right size learns: 97.5 % of the test digits with He's, 96.4 % with Xavier's.
