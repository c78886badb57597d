"""A local server in place of the web."""

import pytest

from tests.data.server import local_server


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    with local_server() as server:
        yield server
