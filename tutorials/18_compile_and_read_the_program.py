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
# # Compile a training step, and read the program
#
# A training step runs thousands of times, and each time Python walks through the same modules, records the same graph and asks the same
# rules. `minigrad.compile` watches two calls, and from then on repeats what happened as a *program*: a flat list of kernel calls. Nothing
# about it is hidden: this tutorial reads the program, what each pass does to it, and how its memory is used.
#
# (Pictures need `pip install "minigrad[plot,graph]"`. They go into the folder `MINIGRAD_TUTORIAL_IMAGES`, if it is set.)

# %%
import os
import warnings
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation.memory import peak
from minigrad.functional import cross_entropy

IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")

# %% [markdown]
# ## A step, twice
#
# The same network is trained twice with the same seed: once eagerly, once compiled. `zero_grad` stands at the end of the step, so that no
# gradient has to stay.


# %%
def make():
    """A model, and the function that trains it on one batch."""
    mg.seed(0)
    hidden = [layer for _ in range(3) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.2), *hidden, nn.Linear(256, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x, y):
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return model, step


rng = np.random.default_rng(0)
batches = [
    (mg.Tensor(rng.normal(size=(32, 64)).astype(np.float32)), mg.Tensor(rng.integers(0, 10, 32))) for _ in range(6)
]

model, step = make()
mg.seed(1)
eager = [step(x, y).item() for x, y in batches]

compiled_model, function = make()
step = mg.compile(function)  # or @mg.compile above the def
mg.seed(1)
compiled = [step(x, y).item() for x, y in batches]

print(eager)
print(compiled)
assert np.allclose(eager, compiled, rtol=1e-5)

# %% [markdown]
# The losses are the same: dropout drew the same numbers, and the parameters are the same. (Bit for bit, unless loops were fused.)
#
# ## The program
#
# The first two calls were captured, and led to the same program; the third one was the first replay. This is the Python that runs, as it
# was written by `minigrad/compilation/generate.py`: values have numbers, and are let go behind their last use.

# %%
print(step.source)
assert "linear" in step.source

# %% [markdown]
# ## What the passes do
#
# Each pass is a small function from a program to a program (`minigrad/compilation/passes.py` lists them). The table tells how many calls
# there are, how many bytes they make, how many are held at once, and how many multiply-adds are done. Below it stand the captured
# program, and the lines that each pass has changed. The last pass plans an *arena*: large results (64 kB or more) lie in one piece of
# memory, each at an offset that is free for as long as it lives (`with arena_0:` in the source, `at 0 B` in the list).

# %%
print(step.explain())

# %% [markdown]
# *Updates when ready* moves each update to where its gradient is complete: the gradient is then freed at once, while eager code holds all
# gradients until the optimizer has had its turn.

# %%
before, after = step.stages[0][1], step.program
print(f"at most {peak(before) / 1e3:.0f} kB at once as captured, {peak(after) / 1e3:.0f} kB as it runs")
assert peak(after) < peak(before)

# %% [markdown]
# The same as a picture: each bar is a piece of memory, as high as it is large, as long as it is held. Blue is made in the forward pass,
# orange in the backward pass.

# %%
from matplotlib.figure import Figure

from minigrad.viz import plot_program_memory

figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
left, right = figure.subplots(1, 2, sharey=True)
plot_program_memory(after, right)
plot_program_memory(before, left)
if IMAGES:
    figure.savefig(Path(IMAGES) / "program_memory.png")
figure

# %% [markdown]
# ![Two charts of memory: as captured, gradients are held to the end; as it runs, each is freed behind its update.](images/program_memory.png)
#
# ## The program as a picture
#
# `viz.graph(step)` draws the calls and the values that they read: here of a smaller step, whose loss is returned. Values have the
# numbers that they have in `explain()`, and their bytes. What is seen after a call has a double border: the loss, and the updates. (Where
# Numba is installed, a fused loop is a frame around the calls that it stands for: `depth=1` draws it as one box, `depth=0` draws the three
# passes alone, and in the page, `.save("step.html")`, one walks into each.)

# %%
from minigrad.viz import graph

small = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Dropout(0.2), nn.Linear(256, 10))
optimizer = optim.SGD(small.parameters(), lr=0.1)


@mg.compile
def small_step(x, y):
    loss = cross_entropy(small(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss


for x, y in batches[:3]:
    small_step(x, y)
picture = graph(small_step)
if IMAGES:
    picture.save(Path(IMAGES) / "program_graph.svg")
assert sum(node.label.count("updates") for node in picture.graph) == len(list(small.parameters()))

# %% [markdown]
# ![A graph in three frames: forward, backward and updates, with parameters and arguments around them, and fused loops inside.](images/program_graph.svg)
#
# Boxes can have the color of what their calls take. `color_by="bytes"` counts what is read and written, `"flops"` the multiply-adds, and
# `"time"` is there when `measure` has made one more step, which notes how long each instruction takes.

# %%
small_step.measure(*batches[3])
slowest = max(graph(small_step, color_by="time").measure("time").amounts.values())
print(f"the slowest of {len(small_step.seconds)} instructions takes {1e6 * slowest:.0f} µs")
assert graph(small_step, color_by="flops").measure("flops").amounts

# %% [markdown]
# ## What is noticed
#
# What a step depends on may change. Values of parameters and learning rates are read at each replay; a changed attribute, another shape
# or `model.eval()` lead to another program.

# %%
first = step.program
compiled_model[2].p = 0.5  # dropout
for x, y in batches[:3]:
    step(x, y)
assert step.program is not first

# %% [markdown]
# And what no program can repeat is told once, with its line. From then on such calls run eagerly: they are right, if not faster.


# %%
@mg.compile
def careful(x):
    if float(x.sum()) > 0:  # Python looks at a value, and decides by it
        return x * 2
    return x


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for sign in (1.0, 1.0, 1.0, -1.0):
        assert careful(mg.Tensor([sign])).item() == (2.0 if sign > 0 else -1.0)
print(told[0].message)
assert len(told) == 1

# %% [markdown]
# ## What you should have seen
#
# - A compiled step gives what the step gives: the same losses, with the same random numbers.
# - The program is Python that one can read; `explain()` shows what each pass has changed, and what that has saved.
# - `viz.graph(step)` is the same as a picture, or as a page to walk through.
# - Updates move into the backward pass, and with `zero_grad` at the end no gradient outlives its update.
# - A change is noticed; what cannot be repeated is told with its line, and runs eagerly.
