"""Spectra of sound over time, on NumPy arrays: the short-time Fourier transform and its inverse.

Names and conventions are those of torchaudio and librosa: windows are periodic Hann windows, frames are centered on
multiples of the hop (`center=True`), and frequency stands before time.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minigrad.errors import DataError
from minigrad.typing import Array, ArrayLike

UNSEEN: Final = 1e-10
"""Where the squares of all windows add up to less, no frame shows anything."""


def hann_window(length: int) -> Array:
    """The periodic Hann window: w[k] = sin(pi k / length)^2.

    Args:
        length: how many numbers, at least 1.

    Returns:
        (length), float64.

    Raises:
        DataError: the length is not positive.

    >>> hann_window(4).round(2).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if length < 1:
        raise DataError(f"hann_window: length must be at least 1, got {length}. Use the n_fft of the transform.")
    window: Array = np.sin(np.pi * np.arange(length) / length) ** 2
    return window


def stft(
    x: ArrayLike,
    n_fft: int = 400,
    hop_length: int | None = None,
    window: ArrayLike | None = None,
    center: bool = True,
) -> Array:
    """The short-time Fourier transform: the spectrum of each of many frames that overlap.

        out[f, m] = sum over k of window[k] x[m hop + k] exp(-2 pi i f k / n_fft)

    With `center`, x is first continued by its mirror image by n_fft/2 samples on each side, so that frame m is centered
    on sample m hop.

    Args:
        x: sounds, one number a sample of time.
        n_fft: the length of a frame, in samples (default 400).
        hop_length: from one frame to the next, in samples (default None: n_fft // 4).
        window: by which frames are multiplied, (n_fft) (default None: `hann_window`).
        center: whether frames are centered (default True).

    Returns:
        x (..., T) -> (..., n_fft // 2 + 1, M) complex, M = 1 + T // hop frames, without `center`
        1 + (T - n_fft) // hop; complex64 for float32.

    Raises:
        DataError: a length is not positive, the window has another length, or the sound is too short for a frame.

    Source: J. B. Allen, "Short term spectral analysis, synthesis, and modification by discrete Fourier transform",
    1977; `torch.stft` and `librosa.stft` (whose n_fft is 2048 by default) give the same.

    >>> x = np.sin(2 * np.pi * 100 * np.arange(800) / 800)  # 100 Hz, at 800 samples a second
    >>> z = stft(x, n_fft=64)
    >>> z.shape, int(abs(z[:, 20]).argmax()) * 800 / 64
    ((33, 51), 100.0)
    """
    samples, weights, hop = _checked("stft", x, n_fft, hop_length, window)
    if center:
        if samples.shape[-1] <= n_fft // 2:
            raise DataError(
                f"stft: a sound of {samples.shape[-1]} samples cannot be mirrored by n_fft // 2 = {n_fft // 2} of "
                "them. Use a smaller n_fft, or center=False."
            )
        samples = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(n_fft // 2, n_fft // 2)], mode="reflect")
    if samples.shape[-1] < n_fft:
        raise DataError(
            f"stft: a sound of {samples.shape[-1]} samples has no frame of n_fft={n_fft}. Use a smaller n_fft."
        )
    frames = sliding_window_view(samples, n_fft, axis=-1)[..., ::hop, :]
    spectra: Array = np.fft.rfft(frames * weights, axis=-1).swapaxes(-1, -2)
    return spectra.astype(np.complex64) if samples.dtype == np.float32 else spectra


def istft(
    z: ArrayLike,
    n_fft: int = 400,
    hop_length: int | None = None,
    window: ArrayLike | None = None,
    center: bool = True,
    length: int | None = None,
) -> Array:
    """The sound whose `stft` is closest to z; the sound itself where z is one, but for what no frame shows.

        x[t] = sum over frames of window y / sum over frames of window^2,    y the inverse transform of each

    Args:
        z: spectra, as `stft` gives them.
        n_fft: the length of a frame, in samples (default 400).
        hop_length: from one frame to the next, in samples (default None: n_fft // 4).
        window: by which frames were multiplied, (n_fft) (default None: `hann_window`).
        center: whether frames were centered (default True).
        length: T, to which the sound is cut, or continued by zeros (default None: what the frames cover).

    Returns:
        z (..., n_fft // 2 + 1, M) -> (..., T) real; T = (M - 1) hop unless `length` is given, without `center`
        (M - 1) hop + n_fft.

    Raises:
        DataError: a length is not positive, the window or z has another length.

    Source: D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform", 1984; as
    `torch.istft` and `librosa.istft`.

    >>> x = np.random.default_rng(0).normal(size=1000)
    >>> np.allclose(istft(stft(x, 64), 64, length=1000), x)
    True
    """
    spectra = np.asarray(z)
    if spectra.ndim < 2 or spectra.shape[-2] != n_fft // 2 + 1 or not spectra.shape[-1]:
        raise DataError(
            f"istft: expected spectra (..., n_fft // 2 + 1 = {n_fft // 2 + 1}, M) of at least one frame, got shape "
            f"{spectra.shape}. Use the n_fft of the stft."
        )
    frames = np.fft.irfft(spectra.swapaxes(-1, -2), n_fft, axis=-1)
    _, weights, hop = _checked("istft", frames, n_fft, hop_length, window)
    total = (frames.shape[-2] - 1) * hop + n_fft
    sound, squares = np.zeros((*frames.shape[:-2], total), frames.dtype), np.zeros(total)
    for m in range(frames.shape[-2]):
        sound[..., m * hop : m * hop + n_fft] += weights * frames[..., m, :]
        squares[m * hop : m * hop + n_fft] += weights**2
    sound /= np.where(squares > UNSEEN, squares, 1)  # where no frame shows anything, 0 stays 0
    sound = sound[..., n_fft // 2 :] if center else sound
    cut = (total - 2 * (n_fft // 2) if center else total) if length is None else length
    sound = sound[..., :cut]
    if sound.shape[-1] < cut:
        sound = np.pad(sound, [(0, 0)] * (sound.ndim - 1) + [(0, cut - sound.shape[-1])])
    return sound.astype(np.float32) if spectra.dtype == np.complex64 else sound


def _checked(
    name: str, x: ArrayLike, n_fft: int, hop_length: int | None, window: ArrayLike | None
) -> tuple[Array, Array, int]:
    """The samples as floating numbers, the window in their dtype, and the hop."""
    hop = n_fft // 4 if hop_length is None else hop_length
    if n_fft < 1 or hop < 1:
        raise DataError(f"{name}: n_fft and hop_length must be at least 1, got {n_fft} and {hop}.")
    samples = np.asarray(x)
    if samples.ndim < 1 or samples.dtype.kind not in "fiu":
        raise DataError(f"{name}: expected real sounds (..., T), got {samples.dtype} of shape {samples.shape}.")
    samples = samples if samples.dtype.kind == "f" else samples.astype(np.float64)
    weights = hann_window(n_fft) if window is None else np.asarray(window)
    if weights.shape != (n_fft,):
        raise DataError(f"{name}: the window must have the shape ({n_fft},) of n_fft, got {weights.shape}.")
    return samples, weights.astype(samples.dtype), hop
