"""Datasets, whole-batch transforms, and a loader whose randomness is a function of three integers.

A `Dataset` gives samples by number, one at a time or a whole batch at a time; a transform changes the images of
such a batch; a `DataLoader` decides which samples come when, and yields them as tensors::

    train, test = digits()
    loader = DataLoader(train, batch_size=64, shuffle=True, transform=RandomAffine(degrees=10, fill=-0.1))
    for images, labels in loader:
        ...

Functions that give `(train, test)`: `digits`, `mnist`, `fashion_mnist`, `cifar10`, `cifar100` and `image_folder`
(images and labels), `tar_shards` and `parquet_files` (what is larger than memory), `scenes` (images, labels and
boxes), `moving_digits` (videos and directions), `spirals`, `moons` and `circles` (points and labels), `tones`
(sounds and labels) and `docstrings` (tokens, and those that follow).

Sound: `stft`, `istft`, `log_mel`, `mfcc`, `read_wav`. Text: `CharacterTokenizer`, `BytePairTokenizer`.
"""

from minigrad.data.byte_pair import BytePairTokenizer
from minigrad.data.check import CheckedSamples, check_samples
from minigrad.data.collation import collate
from minigrad.data.color import ColorJitter
from minigrad.data.crop import CenterCrop, Cutout, Pad, RandomCrop, RandomFlip
from minigrad.data.dataset import ArrayDataset, Dataset
from minigrad.data.datasets.cifar import cifar10, cifar100
from minigrad.data.datasets.digits import digits
from minigrad.data.datasets.docstrings import docstring_text, docstrings
from minigrad.data.datasets.mnist import fashion_mnist, mnist
from minigrad.data.datasets.moving_digits import moving_digits
from minigrad.data.datasets.scenes import scenes
from minigrad.data.datasets.tones import tones
from minigrad.data.datasets.toy import circles, moons, spirals
from minigrad.data.folder import ImageFolder, image_folder
from minigrad.data.image import read_image
from minigrad.data.iterable import IterableDataset
from minigrad.data.loader import DataLoader
from minigrad.data.mel import hz_to_mel, log_mel, mel_filters, mel_to_hz, mfcc
from minigrad.data.memmap import Memmap
from minigrad.data.mixup import BatchTransform, Mixup
from minigrad.data.pack import PackedShards, pack_images
from minigrad.data.parquet import Parquet, parquet_files
from minigrad.data.resample import RandomAffine, Resize, affine, resize
from minigrad.data.shards import TarShards, tar_shards
from minigrad.data.spectrogram import hann_window, istft, stft
from minigrad.data.split import Subset, random_split, stratified_split
from minigrad.data.stream import StreamLoader
from minigrad.data.tar_stream import TarStream
from minigrad.data.tokenizer import CharacterTokenizer, Tokenizer
from minigrad.data.transform import Compose, Normalize, ToRGB, Transform
from minigrad.data.wav import read_wav, write_wav

__all__ = [
    "ArrayDataset",
    "BatchTransform",
    "BytePairTokenizer",
    "CenterCrop",
    "CharacterTokenizer",
    "CheckedSamples",
    "ColorJitter",
    "Compose",
    "Cutout",
    "DataLoader",
    "Dataset",
    "ImageFolder",
    "IterableDataset",
    "Memmap",
    "Mixup",
    "Normalize",
    "PackedShards",
    "Pad",
    "Parquet",
    "RandomAffine",
    "RandomCrop",
    "RandomFlip",
    "Resize",
    "StreamLoader",
    "Subset",
    "TarShards",
    "TarStream",
    "ToRGB",
    "Tokenizer",
    "Transform",
    "affine",
    "check_samples",
    "cifar10",
    "cifar100",
    "circles",
    "collate",
    "digits",
    "docstring_text",
    "docstrings",
    "fashion_mnist",
    "hann_window",
    "hz_to_mel",
    "image_folder",
    "istft",
    "log_mel",
    "mel_filters",
    "mel_to_hz",
    "mfcc",
    "mnist",
    "moons",
    "moving_digits",
    "pack_images",
    "parquet_files",
    "random_split",
    "read_image",
    "read_wav",
    "resize",
    "scenes",
    "spirals",
    "stft",
    "stratified_split",
    "tar_shards",
    "tones",
    "write_wav",
]
