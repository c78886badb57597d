"""WAV files: what is written is read again, whatever the width of a sample."""

import wave

import numpy as np
import pytest

from minigrad.data import read_wav, write_wav
from minigrad.errors import DataError


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read_again(tmp_path, channels):
    sound = np.random.default_rng(0).uniform(-1, 1, (channels, 50))
    write_wav(tmp_path / "a.wav", sound, 8000)
    read, rate = read_wav(tmp_path / "a.wav")
    assert (rate, read.dtype) == (8000, np.float32)
    np.testing.assert_allclose(read, sound, atol=2**-15)


def test_values_outside_are_cut(tmp_path):
    write_wav(tmp_path / "a.wav", [-3.0, 0.25, 3.0], 4000)
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav")[0], [[-1, 0.25, 1 - 2**-15]])


@pytest.mark.parametrize(
    ("width", "content"), [(1, b"\x80\xc0"), (2, b"\0\0\0\x40"), (3, b"\0\0\0\0\0\x40"), (4, b"\0\0\0\0\0\0\0\x40")]
)
def test_all_widths_of_samples_are_read(tmp_path, width, content):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, width, 4000, 0, "NONE", ""))
        file.writeframes(content)
    np.testing.assert_array_equal(read_wav(tmp_path / "a.wav")[0], [[0, 0.5]])


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    for name in ("a.wav", "missing.wav"):
        with pytest.raises(DataError, match="is no WAV file that can be read"):
            read_wav(tmp_path / name)
    write_wav(tmp_path / "empty.wav", np.zeros((1, 0)), 4000)
    with pytest.raises(DataError, match="has no sound in it"):
        read_wav(tmp_path / "empty.wav")
    for sound in (np.zeros((1, 2, 3)), [np.nan]):
        with pytest.raises(DataError, match=r"expected a sound \(C, T\) of finite numbers"):
            write_wav(tmp_path / "b.wav", sound, 4000)
