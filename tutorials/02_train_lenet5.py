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
# # Train LeNet-5 on real handwritten digits
#
# In 1998 LeNet-5 read the digits on a good part of the checks in the United States. Here it learns to read 1,797 digits that 43
# people wrote, in well under a minute, with nothing but NumPy underneath. `minigrad train lenet5` does all of this in one command;
# this page does it by hand, so that every piece can be seen and changed.
#
# (A run of the tests shortens the training by setting `MINIGRAD_TUTORIAL_EPOCHS`.)

# %%
import os

import numpy as np
from minigrad_models.lenet import LeNet5

import minigrad as mg
from minigrad.data import DataLoader, RandomAffine, digits
from minigrad.functional import cross_entropy
from minigrad.optim import SGD

EPOCHS = int(os.environ.get("MINIGRAD_TUTORIAL_EPOCHS", "15"))
mg.seed(0)

# %% [markdown]
# ## The data
#
# The digits come from scikit-learn as 8x8 pictures; `digits()` enlarges them to the 32x32 that LeNet-5 expects, and puts 360 of
# them aside, evenly over the classes. Those are never learned from.

# %%
train, test = digits()
images, labels = test[np.arange(5)]
assert len(train) == 1437
assert len(test) == 360
images.shape, labels


# %%
def show(image):
    """A picture as text: every second row, and characters for shades."""
    shades = np.clip((image[0, ::2] + 0.1) / 1.275 * 4.99, 0, 4).astype(int)
    print("\n".join("".join(" .:*#"[shade] for shade in row) for row in shades))


show(images[0])

# %% [markdown]
# ## The network
#
# Convolutions look for small shapes wherever they are, pooling makes the answer tolerant to shifts, and the linear layers at the
# end put the evidence together.

# %%
model = LeNet5()
model

# %%
for name, parameter in model.named_parameters():
    print(f"{name:24} {parameter.shape!s:18} {parameter.size:6,}")
assert sum(parameter.size for parameter in model.parameters()) == 61_706

# %% [markdown]
# ## One step, slowly
#
# A forward pass makes scores and a loss. An untrained network guesses, and the loss of guessing among ten classes is
# $\log 10 \approx 2.30$.

# %%
loader = DataLoader(train, batch_size=64, shuffle=True, transform=RandomAffine(degrees=10, translate=0.1, fill=-0.1))
x, target = next(iter(loader))
loss = cross_entropy(model(x), target)
assert abs(loss.item() - np.log(10)) < 0.2
loss

# %% [markdown]
# `backward` leaves a gradient at every parameter: how the loss would change with it. The optimizer takes a small step against it.

# %%
optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
loss.backward()
for name, parameter in model.named_parameters():
    print(f"{name:24} |gradient| = {np.linalg.norm(parameter.grad.data):.4f}")
optimizer.step()

# %% [markdown]
# ## All steps
#
# That is the whole of training: repeat it, with every picture turned, moved and scaled a little each time, so that the network
# never sees quite the same one twice. (In a program you would call `minigrad.training.fit`, which does this and reports on it.)


# %%
def test_accuracy():
    """The fraction of the test pictures that the model reads right."""
    images, labels = test[np.arange(len(test))]
    with mg.no_grad():
        scores = model(mg.Tensor(images))
    return (scores.numpy().argmax(axis=1) == labels).mean()


for epoch in range(EPOCHS):
    losses = []
    for x, target in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1:2}   loss {np.mean(losses):.4f}   test accuracy {test_accuracy():.2%}")

# %% [markdown]
# ## What it gets wrong

# %%
images, labels = test[np.arange(len(test))]
with mg.no_grad():
    answers = model(mg.Tensor(images)).numpy().argmax(axis=1)
wrong = np.flatnonzero(answers != labels)
print(f"{len(wrong)} of {len(test)} wrong")
for i in wrong[:2]:
    print(f"\na {labels[i]}, read as {answers[i]}:")
    show(images[i])
assert test_accuracy() > (0.95 if EPOCHS >= 10 else 0.2)

# %% [markdown]
# **What you should have seen:** the loss starts near 2.30 and falls; after a few epochs nine of ten pictures are read right, and in
# the end about 97 of 100. Most of what is left would make you hesitate, too.
#
# The command `minigrad train lenet5` uses a falling learning rate and more epochs, and reaches about 99 %. It also keeps
# checkpoints, draws the curves, the confusion matrix and the graph, and can be stopped and resumed at any time.
