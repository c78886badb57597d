"""Whatever happens to a rank, the job ends within its time limit, says why, and loses only what was not saved."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minigrad.training import load_checkpoint

SCRIPT = Path(__file__).with_name("faulty.py")
LIMIT = 300  # s; the machine may be busy
EPOCHS = 12
TRAIN = (
    "train", "small_model:net", "--data", "moons", "--epochs", EPOCHS, "--batch-size", 100, "--optimizer", "sgd:lr=0.1",
    "--threads", 1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raise", "ValueError: bad luck"),
        ("all raise", "ValueError: bad luck"),
        ("raise outside", "ValueError: bad luck"),
        ("hang", "rank 1 did not come to the end of step 3 within 2 s"),
        ("leave", "rank 1 came to the end of its program after the gradients of step 2"),
        pytest.param(
            "die", "rank 1 (", marks=pytest.mark.skipif(sys.platform != "linux", reason="needs a supervisor: Linux")
        ),
    ],
)
def test_a_fault_ends_all_ranks_and_is_told_once(run_ranks, fault, reason):
    code, _, errors = run_ranks(2, SCRIPT, fault, MINIGRAD_RANK_TIMEOUT="2")
    assert code != 0
    assert errors.count(reason) == 1, errors
    assert errors.count("Traceback") == (fault != "die")
    assert "rank 1" in errors or fault == "all raise"


def processes_below(pid):
    """The processes that have been started by one, and by those, which have started none themselves."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [leaf for child in children for leaf in processes_below(child)] if children else [int(pid)]


@pytest.fixture
def train(start_ranks, tmp_path):
    """Start `minigrad` on some ranks, and wait until it has printed so many epochs."""
    here = str(Path(__file__).parent)
    processes = []

    def start(ranks, *words, epochs=0):
        paths = os.pathsep.join([here, *map(str, [Path(here).parents[1], Path(here).parents[1] / "models"])])
        process = start_ranks(ranks, "-m", "minigrad", *words, PYTHONPATH=paths)
        processes.append(process)
        seen = 0
        while seen < epochs:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            seen += line.startswith("epoch")
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def weights(folder):
    return load_checkpoint(folder / "checkpoint.safetensors").model


@pytest.mark.skipif(sys.platform != "linux", reason="finds the ranks in /proc")
def test_killed_and_stopped_runs_go_on_with_other_numbers_of_ranks(train, tmp_path):
    draw = random.Random(time.time_ns())
    folder, whole = tmp_path / "run", tmp_path / "whole"
    killed = train(2, *TRAIN, "--out", folder, epochs=draw.randint(1, 3))
    time.sleep(draw.uniform(0, 0.1))
    os.kill(draw.choice(processes_below(killed.pid)), signal.SIGKILL)
    _, errors = killed.communicate(timeout=LIMIT)
    assert killed.returncode != 0
    assert errors.count("was killed by SIGKILL") == 1

    stopped = train(4, "resume", folder, epochs=draw.randint(1, 3))
    stopped.send_signal(signal.SIGTERM)
    output, errors = stopped.communicate(timeout=LIMIT)
    assert "stopped and saved" in output, errors
    assert stopped.returncode == 128 + signal.SIGTERM

    for ranks, words in ((3, ("resume", folder)), (1, (*TRAIN, "--out", whole))):
        process = train(ranks, *words)
        output, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, errors
    records = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(1, EPOCHS + 1))
    for name, array in weights(whole).items():
        np.testing.assert_allclose(weights(folder)[name], array, rtol=1e-3, atol=1e-4)


def test_a_wrong_option_is_told_once(train, tmp_path):
    process = train(2, *TRAIN, "--out", tmp_path, "--loss", "hinge")
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 2
    assert errors.count("minigrad: error") == 1
