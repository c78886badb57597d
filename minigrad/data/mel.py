"""Sound as an ear tells it, on NumPy arrays: the mel scale, mel spectrograms, and cepstral coefficients."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from minigrad.data.spectrogram import stft
from minigrad.errors import DataError
from minigrad.typing import Array, ArrayLike

MelScale = Literal["htk", "slaney"]
"""Which formula of the mel scale: of the Hidden Markov Model Toolkit (torchaudio), or of Slaney (librosa)."""

SMALLEST: Final = 1e-10
"""Powers below are taken for this one where logarithms are taken, as in librosa."""

KNEE, KNEE_MEL, STEP = 1000.0, 15.0, np.log(6.4) / 27
"""Slaney's scale: 200/3 Hz a mel up to 1000 Hz, and above a factor of 6.4 for 27 mel."""


def hz_to_mel(frequency: ArrayLike, mel_scale: MelScale = "htk") -> Array:
    """Frequencies on the mel scale, on which equal distances sound equal.

    Args:
        frequency: in Hz, at least 0.
        mel_scale: "htk", 2595 log10(1 + f / 700), or "slaney", linear up to 1000 Hz and logarithmic above (default
            "htk").

    Returns:
        Numbers in the shape of frequency.

    Raises:
        DataError: there is no such scale.

    Source: S. S. Stevens, J. Volkmann and E. B. Newman, 1937; the formulas, D. O'Shaughnessy 1987, and M. Slaney,
    "Auditory toolbox", 1998.

    >>> float(hz_to_mel(1000.0).round(2)), float(hz_to_mel(1000.0, "slaney"))
    (999.99, 15.0)
    """
    f = np.asarray(frequency, np.float64)
    if _scale("hz_to_mel", mel_scale) == "htk":
        return 2595 * np.log10(1 + f / 700)
    return np.where(f < KNEE, f * KNEE_MEL / KNEE, KNEE_MEL + np.log(np.maximum(f, KNEE) / KNEE) / STEP)


def mel_to_hz(mel: ArrayLike, mel_scale: MelScale = "htk") -> Array:
    """The inverse of `hz_to_mel`.

    Args:
        mel: numbers on the scale.
        mel_scale: "htk" or "slaney" (default "htk").

    Returns:
        Frequencies in Hz, in the shape of mel.

    Raises:
        DataError: there is no such scale.

    >>> float(mel_to_hz(hz_to_mel(440.0)).round(6))
    440.0
    """
    m = np.asarray(mel, np.float64)
    if _scale("mel_to_hz", mel_scale) == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    return np.where(m < KNEE_MEL, m * KNEE / KNEE_MEL, KNEE * np.exp(STEP * (np.maximum(m, KNEE_MEL) - KNEE_MEL)))


def mel_filters(
    sample_rate: float,
    n_fft: int = 400,
    n_mels: int = 40,
    f_min: float = 0.0,
    f_max: float | None = None,
    norm: str | None = None,
    mel_scale: MelScale = "htk",
) -> Array:
    """Triangular filters at equal distances on the mel scale, by which a power spectrum is summed up in few numbers.

    Args:
        sample_rate: samples a second.
        n_fft: of the `stft` (default 400).
        n_mels: how many filters (default 40).
        f_min: where the first one begins, in Hz (default 0).
        f_max: where the last one ends, in Hz (default None: half of the sample rate).
        norm: None for triangles of height 1, or "slaney" for triangles of equal area (default None).
        mel_scale: "htk" or "slaney" (default "htk").

    Returns:
        (n_mels, n_fft // 2 + 1): `filters @ abs(stft(x)) ** 2` is the mel spectrogram.

    Raises:
        DataError: there are no filters, the frequencies are not in order, or there is no such norm or scale.

    Source: S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences", 1980. `torchaudio.functional.melscale_fbanks` gives the transpose with the same
    defaults; `librosa.filters.mel` has "slaney" for both.

    >>> mel_filters(8000, n_fft=256, n_mels=20).shape
    (20, 129)
    """
    top = sample_rate / 2 if f_max is None else f_max
    if n_mels < 1 or not 0 <= f_min < top:
        raise DataError(
            f"mel_filters: needs at least one filter and 0 <= f_min < f_max, got n_mels={n_mels}, f_min={f_min} and "
            f"f_max={top}."
        )
    if norm not in (None, "slaney"):
        raise DataError(f'mel_filters: norm is None or "slaney", not {norm!r}.')
    low, high = hz_to_mel([f_min, top], mel_scale)
    corners = mel_to_hz(np.linspace(low, high, n_mels + 2), mel_scale)
    left, middle, right = (corners[k : k + n_mels, None] for k in range(3))
    frequencies = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    filters: Array = np.maximum(0, np.minimum(rising, falling))
    return filters * (2 / (right - left)) if norm == "slaney" else filters


def log_mel(
    x: ArrayLike, sample_rate: float, n_fft: int = 400, hop_length: int | None = None, n_mels: int = 40
) -> Array:
    """The logarithm of the mel spectrogram: how loud each pitch is at each time, as an ear tells it.

        out = log(max(filters @ |stft(x)|^2, 1e-10)),    the natural logarithm

    Args:
        x: sounds.
        sample_rate: samples a second.
        n_fft: the length of a frame, in samples (default 400).
        hop_length: from one frame to the next, in samples (default None: n_fft // 4).
        n_mels: how many filters (default 40).

    Returns:
        x (..., T) -> (..., n_mels, M), M = 1 + T // hop frames; float32 for float32.

    Raises:
        DataError: as `stft` and `mel_filters`.

    >>> log_mel(np.zeros(800), 8000, n_fft=128, n_mels=20).shape
    (20, 26)
    """
    power = np.abs(stft(x, n_fft, hop_length)) ** 2
    mel = np.matmul(mel_filters(sample_rate, n_fft, n_mels).astype(power.dtype), power)
    logarithms: Array = np.log(np.maximum(mel, SMALLEST))
    return logarithms


def mfcc(
    x: ArrayLike,
    sample_rate: float,
    n_mfcc: int = 13,
    n_fft: int = 400,
    hop_length: int | None = None,
    n_mels: int = 40,
) -> Array:
    """Mel-frequency cepstral coefficients: the first terms of the cosine transform of each column of `log_mel`.

    Few numbers tell the shape of the spectrum, whatever the pitch: for long, speech was recognized by them. The
    transform is the orthonormal DCT-II.

    Args:
        x: sounds.
        sample_rate: samples a second.
        n_mfcc: how many coefficients, at most n_mels (default 13).
        n_fft: the length of a frame, in samples (default 400).
        hop_length: from one frame to the next, in samples (default None: n_fft // 4).
        n_mels: how many filters (default 40).

    Returns:
        x (..., T) -> (..., n_mfcc, M).

    Raises:
        DataError: n_mfcc is not from 1 to n_mels; else as `log_mel`.

    Source: Davis and Mermelstein 1980. Deviation from torchaudio and librosa: natural logarithms, not decibels; theirs
    are 10 / log(10) times these.

    >>> mfcc(np.zeros(800), 8000, n_fft=128).shape
    (13, 26)
    """
    if not 1 <= n_mfcc <= n_mels:
        raise DataError(f"mfcc: n_mfcc must be from 1 to n_mels = {n_mels}, got {n_mfcc}.")
    mel = log_mel(x, sample_rate, n_fft, hop_length, n_mels)
    k, m = np.arange(n_mfcc)[:, None], np.arange(n_mels)
    cosines = np.cos(np.pi * k * (2 * m + 1) / (2 * n_mels)) * np.sqrt(2 / n_mels)
    cosines[0] /= np.sqrt(2)
    coefficients: Array = np.matmul(cosines.astype(mel.dtype), mel)
    return coefficients


def _scale(name: str, mel_scale: str) -> str:
    if mel_scale not in ("htk", "slaney"):
        raise DataError(f'{name}: mel_scale is "htk" or "slaney", not {mel_scale!r}.')
    return mel_scale
