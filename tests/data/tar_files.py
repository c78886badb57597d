"""Shards for tests."""

import io
import tarfile

import numpy as np


def png(pixels):
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write_tar(path, files, **header):
    with tarfile.open(path, "w", format=header.pop("format", tarfile.USTAR_FORMAT)) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in header.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return path


def numbered(folder, lengths, prefix="part"):
    """Shards of one-pixel gray images, whose value is the number of the sample; the class is that modulo 3."""
    folder.mkdir(exist_ok=True)
    number = 0
    for shard, length in enumerate(lengths):
        files = []
        for _ in range(length):
            files += [(f"s{number:04}.png", png([[number]])), (f"s{number:04}.cls", b"%d" % (number % 3))]
            number += 1
        write_tar(folder / f"{prefix}-{shard:05}.tar", files)
    return folder
