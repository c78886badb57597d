# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   full_run: five minutes
# ---

# %% [markdown]
# # Transfer learning
#
# What a network learns first is of use for more than its own task: edges, strokes, what belongs to a thing and what to the background.
# So a network that has learned one task from many samples is a good beginning for another one that has few:
#
# 1. load its weights,
# 2. replace the head, the last layer, which knows the old classes,
# 3. freeze all else, and train the head,
# 4. unfreeze, and train everything a little, the old layers at a small rate.
#
# Here the old task is to find which of the digits 0-4 is somewhere on a photograph, with 2,880 pictures to learn from. The new task is
# the same for 5-9, with 1 to 20 pictures of each. How much better is a network that starts with the old weights than the same one
# that starts from zero?
#
# (`MINIGRAD_TUTORIAL_EPOCHS` shortens the training; the pictures go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.data import DataLoader, RandomAffine, digits, scenes
from minigrad.functional import cross_entropy
from minigrad.io import load, save
from minigrad.optim import Adam
from minigrad.optim.schedule import Cosine
from minigrad.training import evaluate, fit, predict

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "8"))
FULL = EPOCHS >= 8
IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")
STEPS = 120 if FULL else 4
COPIES = 4 if FULL else 1
OTHERS = 500 if FULL else 50


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


# %% [markdown]
# ## Two tasks
#
# Five classes each. Each digit is on four photographs. Of those, the new task's training has one a digit, so that its few samples
# are different digits. The test pictures have other digits, and other photographs, than the training pictures.

# %%
OLD, NEW = range(5), range(5, 10)


def task(dataset, classes):
    """The images of some classes, and their labels, counted from 0."""
    images, labels = dataset.arrays[:2]
    chosen = np.isin(labels, classes)
    return images[chosen], labels[chosen] - classes[0]


train, test = scenes(size=24, copies=COPIES)
old, old_test = task(train, OLD), task(test, OLD)
new, new_test = tuple(array[::COPIES] for array in task(train, NEW)), task(test, NEW)
print(f"old task: {len(old[1]):,} pictures to train on; new task: {len(new_test[1])} to test on")

# %%
figure, panels = plt.subplots(2, 8, figsize=(9, 2.7), layout="constrained")
for row, ((images, labels), classes) in zip(panels, ((old, OLD), (new, NEW)), strict=True):
    for panel, i in zip(row, range(0, 8 * 37, 37), strict=True):
        panel.imshow(images[i].transpose(1, 2, 0))
        panel.set_title(labels[i] + classes[0])
        panel.set(xticks=[], yticks=[])
panels[0, 0].set_ylabel("old task")
panels[1, 0].set_ylabel("new task")
keep(figure, "transfer_tasks")

# %% [markdown]
# ![eight pictures of each task](images/transfer_tasks.png)
#
# Is there anything to transfer? On a clean page hardly: there, comparing *pixels* with the mean of five samples of each class is a good
# classifier already, without any learning. On photographs it is not, and learning what to look at takes many samples.


# %%
def few(samples, seed, data):
    """So many samples of each class, and some of the others."""
    images, labels = data
    rng = np.random.default_rng(seed)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:samples] for c in range(5)])
    others = rng.permutation(np.setdiff1d(np.arange(len(labels)), chosen))[:OTHERS]
    return (images[chosen], labels[chosen]), (images[others], labels[others])


def nearest_mean(data, tested):
    """The share of the images whose pixels are nearest to the mean of their own class."""
    means = np.stack([data[0][data[1] == c].mean(axis=0) for c in range(5)])
    distances = ((tested[0][:, None] - means) ** 2).sum(axis=(2, 3, 4))
    return np.mean(distances.argmin(axis=1) == tested[1])


page, page_test = (task(part, NEW) for part in digits(size=8))
by_pixels = {
    "clean page": np.mean([nearest_mean(few(5, seed, page)[0], page_test) for seed in range(5)]),
    "photographs": np.mean([nearest_mean(few(5, seed, new)[0], new_test) for seed in range(5)]),
}
print("right by comparing pixels:", {name: f"{share:.1%}" for name, share in by_pixels.items()})
assert by_pixels["clean page"] > 0.75
assert by_pixels["photographs"] < 0.3

# %% [markdown]
# ## The old task
#
# A small convolution network. The maximum over the whole picture, at the end of the features, says *whether* something is
# there, wherever it is.


# %%
class Network(nn.Module):
    """Features, and a head with a score for each class."""

    def __init__(self):
        def block(inputs, outputs):
            return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()

        self.features = nn.Sequential(
            *block(3, 16),
            nn.MaxPool2d(2),
            *block(16, 32),
            nn.MaxPool2d(2),
            *block(32, 64),
            nn.GlobalMaxPool2d(),
            nn.Flatten(),
        )
        self.head = nn.Linear(64, 5)

    def forward(self, x):
        return self.head(self.features(x))


mg.seed(0)
source = Network()
history = fit(
    source,
    DataLoader(old, batch_size=64, shuffle=True, seed=0),
    loss=cross_entropy,
    optimizer=Adam(source.parameters(), lr=0.003),
    schedule=Cosine(),
    epochs=EPOCHS,
    test=old_test,
)
print(f"old task, test accuracy {history.last['test_accuracy']:.1%}")
if FULL:
    assert history.last["test_accuracy"] > 0.9

# %% [markdown]
# Its weights go into a file, in the safetensors format, which PyTorch and others read and write as well.

# %%
folder = TemporaryDirectory()
WEIGHTS = Path(folder.name) / "old.safetensors"
save(WEIGHTS, source.state_dict(), {"classes": "0 1 2 3 4"})

# %% [markdown]
# ## The four steps
#
# Loading, and a new head:


# %%
def transferred():
    """The old features, and a new head."""
    model = Network()
    arrays, _ = load(WEIGHTS)
    model.load_state_dict(arrays)
    model.head = nn.Linear(64, 5)
    return model


def fitted(model, data, groups, seed, moves=None, steps=STEPS):
    """Train a model for so many steps on samples of the new task."""
    loader = DataLoader(data, batch_size=min(25, len(data[1])), shuffle=True, seed=seed, transform=moves)
    epochs = max(1, steps // len(loader))
    fit(model, loader, loss=cross_entropy, optimizer=Adam(groups), schedule=Cosine(), epochs=epochs)
    return model


# %% [markdown]
# Frozen features give the same numbers in each epoch, so they are computed once. That also spares a trap: `freeze` stops the
# gradients, but a batch normalization in training mode would still move its means and variances; `predict` runs the model in
# evaluation mode.


# %%
def head_trained(data, rate, seed):
    """Steps 1 to 3: only the head, on features that stay as they are."""
    model = transferred()
    model.features.freeze()
    features, labels = predict(model.features, data)
    fitted(model.head, (features, labels), [{"params": model.head.parameters(), "lr": rate}], seed)
    return model


# %% [markdown]
# Then everything, in two groups of parameters with a rate each. A head that is trained already does not upset the features with the
# gradients of its random beginning (Kumar et al. 2022, arXiv:2202.10054).

# %%
MOVES = RandomAffine(degrees=12, translate=0.15, scale=(0.85, 1.15))


def all_trained(data, rate, seed):
    """Steps 1 to 4: the head, then all of it, the features at 0.3 of the head's rate."""
    model = head_trained(data, 0.01, seed)
    model.features.unfreeze()
    groups = [
        {"params": model.features.parameters(), "lr": 0.3 * rate},
        {"params": model.head.parameters(), "lr": rate},
    ]
    return fitted(model, data, groups, seed, MOVES)


def from_zero(data, rate, seed, steps=STEPS):
    """The same network with no past."""
    model = Network()
    return fitted(model, data, [{"params": model.parameters(), "lr": rate}], seed, MOVES, steps)


mg.seed(0)
data, others = few(5, 0, new)
model = head_trained(data, 0.01, 0)
for name, array in model.features.state_dict().items():
    assert np.array_equal(array, source.features.state_dict()[name])
assert not any(p.requires_grad for p in model.features.parameters())
assert all(p.requires_grad for p in model.head.parameters())
assert sum(p.size for p in model.head.parameters()) == 325
assert sum(p.size for p in model.parameters()) == 24_133

# %% [markdown]
# ## A fair race
#
# All three get the same samples. Those that train features also get the same moved copies and the same number of steps. Each
# method's rate is chosen for each number of samples, from the same three, by *training* pictures that were not among the samples.

# %%
METHODS = {"from zero": from_zero, "head only": head_trained, "head, then all": all_trained}
SAMPLES = (1, 2, 5, 10, 20) if FULL else (1, 5)
RATES = (0.001, 0.003, 0.01) if FULL else (0.003, 0.01)
SEARCH, SEEDS = (range(100, 102), range(5)) if FULL else (range(100, 101), range(1))


def accuracy(method, samples, rate, seed, tested=None):
    """Of a model trained with samples and weights of this seed: with the test pictures, or with the other training pictures."""
    data, others = few(samples, seed, new)
    mg.seed(seed)
    return evaluate(METHODS[method](data, rate, seed), tested or others, cross_entropy)["accuracy"]


def best_rate(method, samples):
    found = [np.mean([accuracy(method, samples, rate, seed) for seed in SEARCH]) for rate in RATES]
    return RATES[int(np.argmax(found))]


rates = {(method, samples): best_rate(method, samples) for method in METHODS for samples in SAMPLES}
scores = {
    (method, samples): 100 * np.array([accuracy(method, samples, rate, seed, new_test) for seed in SEEDS])
    for (method, samples), rate in rates.items()
}
for (method, samples), found in scores.items():
    print(
        f"{method:15} {samples:3} a class: {found.mean():5.1f} % +- {found.std():4.1f}   (rate {rates[method, samples]})"
    )

# %%
STYLES = {"from zero": ("#666666", "s--"), "head only": ("#D55E00", "^-"), "head, then all": ("#0072B2", "o-")}
figure, panel = plt.subplots(figsize=(8, 4), layout="constrained")
for i, (method, (color, style)) in enumerate(STYLES.items()):
    x = np.array(SAMPLES) * 1.05 ** (i - 1)
    mean = [scores[method, samples].mean() for samples in SAMPLES]
    panel.plot(x, mean, style, color=color, label=method)
    for at, samples in zip(x, SAMPLES, strict=True):
        panel.plot([at] * len(SEEDS), scores[method, samples], ".", color=color, alpha=0.5, markersize=5)
panel.axhline(20, color="black", linestyle=":", linewidth=1)
panel.text(SAMPLES[-1], 18.5, "guessing", ha="right", va="top", fontsize=9)
panel.set(xscale="log", xlabel="samples of each class", ylabel="test accuracy (%)", ylim=(10, 100))
panel.set_xticks(SAMPLES, [str(samples) for samples in SAMPLES])
panel.minorticks_off()
panel.grid(alpha=0.3)
panel.legend(loc="upper left")
keep(figure, "transfer_scores")

# %% [markdown]
# ![test accuracy of three methods against the number of samples](images/transfer_scores.png)
#
# A dot is one choice of samples and of initial weights, a line goes through the means. With the old weights, one or two samples of each
# class tell more than guessing; from zero they do not. While samples are that few, the head alone does about as well as all of it: 325
# parameters instead of 24,133. With more of them it pays to train the features as well.

# %%
if FULL:
    for samples in SAMPLES:
        zero, head, both = (scores[method, samples] for method in METHODS)
        assert head.mean() > zero.mean()
        assert both.mean() > zero.mean() + 5
        assert (both > zero).all()
    for samples in (1, 2):
        assert abs(scores["from zero", samples].mean() - 20) < 5
    assert scores["head, then all", 5].mean() > scores["from zero", 20].mean()
    for samples in (10, 20):
        assert scores["head, then all", samples].mean() > scores["head only", samples].mean() + 5

# %% [markdown]
# Does the network from zero only need more time? Five samples of each class, and three times the steps:

# %%
longer = []
for seed in SEEDS:
    data, _ = few(5, seed, new)
    mg.seed(seed)
    model = from_zero(data, rates["from zero", 5], seed, steps=3 * STEPS)
    longer.append(100 * evaluate(model, new_test, cross_entropy)["accuracy"])
print(f"from zero, {3 * STEPS} steps: {np.mean(longer):.1f} % +- {np.std(longer):.1f}")
if FULL:
    assert (scores["head, then all", 5] > longer).all()
folder.cleanup()

# %% [markdown]
# ## What you should have seen
#
# - The old weights help at every number of samples. Test accuracy, the mean over five choices of samples and initial weights:
#
#   | samples of each class | 1 | 2 | 5 | 10 | 20 |
#   |---|---|---|---|---|---|
#   | from zero | 21.1 % | 21.1 % | 30.6 % | 37.9 % | 48.4 % |
#   | old features, head only | 31.4 % | 35.0 % | 48.0 % | 52.4 % | 54.8 % |
#   | old features, head, then all | 32.0 % | 37.7 % | 52.5 % | 65.5 % | 72.5 % |
#
# - Five samples of each class with the old weights are worth more than twenty without them.
# - With one or two samples the network from zero guesses, and the frozen features are about as good as trained ones. From ten
#   samples on, training the features too is better by far.
# - More steps do not help the network from zero: it gets 31.9 % from five samples of each class with three times as many.
# - It helps because there is something to learn that both tasks share. On a clean page, where comparing pixels gets 90.7 % from five
#   samples of each class, there is little left for the old weights to bring; on photographs it gets 19.3 %, which is guessing.
