"""Compressed archives: the samples that plain ones have, in their order; what is broken is told."""

import gzip
import io
import json
import lzma
import tarfile

import numpy as np
import pytest

from minigrad.data import DataLoader, TarShards, TarStream
from minigrad.errors import DataError
from tests.data.tar_files import npy, numbered, png, write_tar

pytest.importorskip("PIL")

PACKED = {".gz": gzip.compress, ".xz": lzma.compress}


def compressed(folder, ending=".gz"):
    """The archives of a folder, each compressed and without the one it was."""
    for path in sorted(folder.glob("*.tar")):
        path.with_name(path.name + ending).write_bytes(PACKED[ending](path.read_bytes()))
        path.unlink()
    return folder


@pytest.mark.parametrize("ending", ["", ".gz", ".xz"])
def test_samples_are_those_of_the_plain_archives(tmp_path, ending):
    expected = TarShards(numbered(tmp_path / "plain", (5, 8, 4)), 4, 1)
    packed = numbered(tmp_path / "packed", (5, 8, 4))
    data = TarStream(compressed(packed, ending) if ending else packed, 4, 1)
    for (x, y), (images, labels) in zip(DataLoader(data, 6), DataLoader(expected, 6), strict=True):
        np.testing.assert_array_equal(x.numpy(), images.numpy())
        np.testing.assert_array_equal(y.numpy(), labels.numpy())
    assert repr(data) == f"TarStream(3 archives in {str(packed)!r})"


def test_a_saved_state_goes_on(tmp_path):
    data = TarStream(compressed(numbered(tmp_path / "shards", (9, 9))), 4, 1, window=4)
    loader, seen = DataLoader(data, 4, shuffle=True), []
    for k, (x, _) in enumerate(loader):
        seen.append(x.tolist())
        if k == 2:
            state = loader.state_dict()
    other = DataLoader(data, 4, shuffle=True)
    other.load_state_dict(state)
    assert [x.tolist() for x, _ in other] == seen[3:]


def test_other_targets_and_classes(tmp_path):
    rows = []
    for n in range(3):
        rows += [(f"a{n}.npy", npy(np.full(2, n, np.float32))), (f"a{n}.txt", b"no")]
        rows.append((f"a{n}.json", json.dumps({"age": n * 0.5}).encode()))
    path = write_tar(tmp_path / "train.tar", rows)
    x, y = next(iter(DataLoader(TarStream(path, target="json.age"), 3)))
    assert (x.numpy()[:, 0].tolist(), y.tolist()) == ([0, 1, 2], [0, 0.5, 1])
    (tmp_path / "classes.json").write_text('["cat", "dog"]')
    assert TarStream(path).classes == ("cat", "dog")


def broken(folder, *rows):
    """A compressed archive of these files, between two good samples."""
    good = [("a.png", png([[1]])), ("a.cls", b"1")], [("z.png", png([[2]])), ("z.cls", b"2")]
    write_tar(folder / "b.tar", [*good[0], *rows, *good[1]])
    return compressed(folder)


@pytest.mark.parametrize(("rows", "message"), [
    ([("m.png", png([[3]]))], "'m' has no cls, only png"),
    ([("m.cls", b"1")], "'m' has no picture, only cls"),
    ([("m.png", b"nothing"), ("m.cls", b"1")], r"b\.tar\.gz: m\.png"),
    ([("m.png", png([[3]])), ("m.cls", b"x")], "m.png has no class number in its .cls, but b'x'"),
])  # fmt: skip
def test_what_is_broken_is_told_or_left_out(tmp_path, rows, message):
    path = broken(tmp_path, *rows)
    with pytest.raises(DataError, match=message):
        list(DataLoader(TarStream(path, 4, 1), 4))
    with pytest.warns(UserWarning, match=message):
        batches = [y.tolist() for _, y in DataLoader(TarStream(path, 4, 1, skip_broken=True), 1)]
    assert batches == [[1], [2]]


def test_truncated_and_hostile_archives_are_refused(tmp_path):
    path = next(compressed(numbered(tmp_path / "shards", (30,))).iterdir())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"part-00000\.tar\.gz is truncated or damaged after 's00"):
        list(DataLoader(TarStream(path, 4, 1), 4))
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="is truncated or damaged after its beginning"):
        list(DataLoader(TarStream(path, 4, 1), 4))
    with pytest.raises(DataError, match=r"cannot read .*nothing"):
        list(DataLoader(TarStream(tmp_path / "nothing.tar.gz"), 4))
    member = tarfile.TarInfo("x.png")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member, io.BytesIO())
    with pytest.raises(DataError, match="is a link, a device"):
        list(DataLoader(TarStream(path, 4, 1), 4))


def test_plain_archives_only_are_indexed(tmp_path):
    folder = compressed(numbered(tmp_path / "shards", (90,)))
    with pytest.raises(DataError, match=r"is compressed: decompress it .gunzip FILE., .* or use TarStream"):
        TarShards(next(folder.iterdir()))
    with pytest.raises(DataError, match=r"there are no \.tar or \.tar\.gz or .* files in"):
        TarStream(tmp_path)
    with pytest.raises(DataError, match="window is a number of samples"):
        TarStream(folder, window=-1)
