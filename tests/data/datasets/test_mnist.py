"""MNIST and Fashion-MNIST: small files in the true format, fetched from a local server, become right arrays."""

import gzip

import numpy as np
import pytest

from minigrad.data import fashion_mnist, mnist
from minigrad.data.datasets import cifar
from minigrad.data.datasets import mnist as module
from minigrad.errors import DataError
from tests.data.server import idx, mnist_files

pytest.importorskip("pooch")


@pytest.mark.parametrize(("make", "constant"), [(mnist, "MNIST"), (fashion_mnist, "FASHION_MNIST")])
def test_the_original_files_become_images_and_labels(server, monkeypatch, make, constant):
    monkeypatch.setattr(module, constant, mnist_files(server))
    train, test = make(size=28, margin=0)
    for part, count in ((train, 7), (test, 3)):
        images, labels = part.arrays
        original = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        assert (images.dtype, images.shape, labels.dtype) == (np.float32, (count, 1, 28, 28), np.int64)
        np.testing.assert_allclose(images[:, 0], original / 255 * 1.275 - 0.1, atol=1e-6)
        np.testing.assert_array_equal(labels, np.arange(count))
        assert len(part.classes) == 10


def test_margins_are_background_around_the_resized_digits(server, monkeypatch):
    monkeypatch.setattr(module, "MNIST", mnist_files(server))
    plain, framed, half = (mnist(*sizes)[0].arrays[0] for sizes in ((28, 0), (32, 2), (16, 1)))
    np.testing.assert_array_equal(framed[:, :, 2:-2, 2:-2], plain)
    frame = np.ones((32, 32), bool)
    frame[2:-2, 2:-2] = False
    assert np.all(framed[:, 0, frame] == np.float32(-0.1))
    pairs = plain.reshape(7, 1, 14, 2, 14, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(half[:, :, 1:-1, 1:-1], pairs, atol=1e-5)


def test_many_images_are_scaled_as_few_are(server, monkeypatch):
    monkeypatch.setattr(module, "MNIST", mnist_files(server, train=2300, test=1))
    images = mnist(28, 0)[0].arrays[0]
    original = np.random.default_rng(2300).integers(0, 256, (2300, 28, 28), dtype=np.uint8)
    np.testing.assert_allclose(images[:, 0], original / 255 * 1.275 - 0.1, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((7, 28, 28)), np.zeros(6), r"hold uint8 \(7, 28, 28\) and uint8 \(6,\)"),
        (np.zeros((7, 784)), np.zeros(7), r"hold uint8 \(7, 784\) and uint8 \(7,\)"),
        (np.zeros((7, 28, 28)), np.full(7, 10), "is damaged: it has the label 10, of 10 classes"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(server, monkeypatch, images, labels, message):
    files = mnist_files(server)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        content = gzip.compress(idx(array.astype(np.uint8)))
        files[f"train-{name}-ubyte"] = server.serve(f"other-{name}.gz", content)
    monkeypatch.setattr(module, "MNIST", files)
    with pytest.raises(DataError, match=message):
        mnist()


def test_a_right_hash_does_not_excuse_a_wrong_format(server, monkeypatch):
    files = mnist_files(server)
    files["train-labels-idx1-ubyte"] = server.serve("bad.gz", b"no gzip")
    monkeypatch.setattr(module, "MNIST", files)
    with pytest.raises(DataError, match=r"set/bad\.gz is damaged"):
        mnist()


@pytest.mark.parametrize(("size", "margin"), [(4, 2), (32, -1)])
def test_margins_that_leave_no_pixel_are_explained(size, margin):
    with pytest.raises(DataError) as error:
        mnist(size, margin)
    assert str(error.value) == (
        f"mnist: the margins must leave at least one pixel, got size={size} and margin={margin}. "
        "Use size=28, margin=0 for the original images."
    )


@pytest.mark.parametrize(
    "file", [*module.MNIST.values(), *module.FASHION_MNIST.values(), cifar.CIFAR10, cifar.CIFAR100], ids=str
)
def test_the_registry_is_well_formed(file):
    assert len(file.sha256) == 64
    assert int(file.sha256, 16) > 0
    assert len(file.urls) >= 2
    for url in file.urls:
        assert url.startswith(("https://", "http://fashion-mnist.s3-website"))
        assert url.rsplit("/", 1)[1] == file.name.rsplit("/", 1)[1]
