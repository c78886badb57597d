"""Synthesized sounds: shapes and seeds, and that each kind is what its name says."""

import numpy as np
import pytest

from minigrad.data import stft, tones
from minigrad.data.datasets.tones import KINDS, SAMPLE_RATE
from minigrad.errors import DataError


@pytest.fixture(scope="module")
def sounds():
    """The clean sounds of each kind, (n, T)."""
    arrays = [
        np.concatenate(parts) for parts in zip(*(part.arrays for part in tones(samples=200, noise=0)), strict=True)
    ]
    return {name: arrays[0][arrays[1] == label, 0] for label, name in enumerate(KINDS)}


def test_shapes_dtypes_shares_and_seeds():
    train, test = tones(size=500, samples=100)
    for part, count in ((train, 80), (test, 20)):
        images, labels = part.arrays
        assert (images.dtype, images.shape, labels.dtype) == (np.float32, (count, 1, 500), np.int64)
        assert part.classes == tuple(KINDS)
        assert set(np.bincount(labels)) == {count // 10}
        assert 0.05 < abs(images).max() < 1.5
    np.testing.assert_array_equal(train.arrays[0], tones(size=500, samples=100)[0].arrays[0])
    assert (train.arrays[0] != tones(size=500, samples=100, seed=1)[0].arrays[0]).any()


def pitches(x):
    """The loudest frequency of each frame, (n, M)."""
    return np.abs(stft(x, 512, 128))[:, :, 2:-2].argmax(axis=1) * SAMPLE_RATE / 512


def loudness(x, parts=8):
    """The root of the mean square in equal parts of the time, without those that fade, (n, parts - 2)."""
    cut = x[:, : x.shape[1] // parts * parts].reshape(len(x), parts, -1)
    return np.sqrt((cut**2).mean(axis=2))[:, 1:-1]


def test_pitch_stays_rises_and_falls(sounds):
    span = {
        name: pitches(sounds[name])[:, -1] / pitches(sounds[name])[:, 0] for name in ("steady", "rising", "falling")
    }
    np.testing.assert_allclose(span["steady"], 1, atol=0.05)
    assert span["rising"].min() > 1.15
    assert span["falling"].max() < 0.87


def test_loudness_grows_falls_and_swings(sounds):
    assert (np.diff(loudness(sounds["crescendo"])) > 0).all()
    assert (np.diff(loudness(sounds["decrescendo"])) < 0).all()
    even = loudness(sounds["steady"], 32)
    assert (even.max(axis=1) / even.min(axis=1)).max() < 1.3
    swinging = loudness(sounds["tremolo"], 32)
    assert (swinging.max(axis=1) / swinging.min(axis=1)).min() > 2


def test_spectra_are_those_of_a_line_a_series_a_band_and_a_voice(sounds):
    power = {name: np.abs(np.fft.rfft(x)) ** 2 for name, x in sounds.items()}
    share = {name: np.sort(p, axis=1)[:, -12:].sum(axis=1) / p.sum(axis=1) for name, p in power.items()}
    assert share["steady"].min() > 0.95
    assert share["noise"].mean() < 0.7
    assert share["voice"].mean() < 0.9
    at = power["buzz"].argmax(axis=1)  # a square wave has its third partial, with a ninth of the power
    third = np.array(
        [p[3 * k - 4 : 3 * k + 5].sum() / p[k - 4 : k + 5].sum() for p, k in zip(power["buzz"], at, strict=True)]
    )
    np.testing.assert_allclose(third, 1 / 9, rtol=0.2)
    swing = pitches(sounds["vibrato"]).std(axis=1) / pitches(sounds["vibrato"]).mean(axis=1)
    assert swing.min() > 2 * (pitches(sounds["steady"]).std(axis=1) / pitches(sounds["steady"]).mean(axis=1)).max()


def test_noise_is_added_up_to_its_share():
    quiet, loud = (tones(samples=20, noise=n)[0].arrays[0] for n in (0.0, 3.0))
    assert np.abs(np.diff(loud)).mean() > 2 * np.abs(np.diff(quiet)).mean()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"size": 1}, "at least 2 samples"), ({"samples": 19}, "samples=19"),
     ({"noise": -1}, "noise=-1"), ({"seed": -1}, "seed must")],
)  # fmt: skip
def test_arguments_out_of_range_are_explained(arguments, message):
    with pytest.raises(DataError, match=message):
        tones(**arguments)
