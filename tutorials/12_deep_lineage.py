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
# # The lineage, continued: how deep networks came to learn
#
# From 2012 to 2015 the networks of the lineage went from 8 layers to 152. More layers can say more; but first the gradient has to reach
# them, and the training has to find its way. Two remedies are tried again here, on small networks and handwritten digits:
#
# - GoogLeNet (2014): auxiliary classifiers bring gradients to the early layers,
# - ResNet (2015): with shortcuts a deep network trains better than a shallow one; without, worse.
#
# Three claims of shallower networks are in tutorial 10; batch normalization, which belongs between these two, is in tutorial 06.
#
# (`MINIGRAD_TUTORIAL_EPOCHS` shortens the training; the pictures go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from minigrad_models.googlenet import GoogLeNet, GoogLeNetOriginal, PlainConv2d
from minigrad_models.resnet_cifar import CifarResNet

import minigrad as mg
from minigrad.data import DataLoader, digits
from minigrad.functional import cross_entropy
from minigrad.optim import SGD, Adam
from minigrad.training import fit

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "16"))
FULL = EPOCHS >= 16
IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
BLUE, VERMILION = "#0072B2", "#D55E00"


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


def norm(parameters):
    """The common norm of the gradients of all weights; biases are left out."""
    return np.sqrt(sum((p.grad.numpy().astype(float) ** 2).sum() for p in parameters if p.ndim > 1))


train, _ = digits(size=16)
images, labels = (mg.Tensor(part) for part in train[np.arange(128)])

# %% [markdown]
# ## Auxiliary classifiers
#
# GoogLeNet has 22 layers with weights, and three outputs: the last one, and two auxiliary classifiers, behind the modules 4a and 4d. In training their
# losses are added, with a factor of 0.3; afterward they are not used. They should make the gradient in the layers before them larger. How large is
# it in each stage, for one batch of 128 digits, with the auxiliary losses and without?
#
# This depends on the weights at the start. Three forms of the small network, an eighth as wide as the paper's (and without dropout, so that
# both losses see the same network):
#
# - *deviation 0.01*: weights as AlexNet's, without batch norm,
# - *by fan-in*: weights of variance 1 / fan-in, biases of 0.2, as in Caffe's GoogLeNet, without batch norm,
# - *batch norm*: the form that is used today.


# %%
class Small(GoogLeNet):
    """For digits of 16 x 16."""

    def __init__(self, divisor=8, aux_logits=True):
        super().__init__(10, aux_logits, in_channels=1, divisor=divisor, small_images=True, dropout=0, dropout_aux=0)


class Deviation(Small):
    conv = PlainConv2d
    wide_kernel = 5


class FanIn(Deviation):
    draw_weights = GoogLeNetOriginal.draw_weights


FORMS = {"deviation 0.01": Deviation, "by fan-in": FanIn, "batch norm": Small}
MODULES = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
STAGES = {name: name for name in ("conv1", "conv2", "conv3")} | {name: f"inception{name}" for name in MODULES}


def stage_norms(form, seed, auxiliary):
    """The norm of the gradient in each stage, the first one's first."""
    mg.seed(seed)
    model = form()
    outputs = model(images)
    loss = model.loss(outputs, labels) if auxiliary else cross_entropy(outputs.logits, labels)
    loss.backward()
    return [norm(getattr(model, name).parameters()) for name in STAGES.values()]


norms = {
    (form, auxiliary): np.array([stage_norms(FORMS[form], seed, auxiliary) for seed in range(3)])
    for form in FORMS
    for auxiliary in (True, False)
}
gain = {form: (norms[form, True] / norms[form, False])[:, :5] for form in FORMS}
for form in FORMS:
    first = norms[form, False][:, 0]
    print(f"{form:15} gradient of conv1, from each seed:", " ".join(f"{value:.0e}" for value in first), end="")
    print(f"; conv1 to 3b with auxiliary losses: times {gain[form].min():.2g} to {gain[form].max():.2g}")

# %%
figure, panels = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
for panel, form in zip(panels, FORMS, strict=True):
    for auxiliary, color, line in ((True, BLUE, "o-"), (False, VERMILION, "s--")):
        label = "with auxiliary losses" if auxiliary else "without"
        panel.plot(list(STAGES), norms[form, auxiliary].T, line, color=color, markersize=3.5, linewidth=1)
        panel.plot([], [], line, color=color, markersize=3.5, label=label)
    panel.set(title=form, yscale="log")
    panel.tick_params(axis="x", rotation=90)
    panel.grid(alpha=0.3)
panels[0].set_ylabel("norm of the gradient")
panels[0].legend()
keep(figure, "lineage_auxiliary")

# %% [markdown]
# ![the norm of the gradient in each stage, with and without auxiliary losses](images/lineage_auxiliary.png)
#
# (Three seeds each; each panel has a scale of its own.) Three answers to one question:
#
# - With weights of deviation 0.01 the gradients of the early layers become a hundred thousand times larger and more. It does not help:
#   $10^{-13}$ or so is nothing, as $10^{-19}$ was.
# - With GoogLeNet's own weights they become a few times larger. This is where the claim holds: what the early layers get, they get mostly from the
#   auxiliary classifiers.
# - With batch norm the gradient does not vanish towards the input, it grows, and auxiliary losses add nothing that could be seen
#   (the lines lie on each other).

# %%
assert gain["deviation 0.01"].min() > 1e4
assert norms["deviation 0.01", True][:, 0].max() < 1e-10
assert 1.5 < gain["by fan-in"].min() < gain["by fan-in"].max() < 20
assert 0.9 < gain["batch norm"].min() < gain["batch norm"].max() < 1.1
assert (norms["batch norm", False][:, 0] > norms["batch norm", False][:, -1]).all()

# %% [markdown]
# Does the form in the middle also learn sooner? A sixteenth as wide, 512 digits, Adam with two learning rates, from each of three seeds.

# %%
SEEDS = range(3) if FULL else range(1)
ADAM_RATES = [0.002, 0.005] if FULL else [0.005]


def errors(model, data, loss, optimizer, seed, batch_size):
    """The share of the training digits that was read wrong, an epoch."""
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, seed=seed)
    return 1 - np.array(fit(model, loader, loss=loss, optimizer=optimizer, epochs=EPOCHS)["accuracy"])


def trained_googlenet(auxiliary, lr, seed):
    mg.seed(seed)
    model = FanIn(16, auxiliary)
    part = train[np.arange(512 if FULL else 256)]
    return errors(model, part, model.loss, Adam(model.parameters(), lr=lr), seed, 32)


googlenets = {
    (auxiliary, lr): np.array([trained_googlenet(auxiliary, lr, seed) for seed in SEEDS])
    for lr in ADAM_RATES
    for auxiliary in (True, False)
}
for (auxiliary, lr), found in googlenets.items():
    print(f"rate {lr}, {'with' if auxiliary else 'without':7} auxiliary classifiers: error", end=" ")
    print(f"{found[:, -1].mean():.0%}, from each seed", " ".join(f"{value:.0%}" for value in found[:, -1]))

# %% [markdown]
# Perhaps. In the mean the networks with auxiliary classifiers are ahead, at both rates, by about a tenth of the digits. But the seeds of one kind lie as far apart
# as 40 % of the digits, and three of them do not settle it.

# %%
if FULL:
    ahead = np.mean([googlenets[False, lr][:, -1] - googlenets[True, lr][:, -1] for lr in ADAM_RATES])
    print(f"with auxiliary classifiers the error is {100 * ahead:.0f} points smaller, in the mean of all")
    assert ahead > -0.05
    assert max(found[:, -1].max() for found in googlenets.values()) < 0.8

# %% [markdown]
# ## Shortcuts
#
# He and his colleagues trained networks of 20 and of 56 layers, with batch norm, He's weights and every care. The deeper one had the larger error,
# already on the *training* images: so it was not over-fitting. A deeper network could copy the shallower one and do nothing in the other layers, but
# the training does not find that. With shortcuts, $F(x) + x$ instead of $F(x)$, to do nothing is the easiest of all: $F = 0$.
#
# The same four networks, a quarter as wide, with 720 digits, at one learning rate. Shortcuts have no parameters.

# %%
KINDS = {"plain": False, "residual": True}
DEPTHS = [20, 56]


def resnet(kind, depth, seed):
    mg.seed(seed)
    return CifarResNet(depth, in_channels=1, width=4, residual=KINDS[kind])


for depth in DEPTHS:
    counts = {sum(p.size for p in resnet(kind, depth, 0).parameters()) for kind in KINDS}
    assert len(counts) == 1
    print(f"depth {depth}: {counts.pop():,} parameters, with shortcuts and without")


# %%
def trained_resnet(kind, depth, seed):
    model = resnet(kind, depth, seed)
    optimizer = SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
    return errors(model, train[np.arange(720 if FULL else 128)], cross_entropy, optimizer, seed, 64)


DEEP_SEEDS = range(2) if FULL else range(1)
resnets = {
    (kind, depth): np.array([trained_resnet(kind, depth, seed) for seed in DEEP_SEEDS])
    for depth in DEPTHS
    for kind in KINDS
}
for (kind, depth), found in resnets.items():
    print(f"{kind:8} {depth} training error", " ".join(f"{value:.1%}" for value in found[:, -1]))

# %%
figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
for panel, kind in zip(panels, KINDS, strict=True):
    for depth, color, line in ((20, BLUE, "o-"), (56, VERMILION, "s--")):
        for i, found in enumerate(resnets[kind, depth]):
            look = {"color": color, "markersize": 4, "alpha": 0.8, "label": None if i else f"{depth} layers"}
            panel.plot(range(1, EPOCHS + 1), 100 * found, line, **look)
    panel.set(title=kind, xlabel="epoch", ylim=(-3, 100))
    panel.grid(alpha=0.3)
panels[0].set_ylabel("training error, %")
panels[0].legend(loc="lower left")
keep(figure, "lineage_residual")

# %% [markdown]
# ![training error of plain and residual networks, at depth 20 and 56](images/lineage_residual.png)

# %%
end = {case: found[:, -1] for case, found in resnets.items()}
if FULL:
    assert end["plain", 56].min() > end["plain", 20].max() + 0.2
    assert end["residual", 20].max() < 0.08
    assert end["residual", 56].max() < 0.08
    assert end["plain", 20].mean() > end["residual", 20].mean()

# %% [markdown]
# Without shortcuts, depth does harm: after 16 epochs the plain network of 20 layers misreads 9 % of the digits that it was trained on, the
# one of 56 layers 73 %. With shortcuts it does none: both are near 1 %. (That the deeper residual network is *better*, as the paper
# has it, does not show: 20 layers are enough for these digits. And 16 epochs are a beginning. The paper takes 64,000 steps, these are 192,
# and its plain network of 56 layers ends closer to that of 20.)
#
# Is this the vanishing gradient again? At the start, the norm of the first convolution's gradient, and that of the last one's:

# %%
starts = {}
for kind, depth in resnets:
    model = resnet(kind, depth, 0)
    cross_entropy(model(images), labels).backward()
    first, *_, last = (norm([p]) for p in model.parameters() if p.ndim == 4)
    starts[kind, depth] = first / last
    print(f"{kind:8} {depth} first {first:.2g}, last {last:.2g}: a factor of {first / last:,.0f}")
assert starts["plain", 56] > 100
assert 1 < starts["residual", 56] < 50
assert 1 < starts["plain", 20] < 50

# %% [markdown]
# No: batch norm has seen to that. In the plain network of 56 layers the gradient *grows* towards the input, by a factor of more than a thousand, so
# that no one learning rate is right for all layers. With shortcuts the factor is about 11.
#
# ## What you should have seen
#
# - Auxiliary losses multiply the gradient in GoogLeNet's early layers by 2 to 8, from weights as GoogLeNet's. From weights that are much too
#   small they multiply it by a hundred thousand and more, in vain; and with batch norm by 1. They belong to the time before it.
# - Whether GoogLeNet's small form learns sooner with them, three seeds did not settle.
# - Without shortcuts, 56 layers learn worse than 20, measured by the training error (73 % and 9 %), though they have batch norm and
#   no vanishing gradient. With shortcuts both learn (1 %), with as many parameters.
