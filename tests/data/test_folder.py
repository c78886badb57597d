"""Images in folders: what a file becomes, which files count, and what is said of those that cannot be read."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import DataLoader, ImageFolder, RandomFlip, image_folder, read_image
from minigrad.errors import DataError, MissingExtraError

Image = pytest.importorskip("PIL.Image")
PngImagePlugin = pytest.importorskip("PIL.PngImagePlugin")


def picture(path, pixels, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path, **settings)


@pytest.fixture
def pets(tmp_path):
    """Ten cats, five dogs and a bird, each of one gray that tells its number."""
    for name, count in (("dog", 5), ("cat", 10), ("bird", 1)):
        for i in range(count):
            picture(tmp_path / name / f"{i}.png", np.full((4, 4), 10 * i, np.uint8))
    return tmp_path


def rng():
    return np.random.default_rng(0)


def test_a_color_image_keeps_its_pixels(tmp_path):
    pixels = rng().integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture(tmp_path / "a.png", pixels)
    image = read_image(tmp_path / "a.png", (5, 7))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, pixels.transpose(2, 0, 1).astype(np.float32) / 255)


def test_gray_and_color_are_converted_as_asked(tmp_path):
    picture(tmp_path / "gray.png", np.full((4, 4), 51, np.uint8))
    picture(tmp_path / "red.png", np.full((4, 4, 3), (255, 0, 0), np.uint8))
    np.testing.assert_allclose(read_image(tmp_path / "gray.png", 4, 3), np.full((3, 4, 4), 0.2), rtol=1e-6)
    np.testing.assert_allclose(read_image(tmp_path / "red.png", 4, 1), np.full((1, 4, 4), 76 / 255), rtol=1e-6)


def test_16_bits_are_scaled_and_not_clipped(tmp_path):
    picture(tmp_path / "a.png", np.array([[0, 0x4000], [0x8000, 0xFFFF]], np.uint16))
    np.testing.assert_allclose(read_image(tmp_path / "a.png", 2, 1)[0] * 255, [[0, 64], [128, 255]], rtol=1e-6)


def test_transparent_pixels_are_white(tmp_path):
    picture(tmp_path / "a.png", np.array([[[9, 9, 9, 0], [0, 0, 0, 255]]], np.uint8))
    assert read_image(tmp_path / "a.png", (1, 2)).tolist() == [[[1, 0]]] * 3


def test_a_photograph_is_turned_as_its_camera_was(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter: the picture's left side is the top
    pixels = np.zeros((8, 8), np.uint8)
    pixels[:, :4] = 255
    picture(tmp_path / "a.png", pixels, exif=exif)
    image = read_image(tmp_path / "a.png", 8, 1)[0]
    assert image[:4].all()
    assert not image[4:].any()


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (30, 30)])
def test_an_image_of_another_shape_is_scaled_and_cut_around_its_center(tmp_path, shape):
    pixels = np.zeros(shape, np.uint8)
    height, width = shape
    side = min(shape)
    top, left = (height - side) // 2, (width - side) // 2
    pixels[top : top + side, left : left + side] = 255
    picture(tmp_path / "a.png", pixels)
    assert read_image(tmp_path / "a.png", 4).min() > 0.9


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tif", "ppm"])
def test_the_usual_formats_are_read(tmp_path, suffix):
    picture(tmp_path / f"a.{suffix}", np.full((8, 8, 3), 102, np.uint8))
    np.testing.assert_allclose(read_image(tmp_path / f"a.{suffix}", 8), 0.4, atol=0.02)


def png_bytes():
    buffer = io.BytesIO()
    Image.fromarray(rng().integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = png_bytes()


@given(position=st.integers(0, len(PNG) - 1), value=st.integers(0, 255), cut=st.integers(0, 2 * len(PNG)))
def test_a_damaged_image_is_refused_by_name_or_still_an_image(tmp_path_factory, position, value, cut):
    path = tmp_path_factory.mktemp("damaged") / "a.png"
    content = bytearray(PNG)
    content[position] = value
    path.write_bytes(content[:cut])
    refused = ""
    try:
        assert read_image(path, 9).shape == (3, 9, 9)
    except DataError as error:
        refused = str(error)
    assert refused == "" or str(path) in refused


@pytest.mark.parametrize("content", [b"", b"no image", PNG[:100]])
def test_what_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png is damaged or no image"):
        read_image(tmp_path / "a.png", 4)


def test_other_formats_are_refused_whatever_their_files_are_called(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", "PCX")
    with pytest.raises(DataError, match=r"a\.png is damaged or no image"):
        read_image(tmp_path / "a.png", 4)


@pytest.mark.parametrize("fault", [TypeError, KeyError, IndexError, struct.error])
def test_whatever_a_reader_raises_over_a_damaged_file_is_told_as_damage(tmp_path, monkeypatch, fault):
    def read(*_):
        raise fault("nonsense")

    (tmp_path / "a.png").write_bytes(PNG)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", read)
    with pytest.raises(DataError, match=r"a\.png is damaged or no image \('?nonsense"):
        read_image(tmp_path / "a.png", 4)


def test_floating_point_pixels_whose_white_is_unknown_are_refused_and_not_clipped(tmp_path):
    Image.fromarray(np.full((4, 4), 0.9, np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(DataError, match=r"a\.tiff .*its pixels are floating-point numbers"):
        read_image(tmp_path / "a.tiff", 4)


def test_an_image_of_billions_of_pixels_is_refused_before_it_is_decompressed(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))))
    with pytest.raises(DataError, match=r"a\.png is refused: Image size \(3600000000 pixels\) exceeds limit"):
        read_image(tmp_path / "a.png", 4)


def test_classes_and_samples_are_sorted_by_name(pets):
    (pets / ".hidden").mkdir()
    (pets / "notes.txt").write_text("not a class")
    (pets / "cat" / "notes.txt").write_text("not an image")
    (pets / "cat" / "._0.png").write_text("what a Mac leaves behind")
    picture(pets / "cat" / "indoors" / "a.PNG", np.zeros((4, 4), np.uint8))
    folder = ImageFolder(pets, size=4, channels=1)
    assert folder.classes == ("bird", "cat", "dog")
    assert folder.labels.tolist() == [0] + [1] * 11 + [2] * 5
    names = [path.relative_to(pets).as_posix() for path in folder.files]
    cats, dogs = ([f"{name}/{i}.png" for i in range(count)] for name, count in (("cat", 10), ("dog", 5)))
    assert names == ["bird/0.png", *cats, "cat/indoors/a.PNG", *dogs]
    assert repr(folder) == f"ImageFolder({str(pets)!r}: 17 images (1, 4, 4), 3 classes)"


def test_indices_slices_and_batches_give_images_and_labels(pets):
    folder = ImageFolder(pets, size=(4, 4), channels=1, transform=lambda images, rng: images + 1)
    image, label = folder[3]
    assert image.shape == (1, 4, 4)
    np.testing.assert_allclose(image, 20 / 255, rtol=1e-6)
    assert label == 1
    images, labels = folder[11:13]
    assert (images.shape, labels.tolist()) == ((2, 1, 4, 4), [2, 2])
    images, labels = folder.batch(np.array([12, 0]), rng())
    np.testing.assert_allclose(images[:, 0, 0, 0], [1 + 10 / 255, 1], rtol=1e-6)
    assert labels.tolist() == [2, 0]
    assert folder[-1][1] == 2


def test_a_loader_draws_them_with_and_without_a_thread(pets):
    train, test = image_folder(pets, size=4)
    assert (len(train), len(test)) == (12, 4)

    def batches(prefetch):
        loader = DataLoader(train, 5, shuffle=True, transform=RandomFlip(), prefetch=prefetch)
        return [[tensor.data.tobytes() for tensor in batch] for batch in loader]

    assert batches(prefetch=2) == batches(prefetch=0)


def test_the_parts_have_the_same_share_of_every_class_and_no_image_in_common(pets):
    train, test = image_folder(pets, size=4, test_fraction=0.4)
    labels = train.dataset.labels
    due = len(test) / 16 * np.array([1, 10, 5])
    assert np.abs(np.bincount(labels[test.indices], minlength=3) - due).max() < 1
    assert sorted([*train.indices, *test.indices]) == list(range(16))
    assert train.classes == ("bird", "cat", "dog")
    assert image_folder(pets, size=4, test_fraction=0.4)[1].indices.tolist() == test.indices.tolist()


def test_folders_named_train_and_test_are_the_parts(tmp_path):
    for name in ("train/cat/1.png", "train/dog/1.png", "train/dog/2.png", "test/dog/1.png"):
        picture(tmp_path / name, np.zeros((4, 4), np.uint8))
    train, test = image_folder(tmp_path)
    assert (len(train), len(test)) == (3, 1)
    assert test.classes == train.classes == ("cat", "dog")
    assert test.labels.tolist() == [1]
    picture(tmp_path / "test/cow/1.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match="test has folders that are no class: cow"):
        image_folder(tmp_path)


def test_a_broken_file_is_named_with_its_sample_when_it_is_drawn(pets):
    (pets / "cat" / "4.png").write_bytes(PNG[:100])
    loader = DataLoader(ImageFolder(pets, size=4), batch_size=4, prefetch=1)
    with pytest.raises(DataError, match=r"cat.4\.png is damaged or no image") as error:
        list(loader)
    assert error.value.__notes__ == ["in batch 1 of epoch 0 of the DataLoader: samples 4, 5, 6, 7"]
    (pets / "cat" / "4.png").unlink()
    with pytest.raises(DataError, match=r"there is no file .*cat.4\.png"):
        list(loader)


def test_a_folder_without_images_or_classes_is_explained(pets, tmp_path):
    (pets / "cow").mkdir()
    with pytest.raises(DataError, match=r"ImageFolder: there are no images in .*cow"):
        ImageFolder(pets)
    with pytest.raises(DataError, match=r"ImageFolder: .*cow has no folders in it. Put the images of each class into"):
        ImageFolder(pets / "cow")
    with pytest.raises(DataError, match=r"ImageFolder: there is no folder .*absent"):
        image_folder(pets / "absent")


@pytest.mark.parametrize(
    ("settings", "message"), [({"size": 0}, "size must be at least 1"), ({"channels": 2}, "got 2")]
)
def test_wrong_settings_are_explained(pets, settings, message):
    with pytest.raises(DataError, match=message):
        ImageFolder(pets, **settings)


def test_without_pillow_the_error_names_the_extra(pets, monkeypatch):
    folder = ImageFolder(pets)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError) as error:
        folder[0]
    assert str(error.value) == 'reading images needs Pillow: pip install "minigrad[data]"'


def test_all_broken_images_are_named_at_once_and_skipped_on_request(pets):
    names = "bird/1.png", "cat/1.png", "dog/4.png"
    for name in names:
        (pets / name).write_bytes(b"not an image")
    for part in image_folder(pets):
        if any(part.dataset.files[i].read_bytes() == b"not an image" for i in part.indices):
            with pytest.raises(DataError, match=r"3 files that cannot be read: .*bird/1.png.*cat/1.png.*dog/4.png"):
                list(DataLoader(part))
    with pytest.warns(UserWarning, match=r"left out 3 files that cannot be read: .*bird/1.png"):
        train, test = image_folder(pets, skip_broken=True)
    assert sum(len(batch) for part in (train, test) for batch, _ in DataLoader(part)) == 16 - 2
    for name in names[:2]:
        (pets / name).unlink()
    with pytest.raises(DataError, match=r"dog.4.png is damaged or no image"):
        list(DataLoader(ImageFolder(pets)))


def test_broken_images_of_both_parts_are_named_at_once(tmp_path):
    for name in ("train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "test/dog/1.png"):
        picture(tmp_path / name, np.zeros((4, 4), np.uint8))
    for name in ("train/cat/2.png", "test/dog/1.png"):
        (tmp_path / name).write_bytes(b"not an image")
    for part in image_folder(tmp_path):
        with pytest.raises(DataError, match=r"2 files .*cat/2.png.*dog/1.png.* by skip_broken=True, or --skip-broken"):
            list(DataLoader(part))


def test_one_class_is_refused_and_the_folder_inside_is_named(pets):
    parent = pets / "parent"
    for name in ("cat", "dog"):
        picture(parent / "photos" / name / "0.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"has one folder, photos, .* did you mean .*photos, which has cat, dog\?"):
        image_folder(parent)
    with pytest.raises(DataError, match=r"has one folder, cat, and so one class: put each class into one"):
        picture(pets / "one" / "cat" / "0.png", np.zeros((4, 4), np.uint8))
        image_folder(pets / "one")
