"""The handwritten digits that come with scikit-learn, without a download."""

import numpy as np

from minigrad.data.dataset import ArrayDataset
from minigrad.data.resample import resize
from minigrad.data.split import stratified_split
from minigrad.errors import DataError, MissingExtraError

BACKGROUND, FOREGROUND = -0.1, 1.175
"""The values of paper and full ink in the normalized images."""


def digits(
    size: int = 32, seed: int = 0, test_fraction: float = 0.2, margin: int = 0
) -> tuple[ArrayDataset, ArrayDataset]:
    """1,797 real handwritten digits, for training and for testing.

    The 8 x 8 images are resized bilinearly; paper becomes -0.1 and full ink 1.175, as for LeNet-5. At
    32 x 32 and without a margin they have the size of the bitmaps they come from. `margin=2` surrounds
    28 x 28 digits with background as LeNet-5's paper does, and is no better here.
    The test part has ceil(test_fraction * 1797) samples, the same share of every class.

    Args:
        size: height and width S of the images, in pixels (default 32).
        seed: chooses the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).
        margin: background on each side, in pixels (default 0).

    Returns:
        `(train, test)`, each with images float32 (N, 1, S, S) and labels int64 (N,).

    Raises:
        MissingExtraError: scikit-learn, of the extra `data`, is not installed.
        DataError: the margins leave no pixel, `test_fraction` is not between 0 and 1, or the seed is negative.

    Source: the digits, E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (its
    test set, of 13 people); the values, Y. LeCun et al., "Gradient-based learning applied to document
    recognition", 1998, section II.B. Here they give a mean of 0.3 and a standard deviation of 0.4, there 0 and 1.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("scikit-learn", extra="data", purpose="the digits dataset") from error
    if not 0 <= margin < size / 2:
        raise DataError(
            f"digits: the margins must leave at least one pixel, got size={size} and margin={margin}. "
            f"Use margin=0 for digits that fill the image."
        )
    raw = load_digits()
    ink = resize(raw.images[:, None].astype(np.float32) / 16, size - 2 * margin)
    ink = np.pad(ink, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    images = ink * np.float32(FOREGROUND - BACKGROUND) + np.float32(BACKGROUND)
    labels = raw.target.astype(np.int64)
    classes = tuple(str(name) for name in raw.target_names)
    train, test = (
        ArrayDataset(images[part], labels[part], classes=classes)
        for part in stratified_split(labels, test_fraction, seed)
    )
    return train, test
