# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   full_run: half a minute
# ---

# %% [markdown]
# # Batch normalization
#
# In the tutorial on vanishing gradients four of six deep networks learned nothing, because of their activation or of their weights
# at the start. Batch normalization is a layer that makes such networks learn. Here it is
#
# - computed by hand,
# - put into the same networks, which are trained on real digits with and without it,
# - looked at from inside: what the activations receive, before and after training,
# - tried with learning rates from 0.003 to 3,
# - and used the wrong way once, for it computes something else in training than in evaluation.
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
from minigrad.errors import DataError, NonFiniteError
from minigrad.functional import cross_entropy
from minigrad.optim import SGD
from minigrad.training import evaluate, fit

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "30"))
FULL = EPOCHS >= 30
IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
HIDDEN = 6


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


# %% [markdown]
# ## The layer
#
# For each channel, subtract the mean over the batch and divide by the standard deviation over the batch. Then scale by $\gamma$ and
# shift by $\beta$, two parameters a channel, which begin as 1 and 0 and are learned like any other:
#
# $$ y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta $$
#
# $\varepsilon = 10^{-5}$ is there so that nothing is divided by 0.

# %%
rng = np.random.default_rng(0)
x = rng.normal(loc=3, scale=5, size=(256, 64)).astype(np.float32)
by_hand = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
y = nn.BatchNorm1d(64)(x).numpy()
assert np.allclose(y, by_hand, atol=1e-5)
assert abs(y.mean(axis=0)).max() < 1e-5
assert abs(y.std(axis=0) - 1).max() < 1e-5
print(f"mean {x.mean():.2f} and standard deviation {x.std():.2f} become {abs(y.mean()):.2f} and {y.std():.2f}")

# %% [markdown]
# It stands between a linear layer and its activation. Two things follow at once. Weights a hundred times larger change next to nothing (what $\varepsilon$
# leaves), for the division takes the factor out again: how large the weights are at the start hardly matters any more. And the bias of the
# linear layer does nothing, for it is subtracted with the mean: its gradient is 0, but for rounding.

# %%
train, test = digits(size=8)
images, labels = train[np.arange(256)]
mg.seed(0)
layer, normalize = nn.Linear(64, 64), nn.BatchNorm1d(64)
layer.weight.data = init.normal((64, 64), std=0.01)
small = normalize(layer(images.reshape(256, 64)))
(small * rng.normal(size=small.shape).astype(np.float32)).sum().backward()
bias, weight = abs(layer.bias.grad.numpy()).max(), abs(layer.weight.grad.numpy()).max()
assert bias < 1e-4 * weight

layer.weight.data = layer.weight.data * 100
large = normalize(layer(images.reshape(256, 64)))
change = np.linalg.norm((large - small).numpy()) / np.linalg.norm(small.numpy())
assert change < 0.02
print(f"largest gradient of a bias {bias:.0e}, of a weight {weight:.0e}; weights times 100 change y by {change:.1%}")

# %% [markdown]
# ## Eight networks
#
# The same network as before, six hidden layers of 64 units and ten scores at the end: with sigmoid or ReLU, from Gauss's weights with a
# standard deviation of 0.01 or from He's, plain or normalized.

# %%
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "ReLU": nn.ReLU}
WEIGHTS = {"Gauss": lambda shape: init.normal(shape, std=0.01), "He": init.he_normal}
KINDS = ["plain", "normalized"]
CASES = [(activation, weights, kind) for activation in ACTIVATIONS for weights in WEIGHTS for kind in KINDS]


def linear(inputs, outputs, weights):
    layer = nn.Linear(inputs, outputs)
    layer.weight.data = WEIGHTS[weights]((outputs, inputs))
    layer.bias.data = init.zeros((outputs,))
    return layer


def network(activation, weights, kind, seed=0):
    """Six hidden layers; normalized or not, one seed gives the same weights."""
    mg.seed(seed)
    layers = [nn.Flatten()]
    for _ in range(HIDDEN):
        layers.append(linear(64, 64, weights))
        layers += [nn.BatchNorm1d(64)] if kind == "normalized" else []
        layers.append(ACTIVATIONS[activation]())
    return nn.Sequential(*layers, linear(64, 10, weights))


def train_network(model, lr=0.05, epochs=EPOCHS, seed=0):
    loader = DataLoader(train, batch_size=64, shuffle=True, seed=seed)
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    return fit(model, loader, loss=cross_entropy, optimizer=optimizer, epochs=epochs)


network("ReLU", "He", "normalized")

# %%
models = {case: network(*case) for case in CASES}
losses = {case: train_network(model)["loss"] for case, model in models.items()}
accuracy = {case: evaluate(model, test, cross_entropy)["accuracy"] for case, model in models.items()}
for (activation, weights, kind), share in accuracy.items():
    print(f"{activation:8} {weights:6} {kind:11} test accuracy {share:.1%}")

# %%
COLORS = {"plain": "tab:orange", "normalized": "tab:blue"}
MARKERS = {"Gauss": "o--", "He": "s-"}

figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for panel, activation in zip(panels, ACTIVATIONS, strict=True):
    for weights in WEIGHTS:
        for kind in KINDS:
            look = {"color": COLORS[kind], "markersize": 4, "label": f"{kind}, {weights}"}
            panel.plot(range(1, EPOCHS + 1), losses[activation, weights, kind], MARKERS[weights], **look)
    panel.set(title=activation, xlabel="epoch", yscale="log")
    panel.grid(alpha=0.3)
panels[0].set_ylabel("training loss")
panels[0].legend(loc="lower left")
keep(figure, "normalized_training")

# %% [markdown]
# ![training losses of eight networks, four of them normalized](images/normalized_training.png)
#
# Three of the four plain networks stay at the loss of guessing, $\log 10 \approx 2.30$ (left, two lines lie on each other). All four normalized ones leave it.

# %%
for activation, weights, kind in CASES:
    case = activation, weights, kind
    if kind == "normalized":
        assert losses[case][-1] < (0.1 if FULL else 1.5)
        if FULL:
            assert accuracy[case] > 0.94
    elif (activation, weights) != ("ReLU", "He"):
        assert 2.2 < losses[case][-1] < 2.4
        assert accuracy[case] < 0.2
    elif FULL:
        assert accuracy[case] > 0.93

# %% [markdown]
# ## What the activations receive
#
# The numbers that go into each ReLU, for one batch of 256 digits. The boxes reach from the 25th to the 75th percentile, the
# whiskers from the 1st to the 99th.


# %%
def received(model):
    """What each activation receives: one array a layer."""
    model.train()
    x, found = mg.Tensor(images), []
    for layer in model:
        if isinstance(layer, nn.ReLU):
            found.append(x.numpy().ravel())
        x = layer(x)
    return found


columns = [("Gauss", "plain"), ("Gauss", "normalized"), ("He", "plain"), ("He", "normalized")]
before = {column: received(network("ReLU", *column)) for column in columns}
after = {column: received(models["ReLU", *column]) for column in columns}

figure, panels = plt.subplots(2, 4, figsize=(9, 4.4), sharex=True, sharey="row", layout="constrained")
for row, found, when in zip(panels, (before, after), ("before training", "after training"), strict=True):
    for panel, (weights, kind) in zip(row, columns, strict=True):
        look = {"color": "black", "linewidth": 1}
        boxes = panel.boxplot(
            found[weights, kind],
            whis=(1, 99),
            showfliers=False,
            manage_ticks=False,
            patch_artist=True,
            widths=0.6,
            medianprops=look,
        )
        for box in boxes["boxes"]:
            box.set(facecolor=COLORS[kind], alpha=0.7)
        panel.grid(alpha=0.3, axis="y")
        if when == "before training":
            panel.set_title(f"{kind}, {weights}")
        else:
            panel.set(xlabel="layer", xticks=range(1, HIDDEN + 1))
    row[0].set_ylabel(when)
keep(figure, "normalized_inside")

# %% [markdown]
# ![what each ReLU receives before and after training](images/normalized_inside.png)
#
# From Gauss's weights, the numbers of the plain network shrink by a factor a layer, and at the sixth layer nothing is left. In the
# normalized network each layer begins with standard deviation 1, from whatever weights.

# %%
spread = {column: [layer.std() for layer in found] for column, found in before.items()}
for (weights, kind), found in spread.items():
    print(f"{kind:11} {weights:6} before training:", " ".join(f"{deviation:.1e}" for deviation in found))
assert spread["Gauss", "plain"][-1] < 1e-6
assert np.allclose(spread["He", "normalized"], 1, atol=0.01)
assert np.allclose(spread["Gauss", "normalized"], 1, atol=0.1)

# %% [markdown]
# He's weights were chosen so that the plain network begins like that as well. But nothing keeps it there: training has spread the numbers
# more from layer to layer. In the normalized network only $\gamma$ can do that, and it has hardly done so.

# %%
if FULL:
    trained = {column: [layer.std() for layer in found] for column, found in after.items()}
    for (weights, kind), found in trained.items():
        print(f"{kind:11} {weights:6} after training:", " ".join(f"{deviation:.1e}" for deviation in found))
    assert trained["He", "plain"][-1] > 2 * trained["He", "plain"][0]
    assert max(trained["He", "normalized"]) < 1.5

# %% [markdown]
# ## Which learning rates work
#
# ReLU and He's weights, where both kinds learn. Each rate is tried from three seeds. A training whose numbers stop being
# finite counts as 0 %.

# %%
RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3] if FULL else [0.03, 0.3]
SEEDS = range(3) if FULL else range(1)


def outcome(kind, lr, seed):
    """The share of the test digits that are read after ten epochs at most."""
    model = network("ReLU", "He", kind, seed)
    try:
        train_network(model, lr, min(EPOCHS, 10), seed)
    except NonFiniteError:
        return 0.0
    return evaluate(model, test, cross_entropy)["accuracy"]


sweep = {kind: np.array([[outcome(kind, lr, seed) for seed in SEEDS] for lr in RATES]) for kind in KINDS}
for kind, found in sweep.items():
    for lr, shares in zip(RATES, found, strict=True):
        print(f"{kind:11} learning rate {lr:<6}", " ".join(f"{share:6.1%}" for share in shares))

# %%
figure, panel = plt.subplots(figsize=(6, 3.4), layout="constrained")
for kind, marker in zip(KINDS, ("o--", "s-"), strict=True):
    panel.plot(RATES, 100 * sweep[kind].mean(axis=1), marker[1:], color=COLORS[kind])
    for shares in sweep[kind].T:
        panel.plot(RATES, 100 * shares, marker[0], color=COLORS[kind], alpha=0.6, label=kind)
panel.set(
    xscale="log", xlabel="learning rate", xticks=RATES, xticklabels=RATES, ylabel="test accuracy, %", ylim=(-5, 105)
)
panel.tick_params(axis="x", which="minor", bottom=False)
panel.grid(alpha=0.3)
handles, names = panel.get_legend_handles_labels()
panel.legend(handles[:: len(SEEDS)], names[:: len(SEEDS)], loc="lower left")
keep(figure, "normalized_rates")

# %% [markdown]
# ![test accuracy against the learning rate, with and without normalization](images/normalized_rates.png)
#
# A mark is a training, a line the mean of three.
# At 0.3 the plain network is lost from every seed, and the normalized one reads more than 90 % from every seed. Say that a rate works
# if the network reads at least 90 % from *each* of the three: here rates up to 0.03 work for the plain network (from 0.1 one
# training of three breaks), and rates up to 0.3 for the normalized one. Its room ends, too: at 3 it learns nothing.

# %%
at = RATES.index(0.3)
assert sweep["plain"][at].max() < 0.5
assert sweep["normalized"][at].min() > (0.9 if FULL else 0.7)
if FULL:
    works = {
        kind: [lr for lr, shares in zip(RATES, found, strict=True) if shares.min() >= 0.9]
        for kind, found in sweep.items()
    }
    print(works)
    assert max(works["plain"]) < 0.3 <= max(works["normalized"]) < 3
    assert sweep["plain"].max() > 0.94

# %% [markdown]
# ## Training and evaluation
#
# In training a digit is normalized together with the others of its batch, so what the network says of it depends on them. An answer
# should not depend on who else is asking. So in training the layer also keeps running means of $\mu$ and $\sigma^2$, and in evaluation,
# after `model.eval()`, it uses those. (`evaluate` does that by itself.)
#
# What if it is forgotten? The test digits in ten batches of 36: in mixed order, and sorted, so that a batch has one kind of digit.

# %%
model = models["ReLU", "He", "normalized"]


def read(order):
    """The share of the test digits that is read, in batches of 36 in a given order."""
    images, labels = test[order]
    with mg.no_grad():
        scores = [model(images[start : start + 36]).numpy() for start in range(0, len(order), 36)]
    return (np.concatenate(scores).argmax(axis=1) == labels).mean()


ORDERS = {"mixed": np.arange(len(test)), "sorted": np.argsort(test[np.arange(len(test))][1], kind="stable")}
model.eval()
evaluated = {name: read(order) for name, order in ORDERS.items()}
model.train()
forgotten = {name: read(order) for name, order in ORDERS.items()}
for name in ORDERS:
    print(f"{name:6} order: evaluation mode {evaluated[name]:.1%}, training mode {forgotten[name]:.1%}")
assert evaluated["mixed"] == evaluated["sorted"]
assert forgotten["sorted"] < 0.3 < forgotten["mixed"]
if FULL:
    assert forgotten["mixed"] > 0.9

# %% [markdown]
# The same weights and the same digits: but what makes a batch of zeros zeros, the mean takes away. One digit alone has no
# variance at all, and in training mode minigrad says so.

# %%
try:
    model(images[:1])
    raise AssertionError("one digit was normalized by its own statistics")
except DataError as error:
    print(error)
assert model.eval()(images[:1]).shape == (1, 10)

# %% [markdown]
# ## What you should have seen
#
# - Normalized, a layer's output has mean 0 and standard deviation 1 in each channel, whatever the size of the weights.
# - Three of four plain networks of six hidden layers guess after 30 epochs, 10 % of the test digits. Normalized, all four read
#   at least 94 %, the sigmoids from Gauss's weights among them.
# - Where the plain network learns, with ReLU and He's weights, normalization is not needed: with a good learning rate both read more
#   than 94 %, and one training each on 360 test digits does not tell which is better. What it brings there is room: with a rate of
#   0.3 the plain network fails from each of three seeds, and the normalized one reads more than 90 % from each.
# - In training mode answers depend on the rest of the batch: of test digits in sorted batches the network reads about 10 %, in
#   evaluation mode about 98 % of the same. Call `model.eval()`.
