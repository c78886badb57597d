"""Kills a training with SIGKILL, again and again; run by test_run_killed.py in a process of its own.

    python killed_run.py FOLDER KILLS SEED

Each attempt is a fork of this process: forking takes a millisecond, importing would take half a second. A run is
opened and goes on until it is killed, until it ends by itself; then the next one begins, in a folder of its own. Every
run that ends must be, bit for bit, the one that was never killed. Prints what was found as JSON.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.functional import cross_entropy
from minigrad.io.atomic import is_temporary
from minigrad.io.nested import unpack
from minigrad.optim.schedule import Cosine
from minigrad.training import CSVLogger, EarlyStopping, GradientStatistics, Run, SaveBest, fit, load_checkpoint

DATA = np.random.default_rng(0)
X, Y = DATA.normal(size=(24, 6)).astype(np.float32), DATA.integers(0, 4, 24)


def noise(x, generator):
    return x + generator.normal(size=x.shape).astype(x.dtype)


def train(folder):
    """Begin a run or go on with it: all that is random, and all that has a state."""
    run = Run.open(folder) if (folder / "settings.json").exists() else Run.create(folder, {"lr": 0.1})
    rng.seed(time.time_ns() if run.checkpoint else 1)  # what is restored must not depend on how it was made
    own = np.random.default_rng(time.time_ns() if run.checkpoint else 2)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Dropout(0.5), nn.Dropout(0.2, rng=own), nn.Linear(16, 4))
    worst = EarlyStopping(mode="max", patience=50)  # an early epoch, so that forgetting it would show
    callbacks = [run, worst, SaveBest(folder / "best.safetensors"), GradientStatistics()]
    fit(
        model, DataLoader((X, Y), batch_size=5, shuffle=True, transform=noise), loss=cross_entropy,
        optimizer=optim.Adam(model.parameters(), lr=0.05), epochs=12, schedule=Cosine(warmup=0.2), test=(X, Y),
        accumulate=2, clip_norm=1.0, callbacks=[*callbacks, CSVLogger(folder / "history.csv")],
    )  # fmt: skip


def content(folder):
    """All that a run holds, but the time that it took."""
    found = {}
    for name in ("checkpoint", "best"):
        checkpoint = load_checkpoint(folder / f"{name}.safetensors")
        sums = {**unpack(checkpoint.metadata["sums"], checkpoint.arrays), "seconds": 0}
        arrays = {key: (str(a.dtype), a.shape, a.tobytes().hex()) for key, a in sorted(checkpoint.arrays.items())}
        found[name] = [arrays, {**checkpoint.metadata, "sums": sums}]
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    rows = (folder / "history.csv").read_text().splitlines()
    time_column = rows[0].split(",").index("seconds")
    found["csv"] = [row.split(",")[:time_column] + row.split(",")[time_column + 1 :] for row in rows]
    found["history"] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    return {part: json.dumps(value) for part, value in found.items()}


def start(folder):
    """A child that trains; gives its number."""
    child = os.fork()
    if not child:
        code = 1
        try:
            train(folder)
            code = 0
        finally:
            os._exit(code)
    return child


def main(folder, kills, seed):
    """Kill, resume and compare."""
    moments = np.random.default_rng(seed)
    begin = time.perf_counter()
    _, status = os.waitpid(start(folder / "straight"), 0)
    duration = time.perf_counter() - begin
    expected = content(folder / "straight")
    report = {"killed": 0, "while writing": 0, "ended": 0, "failed": int(status != 0), "different": 0}
    number = 0
    while report["killed"] < kills or not report["ended"]:
        run = folder / f"run-{number}"
        child = start(run)
        ended, status = 0, 0
        if report["killed"] < kills:
            time.sleep(moments.uniform(0, duration / 4))
            ended, status = os.waitpid(child, os.WNOHANG)
        if not ended and report["killed"] < kills:
            os.kill(child, signal.SIGKILL)
        if not ended:
            _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            report["killed"] += 1
            report["while writing"] += any(is_temporary(path) for path in run.glob(".*")) if run.exists() else 0
            if (run / "checkpoint.safetensors").exists():
                load_checkpoint(run / "checkpoint.safetensors")
        elif status:
            report["failed"] += 1
            number += 1
        else:
            report["ended"] += 1
            found = content(run)
            for part in found:
                if found[part] != expected[part]:
                    print(f"{run} ended with another {part}: {found[part]}"[:2000], file=sys.stderr)
            report["different"] += found != expected
            number += 1
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
