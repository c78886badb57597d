"""CIFAR: small archives in the true format, fetched from a local server, become right arrays."""

import dataclasses
import sys

import numpy as np
import pytest

from minigrad.data import cifar10, cifar100
from minigrad.data.datasets import cifar
from minigrad.errors import DataError, MissingExtraError
from tests.data.server import cifar_records, tar_gz

pytest.importorskip("pooch")

FINE = "".join(f"fine{i}\n" for i in range(100)).encode() + b"\n"

COARSE = "".join(f"coarse{i}\n" for i in range(20)).encode()

NAMES = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"


def cifar10_archive(*extra, train=(2, 2, 2, 2, 2), test=3):
    batches = [(f"cifar-10-batches-bin/data_batch_{i}.bin", cifar_records(n, 1, i)) for i, n in enumerate(train, 1)]
    last = ("cifar-10-batches-bin/test_batch.bin", cifar_records(test, 1))
    return tar_gz(("cifar-10-batches-bin/batches.meta.txt", NAMES), *batches, last, *extra)


def test_cifar10_gives_images_labels_and_class_names(server, monkeypatch):
    monkeypatch.setattr(cifar, "CIFAR10", server.serve("c.tgz", cifar10_archive()))
    train, test = cifar10()
    images, labels = train.arrays
    assert (images.dtype, images.shape, labels.dtype) == (np.float32, (10, 3, 32, 32), np.int64)
    assert labels.tolist() == [0, 1] * 5
    assert test.arrays[1].tolist() == [0, 1, 2]
    assert train.classes[:2] == ("airplane", "automobile")
    assert len(train.classes) == 10
    record = np.frombuffer(cifar_records(2, 1, 3), np.uint8).reshape(2, -1)[1, 1:]
    red, green, blue = record.reshape(3, 32, 32) / 255  # a record is all of red, then green, then blue, row by row
    np.testing.assert_allclose(images[5], [red, green, blue], atol=1e-6)
    assert cifar10(size=16)[1].arrays[0].shape == (3, 3, 16, 16)


@pytest.mark.parametrize("coarse", [False, True])
def test_cifar100_has_fine_and_coarse_labels(server, monkeypatch, coarse):
    content = tar_gz(
        ("cifar-100-binary/coarse_label_names.txt", COARSE),
        ("cifar-100-binary/fine_label_names.txt", FINE),
        ("cifar-100-binary/train.bin", cifar_records(4, 2)),
        ("cifar-100-binary/test.bin", cifar_records(2, 2)),
    )
    monkeypatch.setattr(cifar, "CIFAR100", server.serve("c.tgz", content))
    train, test = cifar100(coarse=coarse)
    assert train.arrays[1].tolist() == ([0, 1, 2, 3] if coarse else [0, 10, 20, 30])
    assert len(train.classes) == (20 if coarse else 100)
    assert test.arrays[0].shape == (2, 3, 32, 32)
    record = np.frombuffer(cifar_records(4, 2), np.uint8).reshape(4, -1)[2, 2:]
    np.testing.assert_allclose(train.arrays[0][2].ravel(), record / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (cifar10_archive(("../evil", b"")), r"the path of its member '\.\./evil' leads elsewhere"),
        (cifar10_archive(train=(2, 2, 2, 2)), r"does not hold cifar-10-batches-bin/data_batch_5\.bin"),
        (cifar10_archive(test=12), "it has the label 11, of 10 classes"),
        (cifar10_archive(test=0), r"test_batch\.bin is damaged: its 0 bytes are no records of 3,073"),
    ],
    ids=["path", "missing", "label", "size"],  # the bytes themselves differ with the time
)
def test_an_archive_of_right_hash_but_wrong_content_is_refused(server, monkeypatch, archive, message):
    monkeypatch.setattr(cifar, "CIFAR10", server.serve("c.tgz", archive))
    with pytest.raises(DataError, match=message):
        cifar10()


def test_a_damaged_download_is_refused_and_leaves_nothing(server, monkeypatch, tmp_path):
    file = server.serve("c.tgz", cifar10_archive())
    server.files["c.tgz"] = file_content = bytearray(server.files["c.tgz"])
    file_content[100] ^= 1
    monkeypatch.setattr(cifar, "CIFAR10", file)
    with pytest.raises(DataError, match="SHA-256"):
        cifar10()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_without_a_network_and_without_pooch_the_true_names_are_told(server, monkeypatch, tmp_path):
    offline = dataclasses.replace(cifar.CIFAR10, urls=(server.base + "missing",))
    monkeypatch.setattr(cifar, "CIFAR10", offline)
    with pytest.raises(DataError) as error:
        cifar10()
    assert "cannot download cifar-10-binary.tar.gz (170,052,171 bytes)" in str(error.value)
    assert f"put it into the folder {tmp_path / 'cifar'} " in str(error.value)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r'needs pooch: pip install "minigrad\[data\]"'):
        cifar10()


def test_a_size_of_no_pixels_is_explained():
    with pytest.raises(DataError, match="cifar: size must be at least 1 pixel, got 0"):
        cifar10(size=0)
