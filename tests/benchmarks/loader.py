"""Images a second of the loader with worker processes, beside PyTorch's DataLoader on the same files.

Both sides read the same JPEG files, decode them with Pillow, scale them, flip half of them and normalize them, in as
many processes, and hand out batches. They take turns, an epoch each; figures are medians of the epochs, the first one,
in which processes are started, left out: both keep theirs from one epoch to the next. Without a peer it is the loader
without processes that is compared.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from minigrad.data import Compose, DataLoader, ImageFolder, Normalize, RandomFlip

MEAN, STD = 0.45, 0.25
TARGET = 1.0
CLASSES = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peer", choices=["torch"], help="what to compare with (default: no processes)")
    parser.add_argument("--images", type=int, default=1500, help="images an epoch (default 1500)")
    parser.add_argument("--pixels", type=int, default=256, help="height and width of the files (default 256)")
    parser.add_argument("--size", type=int, default=128, help="height and width of what comes out (default 128)")
    parser.add_argument("--batch-size", type=int, default=64, help="images a batch (default 64)")
    parser.add_argument("--workers", type=int, default=2, help="processes of each side (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each side that count (default 5)")


def run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), options.images, options.pixels)
        figures = measure(options, Path(folder))
    print(json.dumps(figures, indent=2) if options.json else table(figures))
    return 0


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    peer = "torch" if options.peer else "minigrad, no processes"
    sides = {
        "minigrad": minigrad_loader(options, folder, options.workers),
        peer: torch_loader(options, folder) if options.peer else minigrad_loader(options, folder, 0),
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for k in range(options.rounds + 1):
        order = list(sides.items())
        for side, loader in order if k % 2 else reversed(order):
            taken = _epoch(loader, options.images)
            if k:
                seconds[side].append(taken)
    rows = {side: {"s": median(each), "images/s": options.images / median(each)} for side, each in seconds.items()}
    return {**rows, "ratio": rows["minigrad"]["s"] / rows[peer]["s"]}


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'':24}{'s':>10}{'images/s':>12}"]
    for side, row in figures.items():
        if side != "ratio":
            lines.append(f"{side:24}{row['s']:10.2f}{row['images/s']:12.0f}")
    return "\n".join([*lines, f"{'ratio of time':24}{figures['ratio']:10.2f}", f"target{'<= ' + str(TARGET):>28}"])


def write_images(folder: Path, count: int, pixels: int) -> None:
    """Smooth pictures with some noise, as photographs are to a decoder."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).resize((pixels, pixels))
        noisy = np.clip(np.asarray(coarse) + rng.normal(0, 8, (pixels, pixels, 3)), 0, 255).astype(np.uint8)
        path = folder / str(number % CLASSES) / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(noisy).save(path, quality=90)


def minigrad_loader(options: argparse.Namespace, folder: Path, workers: int) -> Callable[[], Iterable[Any]]:
    transform = Compose([RandomFlip(), Normalize(MEAN, STD)])
    images = ImageFolder(folder, options.size, transform=transform)
    loader = DataLoader(images, options.batch_size, shuffle=True, workers=workers, persistent_workers=workers > 0)
    return lambda: loader


class TorchImages:
    """The same files and transforms, as a dataset of PyTorch's."""

    def __init__(self, folder: Path, size: int) -> None:
        self.files = sorted(folder.rglob("*.jpg"))
        self.size = size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        import torch
        from PIL import Image, ImageOps

        with Image.open(self.files[index]) as file:
            image = ImageOps.fit(ImageOps.exif_transpose(file).convert("RGB"), (self.size, self.size))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div_(255)
        if torch.rand(()) < 0.5:
            pixels = pixels.flip(-1)
        return pixels.sub_(MEAN).div_(STD), int(self.files[index].parent.name)


def torch_loader(options: argparse.Namespace, folder: Path) -> Callable[[], Iterable[Any]]:
    from torch.utils.data import DataLoader as TorchLoader

    loader: Any = TorchLoader(
        TorchImages(folder, options.size),  # type: ignore[arg-type]
        options.batch_size,
        shuffle=True,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
    )
    return lambda: loader


def _epoch(batches: Callable[[], Iterable[Any]], expected: int) -> float:
    start = time.perf_counter()
    count = sum(len(images) for images, _ in batches())
    taken = time.perf_counter() - start
    assert count == expected
    return taken
