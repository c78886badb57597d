"""A local web server, and files in the true formats of the real datasets, only smaller."""

import gzip
import hashlib
import io
import struct
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np

from minigrad.data.download import RemoteFile


@dataclass
class Server:
    """Sends `files` by name, and records what was asked for."""

    base: str
    files: dict[str, bytes] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)  # Content-Length, where it is not the true one
    asked: list[str] = field(default_factory=list)

    def serve(self, name: str, content: bytes) -> RemoteFile:
        """Offer a file and describe it truly."""
        self.files[name] = content
        return RemoteFile(f"set/{name}", len(content), hashlib.sha256(content).hexdigest(), (self.base + name,))


@contextmanager
def local_server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/")
            server.asked.append(name)
            if name not in server.files:
                self.send_error(404)
                return
            content = server.files[name]
            self.send_response(200)
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                self.send_header("Content-Encoding", "gzip")  # as servers do that take a .gz file for a page
            self.send_header("Content-Length", str(server.announced.get(name, len(content))))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http.server_port}/")
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def idx(array: np.ndarray, code: int = 0x08) -> bytes:
    """An uncompressed IDX file."""
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def tar_gz(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """An archive of files (name, content) and of members that are not files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def mnist_files(server: Server, train: int = 7, test: int = 3, classes: int = 10) -> dict[str, RemoteFile]:
    """Random images, the labels 0, 1, ... in turn."""
    files = {}
    for prefix, count in (("train", train), ("t10k", test)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % classes).astype(np.uint8)
        for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
            files[name] = server.serve(f"{name}.gz", gzip.compress(idx(array)))
    return files


def cifar_records(count: int, labels: int, seed: int = 0) -> bytes:
    """Records of labels 0, 1, ... (a second label is ten times as large) and random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)
    numbers = [np.arange(count, dtype=np.uint8)[:, None] * 10**i for i in range(labels)]
    return np.hstack([*numbers, pixels]).astype(np.uint8).tobytes()
