"""Sounds of ten kinds, synthesized by NumPy: tones that stay and move, loud and soft, noise, and a kind of voice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.dataset import ArrayDataset
from minigrad.data.split import check_seed, stratified_split
from minigrad.errors import DataError
from minigrad.typing import Array

SAMPLE_RATE: Final = 4000
"""Samples a second."""

LOWEST, HIGHEST = 200.0, 500.0
"""The range of pitches, in Hz; those of the voice are an octave lower."""


def tones(
    size: int = 2048,
    samples: int = 2000,
    noise: float = 0.3,
    seed: int = 0,
    test_fraction: float = 0.2,
) -> tuple[ArrayDataset, ArrayDataset]:
    """Synthesized sounds of ten kinds, which no single moment and no pitch tells apart.

        steady, rising, falling     a sine whose pitch stays, or moves by half an octave to a whole one
        vibrato, tremolo            its pitch, or its loudness, goes up and down 6 to 10 times a second
        crescendo, decrescendo      it becomes louder, or softer
        buzz                        a square wave
        noise                       a band of noise around the pitch
        voice                       pulses that two resonances (formants) color

    Pitch, phase, loudness and how much white noise is added are drawn anew for each sound. There are 4000 samples a
    second (`SAMPLE_RATE`), so that 2048 last half a second.

    Args:
        size: T, samples of each sound (default 2048).
        samples: the number N of all sounds together, at least two of each kind (default 2000).
        noise: the largest standard deviation of the added white noise, as a share of the sound's; each sound draws its
            own between 0 and that (default 0.3).
        seed: chooses the sounds and the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).

    Returns:
        `(train, test)`, each with sounds float32 (N, 1, T) with values about from -1 to 1, and labels int64 (N,).

    Raises:
        DataError: an argument is out of range.

    Source: they are no recordings; the voice is the source and filter of G. Fant, "Acoustic theory of speech
    production", 1960.

    >>> train, test = tones(samples=40)
    >>> train
    ArrayDataset(32 samples of float32 (1, 2048) and int64 (), 10 classes)
    """
    if size < 2 or samples < 2 * len(KINDS) or noise < 0:
        raise DataError(
            f"tones: needs sounds of at least 2 samples, two sounds of each of {len(KINDS)} kinds and a noise of at "
            f"least 0, got size={size}, samples={samples} and noise={noise}. Use size=2048, samples=2000."
        )
    check_seed("tones", seed)
    labels = np.arange(samples) % len(KINDS)
    rng = np.random.default_rng(seed)
    makers = list(KINDS.values())
    sounds = np.stack([_sound(makers[label], size, noise, rng) for label in labels])[:, None]
    train, test = (
        ArrayDataset(sounds[part], labels[part], classes=KINDS)
        for part in stratified_split(labels, test_fraction, seed)
    )
    return train, test


def _sound(make: Callable[[Array, Generator], Array], size: int, noise: float, rng: Generator) -> NDArray[np.float32]:
    """One sound with its loudness and its noise; the ends fade, so that they do not click."""
    sound = make(np.arange(size) / SAMPLE_RATE, rng)
    sound /= np.sqrt(np.mean(sound**2)) or 1
    sound += rng.uniform(0, noise) * rng.standard_normal(size)
    fade = np.minimum(1, np.minimum(np.arange(size), np.arange(size)[::-1]) / (0.02 * size))
    return (0.2 * rng.uniform(0.25, 1) * fade * sound).astype(np.float32)


def _pitch(rng: Generator) -> float:
    """A pitch in Hz, uniform in its logarithm as pitches are heard."""
    return float(np.exp(rng.uniform(np.log(LOWEST), np.log(HIGHEST))))


def _sine(frequency: Array, rng: Generator) -> Array:
    """A sine of a frequency that may change. Shapes: (T) -> (T)."""
    wave: Array = np.sin(2 * np.pi * (np.cumsum(frequency) / SAMPLE_RATE + rng.random()))
    return wave


def _steady(t: Array, rng: Generator) -> Array:
    return _sine(np.full_like(t, _pitch(rng)), rng)


def _gliding(t: Array, rng: Generator, direction: int) -> Array:
    octaves = direction * rng.uniform(0.5, 1)
    return _sine(_pitch(rng) * 2 ** (octaves * (t / t[-1] - 0.5)), rng)


def _rising(t: Array, rng: Generator) -> Array:
    return _gliding(t, rng, 1)


def _falling(t: Array, rng: Generator) -> Array:
    return _gliding(t, rng, -1)


def _swing(t: Array, rng: Generator) -> Array:
    """From -1 to 1 and back, 6 to 10 times a second."""
    swing: Array = np.sin(2 * np.pi * (rng.uniform(6, 10) * t + rng.random()))
    return swing


def _vibrato(t: Array, rng: Generator) -> Array:
    return _sine(_pitch(rng) * 2 ** (rng.uniform(0.1, 0.2) * _swing(t, rng)), rng)


def _tremolo(t: Array, rng: Generator) -> Array:
    loudness: Array = 1 + rng.uniform(0.6, 0.9) * _swing(t, rng)
    return loudness * _steady(t, rng)


def _crescendo(t: Array, rng: Generator) -> Array:
    loudness: Array = np.exp(rng.uniform(1.5, 3) * t / t[-1])
    return loudness * _steady(t, rng)


def _decrescendo(t: Array, rng: Generator) -> Array:
    return _crescendo(t, rng)[::-1].copy()


def _buzz(t: Array, rng: Generator) -> Array:
    wave: Array = np.sign(_steady(t, rng))
    return wave


def _noise(t: Array, rng: Generator) -> Array:
    """A band of noise, half an octave wide."""
    pitch, spectrum = _pitch(rng), np.fft.rfft(rng.standard_normal(len(t)))
    frequency = np.fft.rfftfreq(len(t), 1 / SAMPLE_RATE)
    band: Array = np.fft.irfft(spectrum * ((frequency > pitch * 2**-0.25) & (frequency < pitch * 2**0.25)), len(t))
    return band


def _voice(t: Array, rng: Generator) -> Array:
    """Pulses of the vocal cords, in the spectrum multiplied by the resonances of two formants."""
    phase = np.cumsum(np.full_like(t, _pitch(rng) / 2)) / SAMPLE_RATE + rng.random()
    pulses = np.diff(np.floor(phase), prepend=np.floor(phase[0]))
    frequency, gain = np.fft.rfftfreq(len(t), 1 / SAMPLE_RATE), np.zeros(len(t) // 2 + 1)
    for low, high in ((300, 800), (900, 1800)):
        gain += 1 / (1 + ((frequency - rng.uniform(low, high)) / 60) ** 2)
    colored: Array = np.fft.irfft(np.fft.rfft(pulses) * gain, len(t))
    return colored


KINDS: Final[dict[str, Callable[[Array, Generator], Array]]] = {
    "steady": _steady,
    "rising": _rising,
    "falling": _falling,
    "vibrato": _vibrato,
    "tremolo": _tremolo,
    "crescendo": _crescendo,
    "decrescendo": _decrescendo,
    "buzz": _buzz,
    "noise": _noise,
    "voice": _voice,
}
"""The classes: each is a function of the times (T) and a generator."""
