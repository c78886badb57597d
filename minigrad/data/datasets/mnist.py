"""MNIST and Fashion-MNIST, from their original files."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from minigrad.data.archive import read_idx
from minigrad.data.dataset import ArrayDataset
from minigrad.data.datasets.digits import BACKGROUND, FOREGROUND
from minigrad.data.download import PathLike, RemoteFile, read_remote
from minigrad.data.resample import resize
from minigrad.errors import DataError
from minigrad.typing import Array

DIGIT_CLASSES: Final = tuple("0123456789")
FASHION_CLASSES: Final = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip

TRAIN, TEST = "train", "t10k"


def _files(folder: str, bases: tuple[str, ...], *facts: tuple[str, int, str]) -> dict[str, RemoteFile]:
    return {
        name: RemoteFile(f"{folder}/{name}.gz", size, sha256, tuple(f"{base}{name}.gz" for base in bases))
        for name, size, sha256 in facts
    }


MNIST: Final = _files(
    "mnist",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    ("train-images-idx3-ubyte", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    ("train-labels-idx1-ubyte", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ("t10k-images-idx3-ubyte", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    ("t10k-labels-idx1-ubyte", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)

FASHION_MNIST: Final = _files(
    "fashion-mnist",
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    ("train-images-idx3-ubyte", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    ("train-labels-idx1-ubyte", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    ("t10k-images-idx3-ubyte", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    ("t10k-labels-idx1-ubyte", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)


def mnist(size: int = 32, margin: int = 2, folder: PathLike | None = None) -> tuple[ArrayDataset, ArrayDataset]:
    """70,000 handwritten digits, 60,000 of them for training.

    Paper becomes -0.1 and full ink 1.175, and 28 x 28 digits are surrounded with background, both as for LeNet-5:
    the pixels' mean is then about 0 and their standard deviation about 1. Other sizes are resized bilinearly.

    Args:
        size: height and width S of the images, in pixels; the training set has 240,000 S^2 bytes (default 32).
        margin: background on each side, in pixels; 0 with size=28 gives the original images (default 2).
        folder: where the files are kept (default None: the folder that MINIGRAD_DATA names, or the user's cache).

    Returns:
        `(train, test)`, each with images float32 (N, 1, S, S) and labels int64 (N,).

    Raises:
        DataError: a file is missing and cannot be downloaded, or the margins leave no pixel.
        MissingExtraError: a file is missing and pooch, of the extra `data`, is not installed.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.
    """
    return _train_and_test("mnist", MNIST, DIGIT_CLASSES, size, margin, folder)


def fashion_mnist(size: int = 32, margin: int = 2, folder: PathLike | None = None) -> tuple[ArrayDataset, ArrayDataset]:
    """70,000 gray photographs of clothes in 10 classes, 60,000 of them for training.

    Background becomes -0.1 and white 1.175, as for `mnist`; other sizes are resized bilinearly.

    Args:
        size: height and width S of the images, in pixels; the training set has 240,000 S^2 bytes (default 32).
        margin: background on each side, in pixels; 0 with size=28 gives the original images (default 2).
        folder: where the files are kept (default None: the folder that MINIGRAD_DATA names, or the user's cache).

    Returns:
        `(train, test)`, each with images float32 (N, 1, S, S) and labels int64 (N,).

    Raises:
        DataError: a file is missing and cannot be downloaded, or the margins leave no pixel.
        MissingExtraError: a file is missing and pooch, of the extra `data`, is not installed.

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017.
    """
    return _train_and_test("fashion_mnist", FASHION_MNIST, FASHION_CLASSES, size, margin, folder)


def _train_and_test(
    function: str,
    files: dict[str, RemoteFile],
    classes: tuple[str, ...],
    size: int,
    margin: int,
    folder: PathLike | None,
) -> tuple[ArrayDataset, ArrayDataset]:
    if not 0 <= margin < size / 2:
        raise DataError(
            f"{function}: the margins must leave at least one pixel, got size={size} and margin={margin}. "
            f"Use size=28, margin=0 for the original images."
        )

    def part(prefix: str) -> ArrayDataset:
        images, labels = _images_and_labels(files, prefix, len(classes), folder)
        return ArrayDataset(_scaled(images, size, margin), labels.astype(np.int64), classes=classes)

    return part(TRAIN), part(TEST)


def _images_and_labels(
    files: dict[str, RemoteFile], prefix: str, classes: int, folder: PathLike | None
) -> tuple[Array, Array]:
    sources = [files[f"{prefix}-images-idx3-ubyte"], files[f"{prefix}-labels-idx1-ubyte"]]
    images, labels = (read_idx(read_remote(source, folder), source.name) for source in sources)
    if images.ndim != 3 or labels.shape != (len(images),) or images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise DataError(
            f"{sources[0].name} and {sources[1].name} are no images and labels of bytes: they hold {images.dtype} "
            f"{images.shape} and {labels.dtype} {labels.shape}"
        )
    if labels.max(initial=0) >= classes:
        raise DataError(f"{sources[1].name} is damaged: it has the label {labels.max()}, of {classes} classes")
    return images, labels


def _scaled(images: Array, size: int, margin: int) -> NDArray[np.float32]:
    """Bytes (N, H, W) as float32 (N, 1, S, S) from background to foreground, in one pass over the result."""
    scaled = np.full((len(images), 1, size, size), BACKGROUND, np.float32)
    inner = size - 2 * margin
    for start in range(0, len(images), 1000):  # at once, the temporaries would need several times the memory
        block = images[start : start + 1000, None].astype(np.float32)
        block = block if block.shape[2:] == (inner, inner) else resize(block, inner)
        block *= np.float32((FOREGROUND - BACKGROUND) / 255)
        block += np.float32(BACKGROUND)
        scaled[start : start + 1000, :, margin : size - margin, margin : size - margin] = block
    return scaled
