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
# # Train on several machines
#
# When one machine is too small, the same training runs on many: each process, a *rank*, holds the whole model and computes the
# gradients of its part of each batch, and all ranks make one step with the mean. The messages go by MPI, which every cluster has;
# `pip install "minigrad[mpi]"` brings one for a machine of your own. On the command line there is nothing else to do:
#
#     mpiexec -n 4 minigrad train resnet20 --data cifar10
#
# and in Python it is one word, `distributed=True`. The loader's batches are those of all ranks together: the result is that of one
# process, up to rounding. Here is a whole script; it is written to a file, because `mpiexec` starts it once for each rank.

# %%
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())
SCRIPT = FOLDER / "train.py"
SCRIPT.write_text("""
import json, sys
import numpy as np
import minigrad as mg
from minigrad import nn, optim
from minigrad.data import DataLoader
from minigrad.functional import cross_entropy
from minigrad.training import fit

mg.seed(0)
rng = np.random.default_rng(0)
x = rng.normal(size=(200, 2)).astype(np.float32)
y = (x[:, 0] * x[:, 1] > 0).astype(int)
model = nn.Sequential(nn.Linear(2, 16, bias=False), nn.SyncBatchNorm(16), nn.Tanh(), nn.Linear(16, 2))
loader = DataLoader((x, y), batch_size=20, shuffle=True)
history = fit(
    model, loader, loss=cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.02), epochs=5, test=(x, y),
    distributed=True,
)
world = mg.distributed.world()
if world.rank == 0:
    with open(sys.argv[1], "w") as file:
        json.dump({"ranks": world.size, "loss": history["loss"], "accuracy": history.last["test_accuracy"]}, file)
""")

# %% [markdown]
# ## One process, and two ranks
#
# Without `mpiexec` the script trains in one process, and needs no MPI.


# %%
def run(ranks):
    mpiexec = Path(sys.executable).with_name("mpiexec")
    starter = [str(mpiexec if mpiexec.exists() else "mpiexec"), "-n", str(ranks)] if ranks > 1 else []
    path = FOLDER / f"{ranks}.json"
    subprocess.run([*starter, sys.executable, SCRIPT, path], check=True)
    return json.loads(path.read_text())


alone = run(1)
print(alone)

# %%
HAS_MPI = find_spec("mpi4py") is not None and (
    Path(sys.executable).with_name("mpiexec").exists() or shutil.which("mpiexec")
)
if HAS_MPI:
    together = run(2)
    print(together)
    assert together["ranks"] == 2
    assert all(abs(a - b) < 1e-3 for a, b in zip(alone["loss"], together["loss"], strict=True))

# %% [markdown]
# The losses are the same up to rounding, for `nn.SyncBatchNorm` takes its statistics from the batch of all ranks. The usual
# `nn.BatchNorm2d` takes them from the part of each rank, which is quicker and then no longer that of one process.
#
# ## A loop of your own
#
# `DataParallel` is put around the optimizer. After `backward` the gradients are the means over all ranks, so that they can be clipped
# as usual; each rank takes samples of its own, here every second one of two. With one process it changes nothing.

# %%
import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.functional import mse_loss

world = mg.distributed.world()
model = nn.Linear(3, 1)
optimizer = mg.distributed.DataParallel(optim.SGD(model.parameters(), lr=0.1))
x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
y = x.sum(axis=1, keepdims=True)
for _ in range(50):
    optimizer.zero_grad()
    loss = mse_loss(model(mg.Tensor(x[world.rank :: world.size])), mg.Tensor(y[world.rank :: world.size]))
    loss.backward()
    optimizer.step()
print(model.weight.numpy().round(2), f"loss {loss.item():.1e}")
assert loss.item() < 1e-3

# %% [markdown]
# ## When something goes wrong
#
# A rank that raises an error, is killed or hangs ends the job, and one line says which it was and why; `MINIGRAD_RANK_TIMEOUT` is how many
# seconds the others wait (600). Runs of the command line are saved after each epoch, and at SIGTERM, which a cluster sends before it
# ends a job: `mpiexec -n 2 minigrad resume runs/resnet20` goes on with any other number of ranks. More in
# [several machines](several_machines.md).
#
# ## What you should have seen
#
# Two processes that train one network: the same losses as one process with batches of the same size, and the same weights on both. A
# loop of your own becomes a parallel one by the line that puts `DataParallel` around its optimizer.
