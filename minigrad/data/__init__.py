"""Datasets, whole-batch transforms, and a loader whose randomness is a function of three integers.

A `Dataset` gives samples by index, a whole batch at a time; a transform changes the images of such a
batch; a `DataLoader` decides which samples come when, and yields them as tensors::

    train, test = digits()
    loader = DataLoader(train, batch_size=64, shuffle=True, transform=RandomAffine(degrees=10, fill=-0.1))
    for images, labels in loader:
        ...
"""

from minigrad.data.dataset import ArrayDataset, Dataset, stratified_split
from minigrad.data.digits import digits
from minigrad.data.loader import DataLoader
from minigrad.data.transform import Compose, Normalize, RandomAffine, Transform, affine, resize

__all__ = [
    "ArrayDataset",
    "Compose",
    "DataLoader",
    "Dataset",
    "Normalize",
    "RandomAffine",
    "Transform",
    "affine",
    "digits",
    "resize",
    "stratified_split",
]
