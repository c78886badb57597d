"""Spectrograms: SciPy's numbers, the way back, and what filters and coefficients are by their formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import hann_window, hz_to_mel, istft, log_mel, mel_filters, mel_to_hz, mfcc, stft
from minigrad.errors import DataError

signal = pytest.importorskip("scipy.signal")


@st.composite
def transforms(draw):
    """A sound, a length of frames and a hop of at most half of it, with which all samples are seen."""
    n_fft = draw(st.integers(4, 64))
    hop = draw(st.integers(1, n_fft // 2))
    shape = (*draw(st.sampled_from([(), (3,), (2, 1)])), draw(st.integers(2 * n_fft, 300)))
    return np.random.default_rng(n_fft * hop).normal(size=shape), n_fft, hop


@given(transforms(), st.booleans())
def test_stft_is_scipys(case, center):
    x, n_fft, hop = case
    window = signal.get_window("hann", n_fft)  # periodic
    np.testing.assert_allclose(hann_window(n_fft), window, atol=1e-12)
    ours = stft(x, n_fft, hop, center=center)
    if center:
        half = n_fft // 2
        x = signal._arraytools.even_ext(x, half, axis=-1)
    _, _, theirs = signal.stft(x, window=window, nperseg=n_fft, noverlap=n_fft - hop, boundary=None, padded=False)
    np.testing.assert_allclose(ours, theirs * window.sum(), atol=1e-10)


@given(transforms(), st.booleans())
def test_istft_is_the_way_back(case, center):
    x, n_fft, hop = case
    z = stft(x, n_fft, hop, center=center)
    back = istft(z, n_fft, hop, center=center, length=x.shape[-1])
    assert back.shape == x.shape
    # At the ends, the first window is about 0, and samples behind the last frame are seen by none.
    seen = slice(None) if center else slice(1, None)
    last = (z.shape[-1] - 1) * hop + (n_fft // 2 if center else n_fft - 1)
    np.testing.assert_allclose(back[..., seen][..., : last - 1], x[..., seen][..., : last - 1], atol=1e-6)
    assert istft(z, n_fft, hop, center=center).shape[-1] == (z.shape[-1] - 1) * hop + (n_fft % 2 if center else n_fft)


def test_the_dtype_of_single_precision_is_kept():
    x = np.ones(400, np.float32)
    assert stft(x, 64).dtype == np.complex64
    assert istft(stft(x, 64), 64).dtype == np.float32
    assert log_mel(x, 8000, 64, n_mels=8).dtype == mfcc(x, 8000, 3, 64, n_mels=8).dtype == np.float32
    assert stft(np.ones(400, np.int64), 64).dtype == np.complex128


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_the_mel_scale_rises_and_has_its_inverse(scale):
    f = np.linspace(0, 8000, 1001)
    mel = hz_to_mel(f, scale)
    assert (np.diff(mel) > 0).all()
    np.testing.assert_allclose(mel_to_hz(mel, scale), f, atol=1e-8)
    assert np.all(np.diff(f) / np.diff(mel) >= np.diff(f)[0] / np.diff(mel)[0] - 1e-9)  # high ones lie closer


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("norm", [None, "slaney"])
def test_filters_are_triangles_that_cover_all_frequencies(scale, norm):
    filters = mel_filters(8000, 2048, 20, norm=norm, mel_scale=scale)
    assert filters.shape == (20, 1025)
    assert (filters >= 0).all()
    assert (np.diff(filters.argmax(axis=1)) > 0).all()
    if norm is None:
        inner = slice(filters[0].argmax() + 1, filters[-1].argmax())
        np.testing.assert_allclose(filters.sum(axis=0)[inner], 1, atol=1e-9)
    else:
        np.testing.assert_allclose(filters.sum(axis=1) * 8000 / 2048, 1, rtol=0.02)  # the area of each


def test_a_tone_sounds_where_its_pitch_is():
    x = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    filters = mel_filters(8000, 256, 30)
    loudest = log_mel(x, 8000, 256, n_mels=30)[:, 5:-5].argmax(axis=0)
    assert (loudest == filters[:, 32].argmax()).all()  # 32 * 8000 / 256 = 1000


def test_mfcc_is_scipys_cosine_transform_of_log_mel():
    fft = pytest.importorskip("scipy.fft")
    x = np.random.default_rng(0).normal(size=(2, 900))
    mel = log_mel(x, 8000, 128, n_mels=20)
    np.testing.assert_allclose(mfcc(x, 8000, 20, 128, n_mels=20), fft.dct(mel, axis=-2, norm="ortho"), atol=1e-9)


@pytest.mark.peer
def test_the_conventions_are_pytorchs():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 500))
    theirs = torch.stft(torch.from_numpy(x), 64, 20, window=torch.hann_window(64).double(), return_complex=True)
    np.testing.assert_allclose(stft(x, 64, 20), theirs.numpy(), atol=1e-5)
    back = torch.istft(theirs, 64, 20, window=torch.hann_window(64).double())
    np.testing.assert_allclose(istft(theirs.numpy(), 64, 20), back.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (lambda: stft(np.ones(10), 64), "a sound of 10 samples cannot be mirrored by n_fft // 2 = 32"),
        (lambda: stft(np.ones(10), 64, center=False), "a sound of 10 samples has no frame of n_fft=64"),
        (lambda: stft(np.ones(10), 4, 0), "n_fft and hop_length must be at least 1, got 4 and 0"),
        (lambda: stft(np.ones(100), 4, window=np.ones(3)), r"the window must have the shape \(4,\) of n_fft"),
        (lambda: stft(np.ones(100, complex), 4), "expected real sounds"),
        (lambda: istft(np.ones((4, 3)), 8), r"expected spectra \(\.\.\., n_fft // 2 \+ 1 = 5, M\)"),
        (lambda: mel_filters(8000, n_mels=0), "needs at least one filter"),
        (lambda: mel_filters(8000, norm="area"), 'norm is None or "slaney"'),
        (lambda: hz_to_mel(1.0, "bark"), 'mel_scale is "htk" or "slaney", not \'bark\''),
        (lambda: mfcc(np.ones(1000), 8000, 41), "n_mfcc must be from 1 to n_mels = 40, got 41"),
        (lambda: hann_window(0), "length must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_explained(fail, message):
    with pytest.raises(DataError, match=message):
        fail()
