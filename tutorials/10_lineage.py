# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   full_run: four minutes
# ---

# %% [markdown]
# # The lineage: three claims, tried again
#
# From LeNet to ResNet, each network came with a reason why it is better than the one before. A reason can be tried again, on small
# networks and 1,797 handwritten digits; and then it may show, or not. Three of them here:
#
# - AlexNet (2012): with ReLU a network learns several times sooner than with tanh,
# - VGG (2014): two 3x3 convolutions are better than one 5x5,
# - LeCun (1989), of what became LeNet: kernels that all places share need fewer samples.
#
# Two on depth, auxiliary classifiers (GoogLeNet) and shortcuts (ResNet), are in tutorial 12, and batch normalization is in tutorial 06.
#
# (`MINIGRAD_TUTORIAL_EPOCHS` shortens the training; the pictures go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from minigrad_models.alexnet import AlexNetSmall, weighted
from minigrad_models.local import LocalNet

import minigrad as mg
from minigrad import init, nn
from minigrad.data import DataLoader, digits
from minigrad.functional import cross_entropy
from minigrad.optim import SGD
from minigrad.training import evaluate, fit
from minigrad.viz import feature_maps, receptive_field

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "16"))
FULL = EPOCHS >= 16
IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
BLUE, VERMILION = "#0072B2", "#D55E00"


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


def train(model, data, lr, seed, epochs=EPOCHS, batch_size=32):
    """The share of the training digits that was read wrong, an epoch."""
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, seed=seed)
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    history = fit(model, loader, loss=cross_entropy, optimizer=optimizer, epochs=epochs)
    return 1 - np.array(history["accuracy"])


# %% [markdown]
# ## ReLU against tanh
#
# Krizhevsky, Sutskever and Hinton report that a network of four layers reached a training error of 25 % on CIFAR-10 six times sooner
# with ReLU than with tanh. Each had the learning rate that was best for it, and nothing against over-fitting. So here, with AlexNet's
# small form, half as wide and without dropout, and 512 digits. The weights at the start are He's for ReLU and Xavier's for tanh. The
# error aimed at is 10 %, for digits are easy.

# %%
SEEDS = range(3) if FULL else range(1)
RATES = [0.003, 0.0075, 0.02, 0.05] if FULL else [0.02]
AIM = 0.1
large = digits(size=32)[0][np.arange(512 if FULL else 256)]


def alexnet(activation, seed, scale=1):
    """Small AlexNet; `scale` multiplies the weights at the start."""
    mg.seed(seed)
    model = AlexNetSmall(widths=(8, 16, 16, 16, 16), hidden=64, activation=activation, dropout=0)
    for layer in weighted(model):
        layer.weight.data = scale * layer.weight.data
    return model


def epochs_to(aim, errors):
    """The first epoch with at most this error; infinity, if there is none."""
    reached = np.flatnonzero(errors <= aim)
    return reached[0] + 1 if len(reached) else np.inf


ACTIVATIONS = {"ReLU": nn.ReLU, "tanh": nn.Tanh}
errors, needed = {}, {}
for name, activation in ACTIVATIONS.items():
    for lr in RATES:
        errors[name, lr] = np.array([train(alexnet(activation, seed), large, lr, seed) for seed in SEEDS])
        needed[name, lr] = np.array([epochs_to(AIM, found) for found in errors[name, lr]])
        print(f"{name}, rate {lr:<6} epochs to an error of {AIM:.0%}, from each seed: {needed[name, lr]}")

# %% [markdown]
# The best rate is the one with the fewest epochs, in the mean of three seeds.

# %%
best = {name: min(RATES, key=lambda lr, name=name: needed[name, lr].mean()) for name in ACTIVATIONS}
if FULL:
    sooner = needed["tanh", best["tanh"]].mean() / needed["ReLU", best["ReLU"]].mean()
    print(f"best rates {best}: tanh needs {sooner:.2f} times the epochs of ReLU")
    assert 0.4 < sooner < 1
    assert (needed["ReLU", 0.003] < needed["tanh", 0.003]).all()
    assert needed["tanh", 0.05].max() <= 8
    assert needed["ReLU", 0.05].min() > 10

# %%
COLORS = {"ReLU": BLUE, "tanh": VERMILION}
MARKERS = {"ReLU": "o-", "tanh": "s--"}
figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name in ACTIVATIONS:
    look = {"color": COLORS[name], "markersize": 4}
    for i, found in enumerate(errors[name, best[name]]):
        label = f"{name}, rate {best[name]}" if i == 0 else None
        panels[0].plot(range(1, EPOCHS + 1), 100 * found, MARKERS[name], label=label, alpha=0.8, **look)
    for lr in RATES:
        panels[1].plot([lr] * len(SEEDS), np.minimum(needed[name, lr], EPOCHS + 1), MARKERS[name][0], **look)
    middle = [np.median(np.minimum(needed[name, lr], EPOCHS + 1)) for lr in RATES]
    panels[1].plot(RATES, middle, MARKERS[name][1:], color=COLORS[name], label=name)
panels[0].axhline(100 * AIM, color="gray", linewidth=1)
panels[0].set(xlabel="epoch", ylabel="training error, %", title="each with its best rate")
panels[1].set(xscale="log", xlabel="learning rate", ylabel=f"epochs to {AIM:.0%}", xticks=RATES, xticklabels=RATES)
panels[1].set(title="all rates", yticks=[4, 8, 12, EPOCHS + 1], yticklabels=[4, 8, 12, "later"])
panels[1].minorticks_off()
for panel in panels:
    panel.grid(alpha=0.3)
    panel.legend()
keep(figure, "lineage_relu")

# %% [markdown]
# ![training errors of ReLU and tanh, and epochs to 10 % at four rates](images/lineage_relu.png)
#
# (At the right, a mark is a training, a line goes through the medians; "later" is not within these 16 epochs.)
#
# The claim does not show here; the contrary does. With its best rate each tanh network is at 10 % after 4 or 5 epochs, and each ReLU
# network after 6 to 8. Only at the smallest rate is ReLU clearly sooner, from each of the seeds, and nowhere six times. A large rate, which tanh bears
# well, is too much for ReLU, perhaps because nothing limits its outputs.
#
# The reason that the paper gives for its claim is that tanh saturates: far from 0 its slope is nearly 0, and little of the gradient passes.
# So, how many units do? Xavier's weights (2010) are chosen to prevent it. Below the same network also starts from three times these weights.


# %%
def saturated(model):
    """The share of the tanh units beyond 0.9 in size, where the slope is below 0.19."""
    layers = [name for name, layer in model.named_modules() if isinstance(layer, nn.Tanh)]
    return np.mean([np.mean(abs(feature_maps(model, large[0][:128], name)) > 0.9) for name in layers])


shares, reached = {}, {}
for scale in (1, 3):
    model = alexnet(nn.Tanh, 0, scale)
    shares[scale] = saturated(model)
    reached[scale] = train(model, large, 0.02, 0)[-1]
    print(
        f"weights times {scale}: {shares[scale]:.1%} saturated, later {saturated(model):.1%}; error {reached[scale]:.1%}"
    )
assert shares[1] < 0.02
assert shares[3] > 0.2
if FULL:
    assert reached[1] < 0.03
    assert reached[3] > 0.1

# %% [markdown]
# With more than a quarter of the units saturated, training is slow indeed: 16 epochs, and still an error of 12.7 %. From Xavier's weights none
# is, and then tanh has no handicap to begin with. This fits the paper's reason and explains why its claim fails here; it does not say
# what happens in larger networks, in longer training, or on photographs.
#
# ## Two 3x3 convolutions against one 5x5
#
# A pixel of the second 3x3 convolution depends on 5 x 5 pixels, like one of a 5x5 convolution. `receptive_field` follows the pixel in the
# middle back, op by op, to all that it depends on.

# %%
PAIRS = {"5x5": [5], "3x3 twice": [3, 3]}


def stage(kernels, channels):
    """Convolutions that keep the number of channels, each with its ReLU."""
    layers = []
    for size in kernels:
        layers += [nn.Conv2d(channels, channels, size, padding=size // 2), nn.ReLU()]
    return layers


def count(model):
    return sum(parameter.size for parameter in model.parameters())


for name, kernels in PAIRS.items():
    layers = nn.Sequential(*stage(kernels, 16))
    field = receptive_field(layers, (16, 17, 17), "")
    assert (field.height, field.width) == (5, 5)
    print(f"{name:9} sees {field.height} x {field.width} pixels, parameters with 16 channels: {count(layers):,}")

# %% [markdown]
# Of $C$ channels to as many, the 5x5 convolution has $25 C^2$ weights, the pair $18 C^2$: 28 % fewer, and as much less work. (This
# holds where the number of channels stays. Where it doubles, the pair has $9 \cdot 2 C^2 + 9 \cdot 4 C^2 = 54 C^2$ against $50 C^2$.) So with biases:

# %%
for channels in (8, 16):
    assert count(nn.Sequential(*stage([5], channels))) == 25 * channels**2 + channels
    assert count(nn.Sequential(*stage([3, 3], channels))) == 18 * channels**2 + 2 * channels

# %% [markdown]
# And what do they learn? A first convolution, two such stages of 16 channels, and the scores; 512 digits of 16 x 16.

# %%
digits16, test = digits(size=16)
part = digits16[np.arange(512 if FULL else 256)]


def two_stages(kernels, seed):
    mg.seed(seed)
    stages = [layer for _ in range(2) for layer in (*stage(kernels, 16), nn.MaxPool2d(2))]
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), *stages, nn.Flatten(), nn.Linear(16 * 4 * 4, 10))
    for parameter in model.parameters():
        parameter.data = init.he_normal(parameter.shape) if parameter.ndim > 1 else init.zeros(parameter.shape)
    return model


def outcome(kernels, seed):
    """Epochs to a training error of 10 %, training loss at the end, test accuracy."""
    model = two_stages(kernels, seed)
    found = train(model, part, 0.01, seed)
    losses = [evaluate(model, data, cross_entropy) for data in (part, test)]
    return epochs_to(AIM, found), losses[0]["loss"], losses[1]["accuracy"]


pairs = {name: np.array([outcome(kernels, seed) for seed in SEEDS]) for name, kernels in PAIRS.items()}
for name, found in pairs.items():
    print(f"{name:9} {count(two_stages(PAIRS[name], 0)):,} parameters; epochs to {AIM:.0%} {found[:, 0]}", end="")
    print(f"   training loss {found[:, 1].round(4)}   test accuracy {found[:, 2].round(3)}")
    if FULL:
        assert found[:, 0].max() <= 8
        assert found[:, 1].max() < 0.1
        assert found[:, 2].min() > 0.9
if FULL:
    assert -0.01 < pairs["5x5"][:, 2].mean() - pairs["3x3 twice"][:, 2].mean() < 0.03

# %% [markdown]
# The half of the claim that is arithmetic holds: same view, fewer weights. That the pair also learns better does not show: the 5x5 network
# reads 94.4 % of the test digits, the pair 93.1 %, a difference of four digits in 360, and both know nearly all their training digits by heart. VGG's
# paper made this comparison with its network of 13 layers, on ImageNet; these here have three and five convolutions.
#
# ## Shared kernels, and a kernel for each place
#
# The same network twice: two layers of 5x5 windows, two pixels apart, and a linear output. A convolution has one kernel for all places of
# a map, the locally connected layer has one for each: 64 in the first layer, 16 in the second.

# %%
NETWORKS = {"shared": True, "not shared": False}
for name, sharing in NETWORKS.items():
    print(f"{name:10} {count(LocalNet(sharing, size=16)):,} parameters")
assert count(LocalNet(True, size=16)) == 8 * (25 + 1) + 16 * (8 * 25 + 1) + 10 * (256 + 1)
assert count(LocalNet(False, size=16)) == 64 * 8 * (25 + 1) + 16 * 16 * (8 * 25 + 1) + 10 * (256 + 1)

# %% [markdown]
# With shared kernels, a digit that moves by two pixels moves its map by one, and changes nothing else, but at the border. Without, another place sees it
# and says something else.

# %%
placed, placed_test = digits(size=16, margin=2)
images, labels = placed_test[np.arange(len(placed_test))]


def moved(images, down, right):
    return np.roll(images, (down, right), (2, 3))


for name, sharing in NETWORKS.items():
    layer = LocalNet(sharing, size=16, rng=np.random.default_rng(0)).conv1
    here, there = (layer(x).numpy() for x in (images[:32], moved(images[:32], 0, 2)))
    change = np.abs(there[..., 1:-1, 2:-1] - here[..., 1:-1, 1:-2]).mean() / np.abs(here).mean()
    print(f"{name:10} the map of a moved digit, compared with the moved map: {change:.1%} apart")
    assert change < 1e-5 if sharing else change > 0.5

# %% [markdown]
# Now both are trained, with 50 to all 1,437 digits (12 x 12 pixels and a margin, so that they can be moved), five times each. They are
# tested on the test digits as they are, and moved by one and two pixels, to each of the four sides.

# %%
SAMPLES = [50, 200, 800, 1437] if FULL else [50]
REPEATS = range(5) if FULL else range(1)
SIDES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


def read(model, by):
    """The share of the moved test digits that is read."""
    tests = [(moved(images, by * down, by * right), labels) for down, right in SIDES[: 4 if by else 1]]
    return np.mean([evaluate(model, data, cross_entropy)["accuracy"] for data in tests])


def sharing_outcome(sharing, samples, seed):
    """Test accuracy with digits moved by 0, 1 and 2 pixels."""
    mg.seed(seed)
    model = LocalNet(sharing, size=16)
    chosen = placed[np.random.default_rng(seed).permutation(len(placed))[:samples]]
    train(model, chosen, 0.01, seed, epochs=EPOCHS * max(1, 800 // samples), batch_size=16)
    return [read(model, by) for by in range(3)]


local = {
    name: np.array([[sharing_outcome(sharing, samples, seed) for seed in REPEATS] for samples in SAMPLES])
    for name, sharing in NETWORKS.items()
}
for samples, shared, unshared in zip(SAMPLES, *local.values(), strict=True):
    for by in range(3):
        apart = 100 * (shared - unshared)[:, by]
        print(f"{samples:5} digits, moved by {by}: shared {shared[:, by].mean():.1%}, not shared", end=" ")
        print(f"{unshared[:, by].mean():.1%}; apart {apart.mean():+.1f} points, from each seed {apart.round(1)}")

# %%
figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for by, panel in enumerate(panels):
    for (name, found), color, marker in zip(local.items(), (BLUE, VERMILION), ("o-", "s--"), strict=True):
        panel.plot(SAMPLES, 100 * found[:, :, by].mean(axis=1), marker[1:], color=color, label=name)
        panel.plot(SAMPLES, 100 * found[:, :, by], marker[0], color=color, markersize=3.5)
    panel.set(xscale="log", xlabel="training digits", xticks=SAMPLES, xticklabels=SAMPLES)
    panel.set(title=["test digits as they are", "moved by 1 pixel", "moved by 2 pixels"][by])
    panel.minorticks_off()
    panel.grid(alpha=0.3)
panels[0].set_ylabel("test accuracy, %")
panels[0].legend()
keep(figure, "lineage_sharing")

# %% [markdown]
# ![test accuracy with and without sharing, against the number of training digits](images/lineage_sharing.png)
#
# (A mark is a training, a line their mean; each panel has a scale of its own.)

# %%
if FULL:
    apart = {n: (local["shared"] - local["not shared"])[i].mean(axis=0) for i, n in enumerate(SAMPLES)}
    assert max(abs(apart[50][0]), abs(apart[200][0])) < 0.025
    assert 0 < (apart[800][0] + apart[1437][0]) / 2 < 0.03
    assert 0 < (apart[800][1] + apart[1437][1]) / 2 < 0.04
    assert max(local["shared"][-1, :, 2].mean(), local["not shared"][-1, :, 2].mean()) < 0.4

# %% [markdown]
# A network with an eleventh of the parameters is as good with few samples, and a point better with 800 and more: that much of the claim shows.
# That it needs fewer samples does not: with 50 and 200 digits the two cannot be told apart. Nor does sharing alone make a network that tolerates motion: the map
# moves along, but the linear output has weights for each place. Both read few of the digits that moved by two pixels; the
# shared network one or two points more of those that moved by one.
#
# ## What you should have seen
#
# - ReLU against tanh: with the best rate for each, tanh is at 10 % training error after 4.7 epochs, ReLU after 7.3. AlexNet's claim, six times
#   sooner with ReLU, does not show on small digits from Xavier's weights. Where tanh saturates, it is slow as the paper says.
# - Two 3x3 convolutions see what one 5x5 sees, with 18/25 of the weights. Here they are not better: 93.1 % and 94.4 % of the test digits.
# - Sharing kernels saves ten parameters of eleven and costs nothing: the same accuracy with up to 200 digits, 1 % more from 800 on.
# - A claim is made of an experiment. On other data, at another size, with weights that are drawn otherwise it is a question again.
