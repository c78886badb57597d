"""Packing and checking: the same archives each time, every image in one of them, and what is broken is told."""

import json

import numpy as np
import pytest

from minigrad.data import ImageFolder, TarShards, check_samples, pack_images, tar_shards
from minigrad.data.tar_index import members
from minigrad.errors import DataError
from tests.data.tar_files import png


@pytest.fixture
def photos(tmp_path):
    """Six cats with an odd name and two dogs; the gray of an image tells its number."""
    pytest.importorskip("PIL")
    for name, count in (("dög", 2), ("a cat", 6)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(count):
            (tmp_path / "photos" / name / f"{k}.of.them.PNG").write_bytes(png(np.full((8, 8), 10 * k)))
    return tmp_path / "photos"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def grays(dataset):
    return sorted((round(float(image.mean()) * 255), int(label)) for image, label in (dataset[k] for k in range(8)))


def test_shards_hold_every_image_and_are_the_same_each_time(photos, tmp_path):
    packed = pack_images(photos, tmp_path / "one", shard_samples=3)
    assert packed.shards == {"shard-00000.tar": 3, "shard-00001.tar": 3, "shard-00002.tar": 2}
    shards = TarShards(tmp_path / "one", 8)
    assert grays(shards) == grays(ImageFolder(photos, 8))
    assert shards.classes == ("a cat", "dög")
    (tmp_path / "two").mkdir()
    pack_images(photos, tmp_path / "two", shard_samples=3)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    pack_images(photos, tmp_path / "three", shard_samples=3, seed=1)
    assert content(tmp_path / "one") != content(tmp_path / "three")
    names = [member.name for member in members(tmp_path / "one" / "shard-00000.tar")]
    assert all(name.split(".")[1:] in (["png"], ["cls"]) and name.isascii() for name in names)


def test_shards_are_as_large_as_asked(photos, tmp_path):
    packed = pack_images(photos, tmp_path / "out", shard_mb=0.005)
    assert sum(packed.shards.values()) == 8
    assert set(packed.shards.values()) == {2}


def test_train_and_test_become_shards_of_their_own(photos, tmp_path):
    (tmp_path / "parts").mkdir()
    for part in ("train", "test"):
        (tmp_path / "parts" / part).symlink_to(photos)
    assert list(pack_images(tmp_path / "parts", tmp_path / "out").shards) == ["train-00000.tar", "test-00000.tar"]
    assert [len(part) for part in tar_shards(tmp_path / "out", 8)] == [8, 8]


def test_nothing_is_there_until_all_is(photos, tmp_path, monkeypatch):
    def vanish(*_):
        (photos / "dög" / "0.of.them.PNG").unlink(missing_ok=True)
        return 0

    monkeypatch.setattr("minigrad.data.pack._size_of", vanish)
    with pytest.raises(DataError, match="has vanished while it was to be packed"):
        pack_images(photos, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    with pytest.raises(DataError, match="is not empty"):
        pack_images(photos, photos)
    with pytest.raises(DataError, match="must be positive, got 0 MB"):
        pack_images(photos, tmp_path / "out", shard_mb=0)


def test_a_check_counts_classes_and_lists_what_is_broken(photos, tmp_path):
    pack_images(photos, tmp_path / "out", shard_samples=4)
    assert check_samples(tmp_path / "out").classes == {"a cat": 6, "dög": 2}
    assert check_samples(tmp_path / "out").broken == []
    (photos / "dög" / "1.of.them.PNG").write_bytes(b"no image")
    found = check_samples(photos)
    assert (found.samples, found.classes) == (7, {"a cat": 6, "dög": 1})
    assert "1.of.them.PNG is damaged or no image" in found.broken[0]
    shard = tmp_path / "out" / "shard-00001.tar"
    shard.write_bytes(shard.read_bytes()[:3000])
    found = check_samples(tmp_path / "out")
    assert found.samples < 8
    assert "shard-00001.tar is truncated: its end, at byte 3,000" in found.broken[0]
    np.save(tmp_path / "x.npy", np.zeros((5, 2)))
    assert check_samples(tmp_path / "x.npy").samples == 5
    with pytest.raises(DataError, match="there is no file or folder"):
        check_samples(tmp_path / "none")


def test_the_command_packs_checks_and_trains(photos, tmp_path, capsys, monkeypatch):
    from minigrad.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["data", "pack", "photos", "-o", "out", "--shard-samples", "3"]) == 0
    assert "out: 8 images of 2 classes in 3 shards" in capsys.readouterr().out
    assert main(["data", "check", "out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == {"a cat": 6, "dög": 2}
    small = ["--epochs", "1", "--batch-size", "4", "--threads", "1", "--out", "run"]
    assert main(["train", "lenet5", "--data", "out", *small]) == 0
    assert "6 samples to train on, 2 to test on" in capsys.readouterr().out
    assert main(["evaluate", "run"]) == 0
    assert "on 2 test samples of out" in capsys.readouterr().out
    (tmp_path / "out" / "shard-00000.tar").write_bytes(b"")
    assert main(["data", "check", "out"]) == 2
    out = capsys.readouterr().out
    assert "broken: out/shard-00000.tar is truncated" in out
    assert "5 samples can be read, 1 broken" in out
    assert main(["data", "pack", "photos"]) == 2
    assert "needs a folder for the shards: -o shards/" in capsys.readouterr().err
