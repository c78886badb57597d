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
# # Hear: a network for sound
#
# A sound is a row of numbers, thousands a second, and none of them alone says anything. This tutorial looks at ten kinds of sounds as an ear
# does, by their spectrum over time, and lets two networks tell them apart:
#
# - a recurrent one, which reads the spectrogram moment by moment,
# - and a convolutional one, which is given the sound itself and has to find out about frequencies alone.
#
# The sounds are synthesized, not recorded (`minigrad.data.tones`): steady and gliding tones, vibrato and tremolo, louder and softer, a buzz, noise,
# and a kind of voice.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from minigrad_models.conv1d import M5

import minigrad as mg
from minigrad import nn
from minigrad.data import DataLoader, istft, log_mel, mel_filters, mfcc, stft, tones
from minigrad.data.datasets.tones import SAMPLE_RATE
from minigrad.functional import cross_entropy
from minigrad.optim import AdamW
from minigrad.optim.schedule import Cosine
from minigrad.training import confusion_matrix, evaluate, fit, predict, predictions

IMAGES = os.environ.get("MINIGRAD_TUTORIAL_IMAGES")


def keep(figure, name):
    """Write a picture, if a folder for pictures is set."""
    if IMAGES:
        figure.savefig(Path(IMAGES) / f"{name}.png", dpi=80)


train, test = tones()
sounds, labels = (array for array in train.arrays)
sounds = sounds[:, 0]
print(f"{len(train)} sounds of {sounds.shape[1] / SAMPLE_RATE:.2f} s to learn from, {len(test)} to be tested on")

# %% [markdown]
# ## Loud and soft, noise and voice
#
# The first question about a sound is how loud it is at each time. For some kinds that is enough:

# %%
examples = [int(np.flatnonzero(labels == k)[1]) for k in range(10)]
seconds = np.arange(sounds.shape[1]) / SAMPLE_RATE
figure, axes = plt.subplots(2, 5, figsize=(12, 4), sharex=True, sharey=True, layout="constrained")
for axis, k in zip(axes.flat, examples, strict=True):
    axis.plot(seconds, sounds[k], linewidth=0.3)
    axis.set_title(train.classes[labels[k]])
figure.supxlabel("seconds")
keep(plt.gcf(), "hear-sounds")

# %% [markdown]
# Crescendo, decrescendo and tremolo show what they are. The others differ in their pitch over time, or in the color of their sound, and no
# eye finds that here.
#
# ## The spectrum over time
#
# The short-time Fourier transform cuts the sound into frames that overlap, multiplies each by a window that fades at both ends, and asks how
# much of each frequency is in it. In NumPy it is three lines, and they are what `stft` computes:

# %%
N, HOP = 256, 64
window = np.sin(np.pi * np.arange(N) / N) ** 2
padded = np.pad(sounds[examples[1]], N // 2, mode="reflect")
frames = np.stack([padded[start : start + N] * window for start in range(0, len(padded) - N + 1, HOP)])
by_hand = np.fft.rfft(frames).T
assert np.allclose(stft(sounds[examples[1]], N, HOP), by_hand, atol=1e-4)
print(
    f"{by_hand.shape[0]} frequencies, {SAMPLE_RATE / N:.1f} Hz apart, at {by_hand.shape[1]} times, {HOP / SAMPLE_RATE * 1000:.0f} ms apart"
)

# %%
figure, axes = plt.subplots(2, 5, figsize=(12, 5), sharex=True, sharey=True, layout="constrained")
for axis, k in zip(axes.flat, examples, strict=True):
    power = np.abs(stft(sounds[k], N, HOP)) ** 2
    axis.imshow(10 * np.log10(power + 1e-6), origin="lower", aspect="auto", extent=(0, seconds[-1], 0, SAMPLE_RATE / 2))
    axis.set_title(train.classes[labels[k]])
figure.supxlabel("seconds")
figure.supylabel("Hz")
keep(plt.gcf(), "hear-spectrograms")

# %% [markdown]
# Now they are ten pictures that anyone can tell apart: lines that stay, rise, fall and wave, the partials of the buzz (3, 5, 7 times the pitch),
# a band of noise, the two formants of the voice.
#
# Nothing is lost: `istft` lays the frames over each other again, and gives the sound back.

# %%
back = istft(stft(sounds[:8], N, HOP), N, HOP, length=sounds.shape[1])
print(f"the largest difference is {abs(back - sounds[:8]).max():.0e}")
assert np.allclose(back, sounds[:8], atol=1e-5)

# %% [markdown]
# ## Frequency or time
#
# The longer a frame, the finer its frequencies and the coarser its times: the product stays. A vibrato of eight waves a second is a wave for
# short frames, and for long ones several lines beside each other, since they cannot follow it.

# %%
vibrato = sounds[examples[3]]
figure, axes = plt.subplots(1, 3, figsize=(12, 3), sharey=True, layout="constrained")
for axis, n in zip(axes, (64, 256, 1024), strict=True):
    power = np.abs(stft(vibrato, n, 16)) ** 2
    axis.imshow(10 * np.log10(power + 1e-6), origin="lower", aspect="auto", extent=(0, seconds[-1], 0, SAMPLE_RATE / 2))
    axis.set_title(f"{n} samples: {SAMPLE_RATE / n:.0f} Hz, {n / SAMPLE_RATE * 1000:.0f} ms")
    axis.set_ylim(0, 1000)
keep(plt.gcf(), "hear-frames")

# %% [markdown]
# ## As an ear tells it
#
# From 200 to 300 Hz is as far, for an ear, as from 1000 to 1500. The mel filters sum up the spectrum in triangles that become wider upward, and loudness is
# heard by its logarithm. `log_mel` is both: 32 numbers for each moment, in place of 129.

# %%
filters = mel_filters(SAMPLE_RATE, N, 32)
plt.figure(figsize=(8, 2.5))
plt.plot(np.fft.rfftfreq(N, 1 / SAMPLE_RATE), filters.T, linewidth=0.8)
plt.xlabel("Hz")
plt.title("32 mel filters")
keep(plt.gcf(), "hear-mel")

# %%
FRAME, STEP = 256, 128


def features(part):
    """The log-mel spectrograms of a part as sequences (N, T, 32), about from -2 to 2, and the labels."""
    sounds, labels = part.arrays
    mel = log_mel(sounds[:, 0], SAMPLE_RATE, FRAME, STEP, n_mels=32)
    return ((mel + 3) / 4).swapaxes(1, 2).astype(np.float32), labels


x, y = features(train)
x_test, y_test = features(test)
print(
    "a sound is now",
    x.shape[1:],
    "numbers; as cepstral coefficients",
    mfcc(sounds[0], SAMPLE_RATE, 13, FRAME, STEP).T.shape,
)

# %% [markdown]
# ## First without time
#
# What can be told from the mean spectrum alone, by a linear classifier? Rising and falling have the same one, and so have crescendo and decrescendo.


# %%
def trained(model, data, held_out, epochs, lr):
    """Train a classifier; its measures on sounds that it has not heard."""
    mg.seed(0)
    loader = DataLoader(data, batch_size=32, shuffle=True, seed=0)
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    fit(model, loader, loss=cross_entropy, optimizer=optimizer, schedule=Cosine(warmup=0.1), epochs=epochs)
    return evaluate(model, held_out, cross_entropy)


def matrix(model, held_out):
    outputs, targets = predict(model, held_out)
    return confusion_matrix(predictions(outputs), targets, 10)


mg.seed(0)
linear = nn.Linear(32, 10)
timeless = trained(linear, (x.mean(axis=1), y), (x_test.mean(axis=1), y_test), epochs=20, lr=0.03)
mixed = matrix(linear, (x_test.mean(axis=1), y_test))
print(f"accuracy {timeless['accuracy']:.1%}")
for one, other in (("rising", "falling"), ("crescendo", "decrescendo")):
    a, b = train.classes.index(one), train.classes.index(other)
    print(f"{one} taken for {other} or the reverse: {mixed[a, b] + mixed[b, a]} of {mixed[[a, b]].sum()}")
assert timeless["accuracy"] < 0.8

# %% [markdown]
# ## Moment by moment
#
# A recurrent network is given one column after the other. A GRU keeps 48 numbers of what it has heard, and at the end a linear layer reads them.


# %%
class Listener(nn.Module):
    def __init__(self):
        self.cells = nn.GRU(32, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        _, last = self.cells(x)
        return self.head(last[-1])


mg.seed(0)
listener = Listener()
recurrent = trained(listener, (x, y), (x_test, y_test), epochs=12, lr=0.01)
print(f"accuracy {recurrent['accuracy']:.1%} with {sum(p.size for p in listener.parameters()):,} parameters")
assert recurrent["accuracy"] > timeless["accuracy"] + 0.1

# %% [markdown]
# Since its state after each moment can be read as well, one can see it make up its mind:

# %%
with mg.no_grad():
    states, _ = listener.cells(x_test)
    belief = mg.functional.softmax(listener.head(states), -1).numpy()
right = np.take_along_axis(belief, y_test[:, None, None], axis=2)[:, :, 0]
plt.figure(figsize=(8, 3.5))
for k, name in enumerate(test.classes):
    plt.plot(np.arange(x.shape[1]) * STEP / SAMPLE_RATE, right[y_test == k].mean(axis=0), label=name)
plt.xlabel("seconds")
plt.ylabel("probability of the right class")
plt.legend(fontsize=7, ncols=2)
assert right[:, -1].mean() > right[:, 4].mean()
keep(plt.gcf(), "hear-mind")

# %% [markdown]
# ## The sound itself
#
# M5 of Dai et al. is given the 2,048 samples. No one tells it about frequencies. Its first layer has 16 kernels of 32 samples, that is, filters.

# %%
mg.seed(0)
ears = M5()
raw = trained(ears, train, test, epochs=8, lr=0.01)
print(f"accuracy {raw['accuracy']:.1%} with {sum(p.size for p in ears.parameters()):,} parameters")
assert raw["accuracy"] > 0.85

# %% [markdown]
# What has it found? The spectrum of each kernel says which frequencies it lets through. They come ordered by where that is:

# %%
kernels = ears.features[0].weight.numpy()[:, 0]
response = np.abs(np.fft.rfft(kernels, 256))
response /= response.max(axis=1, keepdims=True)
order = np.argsort(response.argmax(axis=1))
plt.figure(figsize=(8, 3.5))
plt.imshow(response[order], aspect="auto", extent=(0, SAMPLE_RATE / 2, 16, 0))
plt.xlabel("Hz")
plt.ylabel("kernel")
plt.title("what the first layer listens to")
keep(plt.gcf(), "hear-kernels")

# %% [markdown]
# Most let a band or two through: a bank of filters, much as the mel filters above, which people designed. It was only asked to tell sounds apart.
#
# ## What it confuses

# %%
confused = matrix(ears, test)
plt.figure(figsize=(5, 4.5))
plt.imshow(confused, cmap="Blues")
plt.xticks(range(10), test.classes, rotation=60, ha="right")
plt.yticks(range(10), test.classes)
plt.xlabel("heard as")
plt.title(f"M5, {raw['accuracy']:.1%} right")
keep(plt.gcf(), "hear-confused")

# %% [markdown]
# ## In noise
#
# Both have learned with noise of up to 0.3 times the sound. How much more do they bear? The same test sounds with more and more of it:

# %%
levels = [0.0, 0.3, 0.6, 1.0, 1.5, 2.0]
curve = {"M5 on the sound": [], "GRU on the spectrogram": []}
for level in levels:
    rng, noisy = np.random.default_rng(1), test.arrays[0].copy()
    size = np.sqrt((noisy**2).mean(axis=2, keepdims=True))
    noisy += (level * size * rng.standard_normal(noisy.shape)).astype(np.float32)
    mel = ((log_mel(noisy[:, 0], SAMPLE_RATE, FRAME, STEP, n_mels=32) + 3) / 4).swapaxes(1, 2).astype(np.float32)
    curve["M5 on the sound"].append(evaluate(ears, (noisy, y_test), cross_entropy)["accuracy"])
    curve["GRU on the spectrogram"].append(evaluate(listener, (mel, y_test), cross_entropy)["accuracy"])
plt.figure(figsize=(6, 3))
for name, values in curve.items():
    plt.plot(levels, values, marker="o", label=name)
    print(f"{name:24}", " ".join(f"{value:.0%}" for value in values))
plt.xlabel("noise, as a share of the sound")
plt.ylabel("accuracy")
plt.legend()
for values in curve.values():
    assert values[-1] < values[0]
keep(plt.gcf(), "hear-noise")

# %% [markdown]
# A network knows what it was trained on. Noise is cheap to make, so train with more of it where more is to come: `tones(noise=1.5)`.
#
# ## On the command line
#
# `minigrad train conv1d-tones` trains M5 for longer (20 epochs), and `minigrad predict runs/conv1d-tones sound.wav` tells what a file sounds like.
# `minigrad.data.write_wav` writes one, so that you can hear the sounds of this page yourself.
#
# ## What you should have seen
#
# - A spectrogram shows pitch and color over time; frames trade frequency for time; `istft` goes back without loss.
# - Without time, a classifier cannot tell rising from falling. A recurrent network can, and one can watch it decide.
# - A convolutional network on the raw sound invents a bank of filters by itself.
# - Noise beyond what was heard in training is the end of both.
