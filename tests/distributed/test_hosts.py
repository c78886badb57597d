"""Two hosts, which are network namespaces of this machine: they train as one does, and one that vanishes is told."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from minigrad.training import load_checkpoint
from tests.distributed.conftest import environment, find_mpiexec, reason_to_skip

LIMIT = 120  # s; the machine may be busy
NETWORK = "10.77.0"
TRAIN = (
    "-m", "minigrad", "train", "small_model:net", "--data", "moons", "--batch-size", 100, "--optimizer", "sgd:lr=0.1",
    "--threads", 1, "--out",
)  # fmt: skip


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


def tentative(namespace):
    """Whether a host is still asking if its IPv6 addresses are in use: until then they reach nobody."""
    words = ["ip", "-n", namespace, "-6", "addr", "show", "tentative"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def hosts():
    """The names of two namespaces, connected by a cable: NAME-1 and NAME-2."""
    if os.environ.get("MINIGRAD_PROFILE", "dev") == "dev":
        pytest.skip("takes long: for the profiles ci and intense")
    if sys.platform != "linux" or os.geteuid() or shutil.which("ip") is None:
        pytest.skip("needs Linux, root and iproute2")
    if reason := reason_to_skip():
        pytest.skip(reason)
    if "HYDRA" not in subprocess.run([find_mpiexec(), "--version"], capture_output=True, text=True).stdout:
        pytest.skip("needs mpich's mpiexec")
    name = f"minigrad{os.getpid()}"
    try:
        for k in (1, 2):
            ip("netns", "add", f"{name}-{k}")
        ip("link", "add", "veth1", "netns", f"{name}-1", "type", "veth", "peer", "name", "veth2", "netns", f"{name}-2")
        for k in (1, 2):
            ip("-n", f"{name}-{k}", "addr", "add", f"{NETWORK}.{k}/24", "dev", f"veth{k}")
            for device in ("lo", f"veth{k}"):
                ip("-n", f"{name}-{k}", "link", "set", device, "up")
        while any(tentative(f"{name}-{k}") for k in (1, 2)):
            time.sleep(0.1)
    except (OSError, subprocess.CalledProcessError) as error:
        _remove(name)
        pytest.skip(f"namespaces cannot be made here: {error}")
    yield name
    for pid in processes(name):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _remove(name)


def _remove(name):
    for k in (1, 2):
        subprocess.run(["ip", "netns", "del", f"{name}-{k}"], capture_output=True)


def processes(name):
    """The processes in both namespaces."""
    listed = [
        subprocess.run(["ip", "netns", "pids", f"{name}-{k}"], capture_output=True, text=True).stdout for k in (1, 2)
    ]
    return [int(pid) for text in listed for pid in text.split()]


def ranks(name):
    """Those of them that train, or watch one that does."""
    found = []
    for pid in processes(name):
        with suppress(OSError):
            program, *words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            found += [pid] if program == sys.executable and "train" in words else []
    return found


def start(name, tmp_path, *words, **more):
    """Start Python on both hosts, from the first one."""
    launcher = Path(__file__).with_name("launch_in_namespace.sh")
    here, root = Path(__file__).parent, Path(__file__).parents[2]
    chosen = {
        "MINIGRAD_TEST_NAMESPACES": name, "UCX_TLS": "tcp,self", "UCX_LOG_LEVEL": "error", "FI_PROVIDER": "tcp",
        "PYTHONPATH": os.pathsep.join(map(str, [here, root, root / "models"])),
    }  # fmt: skip
    command = [
        "ip", "netns", "exec", f"{name}-1", find_mpiexec(), "-launcher", "ssh", "-launcher-exec", str(launcher),
        "-hosts", f"{NETWORK}.1,{NETWORK}.2", "-localhost", f"{NETWORK}.1", "-iface", "veth1", "-genvall", "-n", "2",
        sys.executable, *map(str, words),
    ]  # fmt: skip
    errors = (tmp_path / "errors").open("w")
    with errors:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**environment(), **chosen, **more}
        )


def test_two_hosts_train_as_one_process_does(hosts, tmp_path):
    process = start(hosts, tmp_path, *TRAIN, tmp_path / "two", "--epochs", 3)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 0, (tmp_path / "errors").read_text()
    here, root = Path(__file__).parent, Path(__file__).parents[2]
    paths = os.pathsep.join(map(str, [here, root, root / "models"]))
    command = [sys.executable, *map(str, TRAIN), str(tmp_path / "one"), "--epochs", "3"]
    subprocess.run(command, check=True, capture_output=True, env={**environment(), "PYTHONPATH": paths})
    two, one = (load_checkpoint(tmp_path / name / "checkpoint.safetensors").model for name in ("two", "one"))
    for name, array in one.items():
        np.testing.assert_allclose(two[name], array, rtol=1e-4, atol=1e-6)


def test_a_host_that_vanishes_ends_the_training_with_a_reason(hosts, tmp_path):
    """No rank goes on or hangs; mpiexec itself, which has lost its helper there, ends when the host is back."""
    process = start(hosts, tmp_path, *TRAIN, tmp_path / "run", "--epochs", 10_000, MINIGRAD_RANK_TIMEOUT="3")
    while not process.stdout.readline().startswith("epoch"):
        assert process.poll() is None, (tmp_path / "errors").read_text()
    ip("-n", f"{hosts}-2", "link", "set", "veth2", "down")
    ended = time.monotonic() + LIMIT
    while ranks(hosts) and time.monotonic() < ended:
        time.sleep(0.2)
    assert ranks(hosts) == []
    assert "rank 1 did not come to" in (tmp_path / "errors").read_text()
    ip("-n", f"{hosts}-2", "link", "set", "veth2", "up")
    process.communicate(timeout=LIMIT)
    assert process.returncode != 0
