"""Sound files: WAV without compression, read and written with the standard library."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from minigrad.data.download import PathLike
from minigrad.errors import DataError
from minigrad.typing import ArrayLike

FULL_SCALE: Final = {1: 2**7, 2: 2**15, 4: 2**31}
"""The integer that stands for 1.0, by the bytes of a sample."""


def read_wav(path: PathLike) -> tuple[NDArray[np.float32], int]:
    """Read a sound file.

    Args:
        path: a WAV file of 8, 16, 24 or 32 bits without compression.

    Returns:
        The sound float32 (C, T) from -1 to 1, one row a channel, and the number of samples a second.

    Raises:
        DataError: the file is missing, damaged, or of another kind.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_wav(f"{folder}/a.wav", [[0.0, 0.5, -0.5]], 4000)
    ...     read_wav(f"{folder}/a.wav")
    (array([[ 0. ,  0.5, -0.5]], dtype=float32), 4000)
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, count, *_ = file.getparams()
            content = file.readframes(count)
    except (OSError, EOFError, wave.Error) as error:
        raise DataError(f"{path} is no WAV file that can be read: {error or type(error).__name__}") from error
    content = content[: len(content) // (width * channels) * width * channels]
    if width == 3:
        triples = np.frombuffer(content, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(triples), 4), np.uint8)
        padded[:, 1:] = triples  # as the upper bytes of 32 bits
        values, width = padded.view("<i4")[:, 0].astype(np.float64), 4
    elif width == 1:
        values = np.frombuffer(content, np.uint8).astype(np.float64) - FULL_SCALE[1]
    else:
        values = np.frombuffer(content, f"<i{width}").astype(np.float64)
    if not len(values):
        raise DataError(f"{path} has no sound in it")
    return (values / FULL_SCALE[width]).astype(np.float32).reshape(-1, channels).T.copy(), rate


def write_wav(path: PathLike, sound: ArrayLike, sample_rate: int) -> None:
    """Write a sound file of 16 bits. Values outside of -1 to 1 are cut.

    Args:
        path: where to.
        sound: (C, T), one row a channel, or (T).
        sample_rate: samples a second.

    Raises:
        DataError: the sound has another number of dimensions, or a number that is not finite.
    """
    samples = np.atleast_2d(np.asarray(sound, np.float64))
    if samples.ndim != 2 or not np.isfinite(samples).all():
        raise DataError(f"write_wav: expected a sound (C, T) of finite numbers, got shape {np.shape(sound)}.")
    scaled = np.clip(np.rint(samples.T * FULL_SCALE[2]), -FULL_SCALE[2], FULL_SCALE[2] - 1)
    with wave.open(str(Path(path)), "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(scaled.astype("<i2").tobytes())
