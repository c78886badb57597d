"""Tar shards: every sample once, the same after a kill, and refusals that name file and offset."""

import io
import os
import pickle
import resource
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.data import DataLoader, TarShards, tar_shards
from minigrad.data.tar_index import members
from minigrad.errors import DataError
from tests.data.tar_files import npy, numbered, png, write_tar

pytest.importorskip("PIL")


def seen(batches):
    """The numbers of the samples, which must have their classes."""
    pairs = [(round(float(x) * 255), int(y)) for images, labels in batches for x, y in zip(images, labels, strict=True)]
    assert all(number % 3 == label for number, label in pairs)
    return [number for number, _ in pairs]


def values(loader):
    return ((images.data.reshape(-1), labels.data) for images, labels in loader)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return numbered(tmp_path_factory.mktemp("shards"), [30, 1, 0, 40, 22])


def opened(folder, **settings):
    return TarShards(folder, size=1, channels=1, **settings)


def test_an_epoch_has_every_sample_with_its_class_once_and_shuffles_shards(folder):
    dataset = opened(folder, window=8)
    assert seen(values(DataLoader(dataset, 7))) == list(range(93))
    loader = DataLoader(dataset, 7, shuffle=True)
    first, second = seen(values(loader)), seen(values(loader))
    assert sorted(first) == sorted(second) == list(range(93))
    assert first != second
    assert dataset.classes == ("0", "1", "2")
    assert np.bincount(dataset.labels).tolist() == [31, 31, 31]


@settings(max_examples=8)
@given(killed=st.integers(1, 13), epoch=st.integers(0, 2), seed=st.integers(0, 99))
def test_a_killed_run_goes_on_with_exactly_the_samples_that_were_left(folder, killed, epoch, seed):
    def loader(seed):
        return DataLoader(opened(folder, window=20), 7, shuffle=True, seed=seed)

    whole, batches, states = loader(seed), [], []
    whole.load_state_dict({"seed": seed, "epoch": epoch, "batch": 0})
    for batch in values(whole):
        batches.append(batch)
        states.append(whole.state_dict())
    resumed = loader(0)
    resumed.load_state_dict(states[killed - 1])
    assert seen(values(resumed)) == seen(batches[killed:])


def test_a_run_does_not_go_on_within_an_epoch_of_other_shards(folder, tmp_path):
    loader = DataLoader(opened(folder), 7)
    next(iter(loader))
    other = DataLoader(opened(numbered(tmp_path / "other", [93])), 7)
    with pytest.raises(DataError, match="within an epoch of other files"):
        other.load_state_dict(loader.state_dict())


def test_targets_are_class_numbers_arrays_or_entries_of_json(tmp_path):
    image, box = npy(np.arange(4, dtype=np.float32)), np.array([1, 2, 3, 4], np.int16)
    write_tar(tmp_path / "a.tar", [("x/a.npy", image), ("x/a.json", b'{"age": 7.5}'), ("x/a.box.npy", npy(box))])
    ages = TarShards(tmp_path / "a.tar", target="json.age")[np.array([0])]
    assert ages[1].dtype == np.float32
    assert ages[1].tolist() == [7.5]
    ((_, boxes),) = DataLoader(TarShards([tmp_path / "a.tar"], target="box.npy"))
    assert boxes.data.tolist() == [[1, 2, 3, 4]]
    with pytest.raises(DataError, match=r"a\.tar: x/a\.json at byte 1,536 is damaged or holds no weight"):
        TarShards(tmp_path / "a.tar", target="json.weight")[0]


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_long_names_and_folders_are_understood(tmp_path, kind):
    name = "päth/" + "n" * 200
    path = write_tar(tmp_path / "a.tar", [(f"{name}.png", png([[9]])), (f"{name}.cls", b" 2\n")], format=kind)
    assert [member.name for member in members(path)] == [f"{name}.png", f"{name}.cls"]
    (image, label) = TarShards(path, 1, 1)[0]
    assert (round(float(image.item()) * 255), int(label)) == (9, 2)


def test_train_and_test_shards_are_the_parts_and_others_are_divided_by_class(tmp_path):
    numbered(tmp_path, [20], "train")
    numbered(tmp_path, [8], "val")
    assert [len(part) for part in tar_shards(tmp_path, 1, 1)] == [20, 8]
    train, test = tar_shards(numbered(tmp_path / "one", [30]), 1, 1)
    assert np.bincount(test.dataset.labels[test.indices]).tolist() == [2, 2, 2]
    assert train.blocks.lengths.tolist() == [24]


GOOD = [("a.png", png([[1]])), ("a.cls", b"0"), ("b.png", png([[2]])), ("b.cls", b"1")]


def cut(content):
    return content[: len(content) // 2]


def hostile(path, **header):
    return write_tar(path, [("a.png", png([[1]])), ("a.cls", b"0")], **header)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda p: p.write_bytes(write_tar(p, GOOD).read_bytes()[:1900]),
            r"truncated: its end, at byte 1,900,",
        ),
        (lambda p: p.write_bytes(write_tar(p, GOOD).read_bytes()[:2048]), r"truncated: its end, at byte 2,048"),
        (lambda p: p.write_bytes(b"\x1f\x8b" + bytes(600)), r"compressed: decompress it \(gunzip"),
        (lambda p: p.write_bytes(b"x" * 600), r"damaged at byte 0: there is no header"),
        (lambda p: write_tar(p, GOOD[:3]), r"'b' at byte 1,536? has no cls|'b' at byte 2,048 has no cls, only png"),
        (lambda p: write_tar(p, [GOOD[0], ("a.cls", b"-1")]), r"'a' at byte 0 has no class number.*b'-1'"),
        (lambda p: write_tar(p, [("../a.png", b""), ("../a.cls", b"0")]), r"at byte 0\) is refused: the path .* leads"),
        (lambda p: hostile(p, type=tarfile.SYMTYPE, linkname="/etc/passwd"), r"is a link, a device or a file with"),
        (lambda p: write_tar(p, [GOOD[0], GOOD[0], GOOD[1]]), r"holds 'a.png' twice"),
        (lambda p: None, r"there is no file .*shard\.tar"),
    ],
    ids=["cut", "no end", "gzip", "noise", "no label", "label", "path", "link", "twice", "missing"],
)
def test_what_is_wrong_with_a_shard_is_told_with_its_offset(tmp_path, make, message):
    make(tmp_path / "shard.tar")
    with pytest.raises(DataError, match=message):
        TarShards(tmp_path / "shard.tar", 1, 1)


def test_what_is_broken_is_skipped_on_request_counted_and_told(tmp_path):
    numbered(tmp_path, [10, 10, 10])
    truncated, vanishing = tmp_path / "part-00000.tar", tmp_path / "part-00002.tar"
    truncated.write_bytes(truncated.read_bytes()[: 2048 * 6 + 700])
    with pytest.raises(
        DataError, match=r"^\S*part-00000\.tar is truncated: its end, at byte 12,988, is not marked as one: make"
    ):
        opened(tmp_path)
    with pytest.warns(UserWarning, match="1 sample was left out"):
        dataset = opened(tmp_path, skip_broken=True)
    content = bytearray((tmp_path / "part-00001.tar").read_bytes())
    content[2048 * 3 + 520 : 2048 * 3 + 560] = bytes(40)
    (tmp_path / "part-00001.tar").write_bytes(content)
    vanishing.unlink()
    loader = DataLoader(dataset, 4)
    with pytest.warns(UserWarning, match=r"11 samples.*part-00001.tar: s0013.png at byte 6,656 is.*has vanished"):
        assert seen(values(loader)) == [*range(6), 10, 11, 12, *range(14, 20)]
    assert loader.skipped.count == 11
    dataset.skip_broken = False
    with pytest.raises(DataError, match=r"part-00001\.tar: s0013\.png at byte 6,656 is damaged or no image"):
        list(DataLoader(dataset, 4))


def test_arrays_of_objects_are_refused_and_nothing_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Evil()]), allow_pickle=True)
    for name, content in (("objects", buffer.getvalue()), ("pickle", pickle.dumps(Evil()))):
        write_tar(tmp_path / "a.tar", [("a.npy", content), ("a.cls", b"0")])
        with pytest.raises(DataError, match=r"a\.tar: a\.npy at byte 512 is"):
            TarShards(tmp_path / "a.tar")[0]
        assert not (tmp_path / "executed").exists(), name


@given(position=st.integers(0, 4096), value=st.integers(0, 255), end=st.integers(0, 10240))
def test_damaged_shards_are_refused_or_read_and_never_crash(tmp_path_factory, position, value, end):
    path = tmp_path_factory.getbasetemp() / "fuzzed.tar"
    content = bytearray(write_tar(path, GOOD).read_bytes())
    content[position] = value
    path.write_bytes(content[:end])
    try:
        dataset = TarShards(path, 2, 3)
        dataset[np.arange(len(dataset))]
    except DataError as error:
        assert "fuzzed.tar" in str(error)  # noqa: PT017  # it may be refused or not


def test_many_small_images_stream_in_flat_memory(tmp_path):
    shards = 4 if os.environ.get("MINIGRAD_PROFILE") == "ci" else 20  # of 5,000 images: 100,000 take 10 s
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    files = []
    for k in range(5000):
        files += [(f"{k:05}.npy", npy(pixels ^ (k % 256))), (f"{k:05}.cls", b"%d" % (k % 10))]
    first = write_tar(tmp_path / "00.tar", files)
    for k in range(1, shards):
        os.link(first, tmp_path / f"{k:02}.tar")
    loader = DataLoader(TarShards(tmp_path, window=1000), 500, shuffle=True)
    total, peaks = 0, []
    for images, labels in loader:
        total += len(labels)
        assert images.shape[1:] == (8, 8)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # KB
    assert total == 5000 * shards
    assert peaks[-1] - peaks[9] < 4096  # of 10 MB a shard that were read
