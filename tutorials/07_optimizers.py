# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   full_run: a minute
# ---

# %% [markdown]
# # Optimizers
#
# The gradient says which way is down. What to make of it is the optimizer's choice: SGD, momentum, Nesterov's momentum, Adagrad, RMSprop and
# Adam are six answers. Here their paths are drawn on surfaces over two numbers, where everything can be seen, and then they train a
# network on real digits, where it counts. Each gets the learning rate that is best for it, out of a grid: a comparison at one
# common rate compares the rate.
#
# (`MINIGRAD_TUTORIAL_EPOCHS` shortens the training; the pictures go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import math
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import ArrayDataset, DataLoader, digits, stratified_split
from minigrad.errors import NonFiniteError
from minigrad.functional import cross_entropy
from minigrad.optim import SGD, Adagrad, Adam, RMSprop
from minigrad.training import evaluate, fit
from minigrad.viz import descend, plot_paths

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "20"))
FULL = EPOCHS >= 20
IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


# %% [markdown]
# ## Six rules
#
# $g$ is the gradient, $\eta$ the learning rate, and a parameter $p$ becomes
#
# - SGD: $p - \eta g$.
# - Momentum: $p - \eta v$, where $v$ becomes $0.9\,v + g$: the last directions still count.
# - Nesterov: $p - \eta (g + 0.9\,v)$ with the same $v$: one step ahead.
# - Adagrad: $p - \eta g / \sqrt{s}$, where $s$ is the sum of all $g^2$ so far, for each number by itself.
# - RMSprop: the same with a running mean of $g^2$, which forgets.
# - Adam: a running mean of $g$ over the root of a running mean of $g^2$, both corrected for their start at 0.
#
# Only the learning rate is chosen here. All else is as PyTorch has it, and 0.9 for the momentum.

# %%
OPTIMIZERS = {
    "SGD": SGD,
    "momentum": lambda parameters, lr: SGD(parameters, lr, momentum=0.9),
    "Nesterov": lambda parameters, lr: SGD(parameters, lr, momentum=0.9, nesterov=True),
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
}
LOOKS = dict(
    zip(
        OPTIMIZERS,
        [("#000000", "o"), ("#0072B2", "s"), ("#56B4E9", "^"), ("#D55E00", "v"), ("#E69F00", "D"), ("#009E73", "x")],
        strict=True,
    )
)

# %% [markdown]
# ## Four surfaces
#
# - *bowl*: $x^2/20 + y^2$, 20 times as steep across as along.
# - *turned*: the same bowl, and the same start in it, turned by 45 degrees.
# - *long*: $x^2/200 + y^2$.
# - *saddle*: $y^2 - x^2/20 + x^4/360$, with a saddle at 0 and minima of -0.225 at $x = \pm 3$. The start lies nearly above the saddle.
#
# Each with a start, and a value that counts as having arrived.

# %%
HALF = math.sqrt(0.5)


def bowl(x, y):
    return x**2 / 20 + y**2


SURFACES = {
    "bowl": (bowl, (-7, 2), 0.01),
    "turned": (lambda x, y: bowl(HALF * (x + y), HALF * (y - x)), (HALF * (-7 - 2), HALF * (-7 + 2)), 0.01),
    "long": (lambda x, y: x**2 / 200 + y**2, (-7, 2), 0.001),
    "saddle": (lambda x, y: y**2 - x**2 / 20 + x**4 / 360, (0.01, 2), -0.22),
}
STEPS = 500 if FULL else 100
GRID = 10 ** (np.arange(-12, 3, 1 if FULL else 3) / 4)


def walk(optimizer, surface, lr):
    """The points of a path (steps + 1, 2), and the surface's value at each; both end where the path flies off."""
    f, start, _ = SURFACES[surface]
    return descend(f, start, lambda p: OPTIMIZERS[optimizer](p, lr=float(lr)), steps=STEPS, limit=100)


def arrival(values, surface):
    """The number of steps after which the value is low enough and stays so; infinite if it does not."""
    above = np.flatnonzero(~(values <= SURFACES[surface][2]))
    if above.size and above[-1] == len(values) - 1:
        return math.inf
    return int(above[-1]) + 1


# %% [markdown]
# The first step already shows the two families. At the start of the bowl the gradient is (-0.7, 4), and SGD's step goes along it, nearly
# six times as far across the valley as along it. The three that divide by the size of the gradient go equally far in both. (RMSprop's is ten
# times as long as Adam's: its mean begins at 0 and is not corrected for that.)

# %%
first = {name: np.diff(walk(name, "bowl", 0.1)[0][:2], axis=0)[0] for name in OPTIMIZERS}
for name, (along, across) in first.items():
    print(f"{name:9} first step at rate 0.1: along {along:+.3f}, across {across:+.3f}")
for name in ("SGD", "momentum", "Nesterov"):
    assert np.isclose(-first[name][1] / first[name][0], 4 / 0.7, rtol=1e-4)
for name in ("Adagrad", "RMSprop", "Adam"):
    assert np.isclose(-first[name][1] / first[name][0], 1, rtol=1e-4)
assert np.isclose(first["RMSprop"][0] / first["Adam"][0], 10, rtol=1e-4)

# %% [markdown]
# ## Paths
#
# Each optimizer takes each of 15 rates from 0.001 to 3.2, four in a factor of ten, for 500 steps. The one that arrives soonest
# is its rate on that surface.

# %%
walks = {(surface, name): {lr: walk(name, surface, lr) for lr in GRID} for surface in SURFACES for name in OPTIMIZERS}
arrivals = {
    (surface, name): {lr: arrival(values, surface) for lr, (_, values) in found.items()}
    for (surface, name), found in walks.items()
}
rate = {case: min(found, key=found.get) for case, found in arrivals.items()}
steps = {case: found[rate[case]] for case, found in arrivals.items()}

print(f"{'steps (rate)':12}", *(f"{surface:>15}" for surface in SURFACES))
for name in OPTIMIZERS:
    cells = [f"{steps[surface, name]} ({rate[surface, name]:.3f})" for surface in SURFACES]
    print(f"{name:12}", *(f"{cell:>15}" for cell in cells))


# %%
def draw_paths(surface, x, y, minimum):
    """A panel an optimizer: its path at its rate, until it has arrived."""
    figure, panels = plt.subplots(2, 3, figsize=(9, 4.6), sharex=True, sharey=True, layout="constrained")
    for panel, name in zip(panels.flat, OPTIMIZERS, strict=True):
        points = walks[surface, name][rate[surface, name]].points[: min(steps[surface, name], STEPS) + 1]
        plot_paths(SURFACES[surface][0], {name: points}, panel, x=x, y=y, minimum=minimum)
        panel.get_legend().remove()
        panel.set_title(f"{name}: {steps[surface, name]} steps at {rate[surface, name]:.2g}", loc="left", size=10)
        panel.label_outer()
    return figure


figure = draw_paths("bowl", (-9, 9), (-3, 3), (0, 0))
keep(figure, "optimizer_bowl")

# %% [markdown]
# ![the paths of six optimizers on an elongated bowl](images/optimizer_bowl.png)
#
# A circle is the start and a star the minimum; dark is high. The steep direction limits SGD's rate: above 1, each bounce across the valley is higher than
# the last. At what is left it creeps along. Momentum 0.9 is no gain here. It is one where the valley is long: at ten times the
# ratio SGD needs ten times the steps, and momentum 1.4 times.

# %%
if FULL:
    assert all(found == math.inf for lr, found in arrivals["bowl", "SGD"].items() if lr > 1)
    assert steps["bowl", "momentum"] >= steps["bowl", "SGD"]
    assert 8 < steps["long", "SGD"] / steps["bowl", "SGD"] < 12
    assert 1.2 < steps["long", "momentum"] / steps["bowl", "momentum"] < 1.8
    assert steps["long", "SGD"] > 5 * steps["long", "momentum"] > 5 * steps["long", "Nesterov"]

# %% [markdown]
# Adagrad and RMSprop are the fastest by far on the bowl (and Adagrad's rate is the end of the grid, so it might be faster yet). But
# they work on each number by itself, and it is the bowl's axes that make this the right thing to do. On the turned bowl SGD and
# both momenta go the same way as before, turned. Adagrad and RMSprop lose what they had gained.

# %%
for name in ("SGD", "momentum", "Nesterov"):
    straight, turned = (walk(name, surface, 0.1)[0] for surface in ("bowl", "turned"))
    x, y = turned.T
    assert np.allclose(straight, np.stack([HALF * (x + y), HALF * (y - x)], axis=1), atol=1e-4)
if FULL:
    for name in ("Adagrad", "RMSprop"):
        assert steps["bowl", name] < 0.6 * min(
            steps["bowl", other] for other in OPTIMIZERS if other not in ("Adagrad", "RMSprop")
        )
        assert steps["turned", name] > 5 * steps["bowl", name]
    for name in ("SGD", "momentum", "Nesterov"):
        assert abs(steps["turned", name] - steps["bowl", name]) <= 1

# %%
figure = draw_paths("saddle", (-1.5, 5.5), (-2.5, 2.5), (3, 0))
keep(figure, "optimizer_saddle")

# %% [markdown]
# ![the paths of six optimizers over a saddle](images/optimizer_saddle.png)
#
# Near a saddle the gradient is small, and so is a step that is proportional to it: SGD stays longest. Momentum
# gathers speed. A step that is divided by the size of the gradient is not small at all.

# %%
if FULL:
    assert steps["saddle", "SGD"] == max(steps["saddle", name] for name in OPTIMIZERS)
    assert steps["saddle", "SGD"] > 1.5 * steps["saddle", "momentum"]
    assert max(steps["saddle", "Adagrad"], steps["saddle", "RMSprop"]) < 10

# %% [markdown]
# These rates are the best of a grid for this very start on this very surface, so the numbers say what is possible, not what to expect. How
# hard a good rate is to find shows in how many of the 15 arrive at all: at most a third of them for SGD, more than half for Adam, on each
# surface.
#
# RMSprop is quick on the bowl with a rate of 0.18. With the next one, 0.32, it arrives about as soon, but does not stay: its mean of $g^2$ forgets, and
# near the minimum it sinks with the gradients, until the rate over its root is too large for the steep direction, and the path
# flies up again. At 0.18 $y$ had become exactly 0 before that.

# %%
arrived = {case: sum(found < math.inf for found in table.values()) for case, table in arrivals.items()}
print(f"{'arriving':12}", *(f"{surface:>8}" for surface in SURFACES))
for name in OPTIMIZERS:
    print(f"{name:12}", *(f"{arrived[surface, name]:8}" for surface in SURFACES))
if FULL:
    for surface in SURFACES:
        assert arrived[surface, "SGD"] <= len(GRID) / 3
        assert arrived[surface, "Adam"] > len(GRID) / 2
    points, _ = walks["bowl", "RMSprop"][GRID[9]]
    _, values = walks["bowl", "RMSprop"][GRID[10]]
    print(
        f"RMSprop at {GRID[10]:.2f}: at most {values[20:100].max():.0e} in steps 20 to 99, {values[200:].max():.0e} later"
    )
    assert points[-1, 1] == 0
    assert values[20:100].max() < 0.01 < values[200:].max()

# %% [markdown]
# ## Digits
#
# A network of two hidden layers of 64 units, and the digits. For the rates, a fifth of the *training* digits is put aside: each optimizer
# trains on the rest with each of 8 rates from 0.0003 to 1, for 10 epochs from 3 seeds, and its rate is the one with the lowest mean
# loss on the digits put aside. A training whose numbers stop being finite has an infinite loss. The test digits have no part in this.

# %%
train, test = digits(size=8)
most, aside = (ArrayDataset(*train[part]) for part in stratified_split(train.arrays[1], 0.2, seed=1))
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1] if FULL else [0.01, 0.1]
TRIES = range(3) if FULL else range(1)


def trained(optimizer, lr, data, epochs, seed):
    """A trained model, and its losses, one an epoch."""
    mg.seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    loader = DataLoader(data, batch_size=64, shuffle=True, seed=seed)
    stepper = OPTIMIZERS[optimizer](model.parameters(), lr=lr)
    return model, fit(model, loader, loss=cross_entropy, optimizer=stepper, epochs=epochs)["loss"]


def aside_loss(optimizer, lr, seed):
    try:
        model, _ = trained(optimizer, lr, most, min(EPOCHS, 10), seed)
    except NonFiniteError:
        return math.inf
    return evaluate(model, aside, cross_entropy)["loss"]


tuning = {name: {lr: np.mean([aside_loss(name, lr, seed) for seed in TRIES]) for lr in RATES} for name in OPTIMIZERS}
best = {name: min(found, key=found.get) for name, found in tuning.items()}
print(f"{'loss at rate':12}", *(f"{lr:>7}" for lr in RATES))
for name, found in tuning.items():
    print(f"{name:12}", *(f"{loss:7.3f}" for loss in found.values()), f"  best: {best[name]}")

# %% [markdown]
# The best rates differ by a factor of thirty. None lies at an end of the grid, where a better one might wait beyond. At Adam's rate of 0.01
# SGD has hardly begun to learn after ten epochs: a comparison there would be none.

# %%
if FULL:
    assert all(RATES[0] < lr < RATES[-1] for lr in best.values())
    assert best["SGD"] / best["Adam"] >= 10
    assert tuning["SGD"][best["Adam"]] > 1.5
    assert tuning["Adam"][best["Adam"]] < 0.25

# %% [markdown]
# Now each one trains on all training digits at its rate, from five seeds.

# %%
SEEDS = range(100, 105) if FULL else range(100, 101)
models = {name: [trained(name, best[name], train, EPOCHS, seed) for seed in SEEDS] for name in OPTIMIZERS}
losses = {name: np.array([loss for _, loss in found]) for name, found in models.items()}
accuracy = {
    name: np.array([evaluate(model, test, cross_entropy)["accuracy"] for model, _ in found])
    for name, found in models.items()
}
print(f"{'optimizer':10} {'rate':>5}  loss after 1, 3 and {EPOCHS} epochs   test accuracy, mean and range")
for name, found in losses.items():
    loss, shares = found.mean(axis=0), accuracy[name]
    print(
        f"{name:10} {best[name]:5}   {loss[0]:.3f}   {loss[2]:.3f}   {loss[-1]:.4f}          "
        f"{shares.mean():.1%}   {shares.min():.1%} to {shares.max():.1%}"
    )

# %%
figure, panel = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, found in losses.items():
    color, marker = LOOKS[name]
    panel.plot(
        range(1, EPOCHS + 1), found.mean(axis=0), f"{marker}-", color=color, markersize=4, label=f"{name}, {best[name]}"
    )
panel.set(
    xlabel="epoch", ylabel=f"training loss, mean of {len(SEEDS)} seeds", yscale="log", xticks=range(0, EPOCHS + 1, 2)
)
panel.grid(alpha=0.3)
panel.legend(title="optimizer, rate")
keep(figure, "optimizer_training")

# %% [markdown]
# ![the training losses of six optimizers](images/optimizer_training.png)
#
# Plain SGD is the slowest at first: after three epochs its loss is about twice the next one's, or more. In the end the six means of
# the test accuracy lie within two percentage points, and the other five within one: which of those is best, these trainings do
# not tell.

# %%
early = {name: found.mean(axis=0)[2] for name, found in losses.items()}
assert all(early["SGD"] > early[name] for name in OPTIMIZERS if name != "SGD")
if FULL:
    means = [shares.mean() for shares in accuracy.values()]
    assert all(early["SGD"] > 1.5 * early[name] for name in OPTIMIZERS if name != "SGD")
    assert min(means) > 0.95
    assert max(means) - min(means) < 0.02
    others = [shares.mean() for name, shares in accuracy.items() if name != "SGD"]
    assert max(others) - min(others) < 0.01

# %% [markdown]
# ## What you should have seen
#
# - SGD's steps follow the gradient, so the steepest direction limits its rate and the flattest one its progress: 48 steps on the bowl,
#   488 on one that is ten times as long, 119 past the saddle.
# - Momentum does not help on the short bowl (56 steps), and does on the long one (79; Nesterov 37).
# - Adagrad and RMSprop divide each number's step by the size of its gradients. Along the axes of the bowl that is very good (6 and 15
#   steps), and it is lost when the bowl is turned (43 and 289), which makes no difference to SGD and momentum.
# - On the digits the best rates go from 0.01 (Adam, RMSprop) to 0.3 (SGD), so each optimizer has to be tried at its own.
# - At those rates SGD is the slowest, with a mean test accuracy of 95.9 % after 20 epochs, and the other five end between 96.8 and
#   97.2 %: the rate matters far more than the choice among them.
