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
# # Train on data that does not fit
#
# What is larger than memory is opened and not read. `Memmap` opens arrays, `TarShards` archives of images, `Parquet` tables; a
# `DataLoader` takes them as it takes arrays in memory, and a run that was killed goes on with exactly the samples that were left.
#
# On the command line:
#
#     minigrad data pack photos/ -o shards/
#     minigrad data check shards/
#     minigrad train resnet18 --data shards/ --workers 2

# %%
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import (
    Compose,
    DataLoader,
    Memmap,
    Normalize,
    RandomFlip,
    TarShards,
    check_samples,
    digits,
    pack_images,
    tar_shards,
)
from minigrad.functional import cross_entropy
from minigrad.training import evaluate, fit

mg.seed(0)
FOLDER = Path(tempfile.mkdtemp())

# %% [markdown]
# ## Arrays
#
# An array of 80 MB in a file. Of each batch only its rows come into memory: `Memmap` maps the file, and the system reads what is
# touched. Headers are checked before: a file that is shorter than it says, or holds Python objects, is refused.

# %%
shape = 200_000, 100
stored = np.lib.format.open_memmap(FOLDER / "x.npy", mode="w+", dtype=np.float32, shape=shape)
stored[:] = np.arange(len(stored))[:, None]
np.save(FOLDER / "y.npy", np.arange(len(stored)))
dataset = Memmap(FOLDER / "x.npy", FOLDER / "y.npy")
x, y = next(iter(DataLoader(dataset, batch_size=4, shuffle=True)))
assert x.numpy()[:, 0].tolist() == y.tolist()
print(dataset, y.tolist())

# %% [markdown]
# ## Images
#
# A folder of images, a class a folder. The digits stand in for the photographs that would not fit.

# %%
train, _ = digits(16)
images, labels = train.arrays
for number, (image, label) in enumerate(zip(images, labels, strict=True)):
    path = FOLDER / "photos" / f"digit {label}" / f"{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.clip((image[0] - image.min()) / (image.max() - image.min()) * 255, 0, 255)
    Image.fromarray(pixels.astype(np.uint8)).save(path)

# %% [markdown]
# Millions of small files are slow to open and to copy. Packed, they are a few tar archives in the layout of WebDataset: an image,
# and behind it its class. They are mixed, so that each archive has all classes, and the same files give the same archives.

# %%
packed = pack_images(FOLDER / "photos", FOLDER / "shards", shard_samples=400)
print(packed.shards, f"{packed.size / 1e6:.1f} MB")
found = check_samples(FOLDER / "shards")
assert found.samples == len(images)
assert not found.broken
found.classes

# %% [markdown]
# Opened, the archives are read from header to header, past the contents, and only places are kept in memory. Shuffling permutes the
# archives and moves each sample by less than `window` places: disks are read forward.

# %%
shards = TarShards(FOLDER / "shards", size=16, channels=1, window=500)
order = shards.blocks.shuffled(np.random.default_rng(0))
assert sorted(order) == list(range(len(shards)))
print(shards)
print("the first samples of an epoch:", order[:8].tolist())

# %% [markdown]
# ## Train
#
# As with any other data. `tar_shards` gives `(train, test)`: archives called `train-...` and `test-...`, or the same share of every
# class. With `workers=2` the loader would make batches in two processes, which decode while this one computes; the batches are
# the same for any number of them. A script then needs `if __name__ == "__main__":` around what it does.

# %%
train, test = tar_shards(FOLDER / "shards", size=16, channels=1)
transform = Compose([RandomFlip(0.0), Normalize(0.15, 0.3)])
loader = DataLoader(train, batch_size=64, shuffle=True, transform=transform)
model = nn.Sequential(nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10))
held_out = DataLoader(test, batch_size=256, transform=Normalize(0.15, 0.3))
fit(model, loader, loss=cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.003), epochs=3, test=held_out)
accuracy = evaluate(model, held_out, cross_entropy)["accuracy"]
assert accuracy > 0.8
accuracy

# %% [markdown]
# ## Stop anywhere
#
# What a batch holds is a function of seed, epoch and number. So the state of a loader is a few integers, and the rest of an epoch is
# the rest of it, sample for sample. The last of them is a checksum of the archives: with others the run would not go on.


# %%
def rest(state):
    """The labels of the batches that are left."""
    loader = DataLoader(train, batch_size=64, shuffle=True)
    loader.load_state_dict(state)
    return [batch.tolist() for _, batch in loader]


loader = DataLoader(train, batch_size=64, shuffle=True)
seen = []
for k, (_, batch) in enumerate(loader):
    seen.append(batch.tolist())
    if k == 6:
        state = loader.state_dict()
assert rest(state) == seen[7:]
state

# %% [markdown]
# ## What breaks
#
# Disks fill up, copies stop, files go. Here the end of an archive is cut off. Opening it tells file and offset; with
# `skip_broken=True` (`--skip-broken`) what can be read is used, and what cannot is counted and told.

# %%
victim = FOLDER / "shards" / "shard-00001.tar"
victim.write_bytes(victim.read_bytes()[:200_000])
try:
    TarShards(FOLDER / "shards", size=16, channels=1)
except mg.DataError as error:
    message = str(error)
assert "shard-00001.tar is truncated: its end, at byte 200,000" in message
print(message)

with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    rescued = TarShards(FOLDER / "shards", size=16, channels=1, skip_broken=True)
assert len(told) == 1
print(len(rescued), "of", len(shards), "samples are left")

# %% [markdown]
# ## What you should have seen
#
# Arrays and images that are used without being in memory, an epoch that goes on where it was left, and a broken archive that is
# named with its offset. In memory are 48 bytes a sample, and the batches that are being used.
