"""Downloads: through the real code, from a server on this machine; only right content is ever kept or returned."""

import dataclasses
import io
import sys

import pytest

from minigrad.data import download
from minigrad.data.download import Bar, RemoteFile, data_folder, read_remote
from minigrad.errors import DataError, MissingExtraError
from tests.data.server import local_server

pytest.importorskip("pooch")

CONTENT = bytes(range(256)) * 500


@pytest.fixture(autouse=True)
def _direct(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with local_server() as server:
        yield server


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_downloaded_once_and_then_read_from_the_folder(server, tmp_path):
    file = server.serve("a.bin", CONTENT)
    assert read_remote(file, tmp_path) == CONTENT
    assert read_remote(file, tmp_path) == CONTENT
    assert server.asked == ["a.bin"]
    assert everything_in(tmp_path) == ["set/a.bin"]


def test_the_folder_is_the_one_of_the_environment_variable_else_the_users_cache(server, tmp_path, monkeypatch):
    import pooch

    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    read_remote(server.serve("a.bin", CONTENT))
    assert everything_in(tmp_path) == ["set/a.bin"]
    monkeypatch.delenv("MINIGRAD_DATA")
    assert data_folder() == pooch.os_cache("minigrad")


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"x", b"", CONTENT + b"x"])
def test_a_kept_file_that_changed_is_downloaded_again(server, tmp_path, damage):
    file = server.serve("a.bin", CONTENT)
    read_remote(file, tmp_path)
    (tmp_path / "set/a.bin").write_bytes(damage)
    assert read_remote(file, tmp_path) == CONTENT
    assert server.asked == ["a.bin", "a.bin"]
    assert (tmp_path / "set/a.bin").read_bytes() == CONTENT


def test_a_kept_file_needs_neither_network_nor_pooch(server, tmp_path, monkeypatch):
    file = server.serve("a.bin", CONTENT)
    read_remote(file, tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    assert read_remote(file) == CONTENT


def test_the_next_address_is_tried_when_one_fails(server, tmp_path):
    file = server.serve("a.bin", CONTENT)
    server.files["wrong.bin"] = CONTENT[::-1]
    first = tuple(server.base + name for name in ("missing.bin", "wrong.bin"))
    assert read_remote(dataclasses.replace(file, urls=first + file.urls), tmp_path) == CONTENT
    assert server.asked == ["missing.bin", "wrong.bin", "a.bin"]


def test_another_content_is_refused_and_leaves_nothing(server, tmp_path):
    file = server.serve("a.bin", CONTENT)
    server.files["a.bin"] = CONTENT[::-1]
    with pytest.raises(DataError, match=r"a\.bin: the content is another one than it should be \(SHA-256\)"):
        read_remote(file, tmp_path)
    assert everything_in(tmp_path) == []


def test_a_download_that_breaks_off_leaves_nothing(server, tmp_path):
    file = server.serve("a.bin", CONTENT)
    server.files["a.bin"], server.announced["a.bin"] = CONTENT[:1000], len(CONTENT)
    with pytest.raises(DataError, match=r"cannot download a\.bin \(128,000 bytes\)"):
        read_remote(file, tmp_path)
    assert everything_in(tmp_path) == []


def test_a_failed_download_keeps_the_file_that_was_there(server, tmp_path):
    file = server.serve("a.bin", CONTENT)
    read_remote(file, tmp_path)
    (tmp_path / "set/a.bin").write_bytes(b"mine")
    del server.files["a.bin"]
    with pytest.raises(DataError, match="404"):
        read_remote(file, tmp_path)
    assert (tmp_path / "set/a.bin").read_bytes() == b"mine"


def test_a_server_that_sends_without_end_is_cut_off(server, tmp_path):
    file = server.serve("a.bin", CONTENT)
    server.files["a.bin"] = CONTENT * 50
    with pytest.raises(DataError, match="it sends more than the 128,000 bytes that the file has"):
        read_remote(file, tmp_path)
    assert everything_in(tmp_path) == []


def test_without_a_network_the_message_says_what_where_from_and_where_to(tmp_path):
    with local_server() as server:
        file = server.serve("a.bin", CONTENT)
    with pytest.raises(DataError) as error:  # the server is gone
        read_remote(file, tmp_path)
    message = str(error.value)
    assert message == (
        f"cannot download a.bin (128,000 bytes): {server.base}a.bin: the connection failed (ConnectionError). Without "
        f"a network, get the file from {server.base}a.bin and put it into the folder {tmp_path / 'set'} "
        f"(the environment variable MINIGRAD_DATA can name another one than {tmp_path})."
    )


def test_a_folder_that_cannot_be_made_is_explained(server, tmp_path):
    (tmp_path / "set").write_text("a file in the way")
    with pytest.raises(DataError, match=r"cannot download a\.bin"):
        read_remote(server.serve("a.bin", CONTENT), tmp_path)


def test_without_pooch_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    file = RemoteFile("set/a.bin", 3, "00", ("http://127.0.0.1/a.bin",))
    with pytest.raises(MissingExtraError) as error:
        read_remote(file, tmp_path)
    assert str(error.value) == 'downloading set/a.bin needs pooch: pip install "minigrad[data]"'
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    with pytest.raises(MissingExtraError, match="finding the data folder needs pooch"):
        data_folder()


def test_a_terminal_sees_how_far_the_download_is(server, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    read_remote(server.serve("a.bin", CONTENT), tmp_path)
    lines = sys.stderr.getvalue().split("\r")
    assert lines[-1] == f"a.bin [{'#' * Bar.WIDTH}] 100%  0.1 of 0.1 MB\n"
    assert len(lines) > 50  # 125 pieces of 1,024 bytes, at most 101 different percentages


def test_nothing_is_drawn_elsewhere(server, tmp_path, capsys):
    read_remote(server.serve("a.bin", CONTENT), tmp_path)
    assert "#" not in capsys.readouterr().err


def test_a_file_that_changes_meanwhile_is_not_trusted(server, tmp_path, monkeypatch):
    file = server.serve("a.bin", CONTENT)
    real = download._download

    def spoil(*arguments):
        real(*arguments)
        (tmp_path / "set/a.bin").write_bytes(CONTENT[::-1])

    monkeypatch.setattr(download, "_download", spoil)
    with pytest.raises(DataError, match="changed while it was being read"):
        read_remote(file, tmp_path)
