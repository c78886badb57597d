"""Compressed files of uncertain origin: read right, or refused with a clear error, within bounded memory."""

import gzip
import struct
import tarfile
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.data.archive import IDX_DTYPES, read_idx, read_tar
from minigrad.errors import DataError
from tests.data.server import idx, tar_gz


def member(name, kind, **attributes):
    info = tarfile.TarInfo(name)
    info.type = kind
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


@given(data=st.data(), code=st.sampled_from(sorted(IDX_DTYPES)))
def test_an_idx_file_gives_its_array(data, code):
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    array = data.draw(hnp.arrays(np.dtype(IDX_DTYPES[code]), shapes))
    got = read_idx(gzip.compress(idx(array, code)), "a.gz")
    assert got.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, array)


IMAGES = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@given(cut=st.integers(0, len(gzip.compress(IMAGES)) - 1))
def test_a_truncated_file_is_refused(cut):
    with pytest.raises(DataError, match=r"^a\.gz is (damaged|no IDX file)"):
        read_idx(gzip.compress(IMAGES)[:cut], "a.gz")


@given(position=st.integers(0, 200), value=st.integers(1, 255))
def test_a_corrupted_file_is_refused_or_reads_the_same(position, value):
    content = bytearray(gzip.compress(IMAGES))
    content[position % len(content)] ^= value
    try:
        array = read_idx(bytes(content), "a.gz")
    except DataError:
        return
    np.testing.assert_array_equal(array.ravel(), np.arange(24))  # the time and the flags of gzip do not matter


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", r"a\.gz is no IDX file: it begins with b'<htm'"),
        (struct.pack(">HBB", 0, 0x07, 1), r"a\.gz is no IDX file"),
        (IMAGES[:9], r"its header names an array of shape \(2,\)"),
        (IMAGES[:-1], "its header names 24 bytes of values, but there are 23"),
        (IMAGES + b"x", "its header names 24 bytes of values, but there are more"),
        (
            struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1),
            "79,228,162,458,924,105,385,300,197,375 bytes",
        ),
    ],
)
def test_a_header_that_does_not_fit_the_file_is_refused(content, message):
    with pytest.raises(DataError, match=message):
        read_idx(gzip.compress(content), "a.gz")


def test_what_is_not_compressed_is_refused():
    with pytest.raises(DataError, match=r"^a\.gz is damaged \(Not a gzipped file"):
        read_idx(IMAGES, "a.gz")


def test_a_gzip_bomb_is_refused_in_little_memory():
    bomb = gzip.compress(idx(np.zeros(10, np.uint8)) + bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="names 10 bytes of values, but there are more"):
            read_idx(bomb, "a.gz")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_header_larger_than_the_limit_is_refused_before_anything_is_read():
    content = gzip.compress(idx(np.zeros(5000, np.uint8)))
    with pytest.raises(DataError, match=r"shape \(5000,\), 5,000 bytes"):
        read_idx(content, "a.gz", limit=4999)
    assert read_idx(content, "a.gz", limit=5000).shape == (5000,)


def test_the_wanted_files_of_an_archive_are_returned():
    content = tar_gz(member("d", tarfile.DIRTYPE), ("d/a", b"12"), ("d/b", b""), ("d/c", b"3"))
    assert read_tar(content, "a.tgz", ["d/a", "d/b"]) == {"d/a": b"12", "d/b": b""}


def test_a_missing_or_repeated_file_is_told():
    with pytest.raises(DataError, match=r"^a\.tgz does not hold b, c$"):
        read_tar(tar_gz(("a", b"1")), "a.tgz", ["c", "a", "b"])
    with pytest.raises(DataError, match=r"a\.tgz is refused: it holds a twice"):
        read_tar(tar_gz(("a", b"1"), ("a", b"2")), "a.tgz", ["a"])


@pytest.mark.parametrize("path", ["../a", "/a", "d/../../a", "C:/a", "C:a", "..\\a", "\\a", "//server/share/a"])
def test_a_path_that_leads_elsewhere_is_refused_though_nothing_would_be_written(path):
    with pytest.raises(DataError, match=r"a\.tgz is refused: the path of its member .* leads elsewhere"):
        read_tar(tar_gz(("a", b"1"), (path, b"2")), "a.tgz", ["a"])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused_also_under_the_name_of_a_wanted_file(kind):
    for wanted in ("a", "b"):
        with pytest.raises(DataError, match=r"its member 'b' is a link, a device or a file with holes"):
            read_tar(tar_gz(("a", b"1"), member("b", kind, linkname="/etc/passwd")), "a.tgz", [wanted])


@pytest.mark.parametrize("wanted", ["a", "zeros"])
def test_an_archive_bomb_is_refused_in_little_memory(wanted):
    bomb = tar_gz(("a", b"1"), ("zeros", bytes(60_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="it decompresses to more than 1,000,000 bytes"):
            read_tar(bomb, "a.tgz", [wanted], limit=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_header_that_is_a_bomb_itself_is_refused_in_little_memory():
    bomb = gzip.compress(member("x", tarfile.XHDTYPE, size=10**11).tobuf(tarfile.GNU_FORMAT) + bytes(60_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="it decompresses to more than 1,000,000 bytes"):
            read_tar(bomb, "a.tgz", ["a"], limit=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_file_with_holes_that_would_fill_the_memory_is_refused():
    holes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**12)}
    sparse = member("a", tarfile.REGTYPE, size=1024, pax_headers=holes)
    content = gzip.compress(sparse.tobuf(tarfile.PAX_FORMAT) + b"1\n0\n1\n".ljust(1024, b"\0") + bytes(10240))
    with pytest.raises(DataError, match="its member 'a' is a link, a device or a file with holes"):
        read_tar(content, "a.tgz", ["a"])


@pytest.mark.parametrize(
    "content",
    [
        tar_gz(member("a", tarfile.REGTYPE, pax_headers={"GNU.sparse.map": "a,b"})),
        gzip.compress((member("a", tarfile.GNUTYPE_LONGNAME, size=1).tobuf() + bytes(512)) * 3000, mtime=0),
    ],
    ids=["words for numbers", "headers of headers"],
)
def test_headers_that_the_parser_stumbles_over_are_told_as_damage(content):
    with pytest.raises(DataError, match=r"^a\.tgz is damaged"):
        read_tar(content, "a.tgz", ["a"])


@pytest.mark.parametrize("shape", [(1,) * 100, (0, 2**32 - 1, 2**32 - 1, 2**32 - 1)])
def test_an_array_of_a_shape_that_numpy_does_not_have_is_refused(shape):
    header = struct.pack(f">HBB{len(shape)}I", 0, 0x08, len(shape), *shape)
    with pytest.raises(DataError, match=r"^a\.gz is damaged"):
        read_idx(gzip.compress(header + b"1" * (0 not in shape)), "a.gz")


ARCHIVE = tar_gz(("a", bytes(range(256)) * 10))


@given(cut=st.integers(0, len(ARCHIVE) - 1))
def test_a_truncated_archive_is_refused(cut):
    with pytest.raises(DataError, match=r"^a\.tgz (is damaged|does not hold a)"):
        read_tar(ARCHIVE[:cut], "a.tgz", ["a"])


@given(position=st.integers(0, len(ARCHIVE) - 1), value=st.integers(1, 255))
def test_a_corrupted_archive_is_refused_or_reads_the_same(position, value):
    content = bytearray(ARCHIVE)
    content[position] ^= value
    with suppress(DataError):
        assert read_tar(bytes(content), "a.tgz", ["a"]) == {"a": bytes(range(256)) * 10}


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", gzip.compress(b"", mtime=0), gzip.compress(b"x" * 5000, mtime=0)],
    ids=["empty", "page", "compressed nothing", "compressed text"],
)
def test_what_is_no_archive_is_refused(content):
    with pytest.raises(DataError, match=r"^a\.tgz (is damaged|does not hold a)"):
        read_tar(content, "a.tgz", ["a"])
