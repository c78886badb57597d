"""CIFAR-10 and CIFAR-100, from their binary archives: the others are pickles, which can run any code when read."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from minigrad.data.archive import read_tar
from minigrad.data.dataset import ArrayDataset
from minigrad.data.download import PathLike, RemoteFile, read_remote
from minigrad.data.resample import resize
from minigrad.errors import DataError

BASES: Final = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")

CIFAR10: Final = RemoteFile(
    "cifar/cifar-10-binary.tar.gz",
    170052171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    tuple(f"{base}cifar-10-binary.tar.gz" for base in BASES),
)
CIFAR100: Final = RemoteFile(
    "cifar/cifar-100-binary.tar.gz",
    168513733,
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    tuple(f"{base}cifar-100-binary.tar.gz" for base in BASES),
)

PIXELS: Final = 3 * 32 * 32


def cifar10(size: int = 32, folder: PathLike | None = None) -> tuple[ArrayDataset, ArrayDataset]:
    """60,000 small color photographs in 10 classes, 50,000 of them for training.

    The values are from 0 to 1; `Normalize((0.491, 0.482, 0.447), (0.247, 0.243, 0.262))` gives the training pixels
    mean 0 and standard deviation 1. Sizes other than 32 are resized bilinearly.

    Args:
        size: height and width S of the images, in pixels; the training set has 600,000 S^2 bytes (default 32).
        folder: where the archive is kept (default None: the folder that MINIGRAD_DATA names, or the user's cache).

    Returns:
        `(train, test)`, each with images float32 (N, 3, S, S) and labels int64 (N,).

    Raises:
        DataError: the archive is missing and cannot be downloaded, or `size` is not positive.
        MissingExtraError: the archive is missing and pooch, of the extra `data`, is not installed.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    train = [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)]
    parts = train, ["cifar-10-batches-bin/test_batch.bin"]
    return _train_and_test(CIFAR10, parts, "cifar-10-batches-bin/batches.meta.txt", 1, size, folder)


def cifar100(size: int = 32, folder: PathLike | None = None, coarse: bool = False) -> tuple[ArrayDataset, ArrayDataset]:
    """60,000 small color photographs in 100 classes, 50,000 of them for training.

    The values are from 0 to 1; `Normalize((0.507, 0.487, 0.441), (0.267, 0.256, 0.276))` gives the training pixels
    mean 0 and standard deviation 1. Sizes other than 32 are resized bilinearly.

    Args:
        size: height and width S of the images, in pixels; the training set has 600,000 S^2 bytes (default 32).
        folder: where the archive is kept (default None: the folder that MINIGRAD_DATA names, or the user's cache).
        coarse: whether labels are the 20 groups of 5 classes (default False: the 100 classes).

    Returns:
        `(train, test)`, each with images float32 (N, 3, S, S) and labels int64 (N,).

    Raises:
        DataError: the archive is missing and cannot be downloaded, or `size` is not positive.
        MissingExtraError: the archive is missing and pooch, of the extra `data`, is not installed.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    names = f"cifar-100-binary/{'coarse' if coarse else 'fine'}_label_names.txt"
    parts = ["cifar-100-binary/train.bin"], ["cifar-100-binary/test.bin"]
    return _train_and_test(CIFAR100, parts, names, 2, size, folder, 0 if coarse else -1)


def _train_and_test(
    source: RemoteFile,
    parts: tuple[list[str], list[str]],
    names: str,
    labels: int,
    size: int,
    folder: PathLike | None,
    label: int = -1,
) -> tuple[ArrayDataset, ArrayDataset]:
    """Read records of `labels` bytes of labels, of which number `label` counts, and 3,072 of pixels."""
    if size < 1:
        raise DataError(f"cifar: size must be at least 1 pixel, got {size}. Use 32 for the original images.")
    found = read_tar(read_remote(source, folder), source.name, [*parts[0], *parts[1], names])
    lines = found[names].decode("ascii", errors="replace").splitlines()
    classes = tuple(line.strip() for line in lines if line.strip())

    def part(members: list[str]) -> ArrayDataset:
        records = np.concatenate([_records(found[member], f"{source.name}: {member}", labels) for member in members])
        numbers = records[:, :labels][:, label].astype(np.int64)
        if numbers.max(initial=0) >= len(classes):
            raise DataError(f"{source.name} is damaged: it has the label {numbers.max()}, of {len(classes)} classes")
        return ArrayDataset(_scaled(records[:, labels:], size), numbers, classes=classes)

    train, test = map(part, parts)
    return train, test


def _records(content: bytes, name: str, labels: int) -> NDArray[np.uint8]:
    length = labels + PIXELS
    if not content or len(content) % length:
        raise DataError(f"{name} is damaged: its {len(content):,} bytes are no records of {length:,}")
    return np.frombuffer(content, np.uint8).reshape(-1, length)


def _scaled(pixels: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Bytes (N, 3072) as float32 (N, 3, S, S) from 0 to 1, in one pass over the result."""
    scaled = np.empty((len(pixels), 3, size, size), np.float32)
    for start in range(0, len(pixels), 1000):  # at once, the temporaries would need several times the memory
        block = pixels[start : start + 1000].reshape(-1, 3, 32, 32).astype(np.float32)
        scaled[start : start + 1000] = block if size == 32 else resize(block, size)
    scaled /= 255
    return scaled
