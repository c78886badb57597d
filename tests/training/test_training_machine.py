"""Any sequence of kills, stops, moves and resumes, of any training: it ends, bit for bit, as the one without them.

The machine trains in a folder and interrupts itself as Hypothesis likes; whatever a process has in memory is lost each
time, and the next one is made anew, from another seed. Its counterpart runs in one piece.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import StateError
from minigrad.functional import cross_entropy
from minigrad.io.nested import unpack
from minigrad.optim.schedule import Constant, Cosine, Plateau
from minigrad.training import (
    F1,
    Callback,
    CSVLogger,
    EarlyStopping,
    GradientStatistics,
    Run,
    SaveBest,
    fit,
    load_checkpoint,
)
from minigrad.training import run as run_module

DATA = np.random.default_rng(0)
X, Y = DATA.normal(size=(11, 3)).astype(np.float32), DATA.integers(0, 3, 11)
EPOCHS = 3

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "adam": lambda p: optim.AdamW(p, lr=0.05),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5),
    "nadam": lambda p: optim.NAdam(p, lr=0.01),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1),
}
SCHEDULES = {
    "constant": Constant,
    "cosine": lambda: Cosine(warmup=0.2),
    "plateau": lambda: Plateau(patience=0, factor=0.5, threshold=0.2),
}
CALLBACKS = {
    "early": lambda folder: EarlyStopping(patience=1, min_delta=0.05),
    "best": lambda folder: SaveBest(folder / "best.safetensors"),
    "statistics": lambda folder: GradientStatistics(),
    "csv": lambda folder: CSVLogger(folder / "history.csv"),
}


def noise(x, generator):
    return x + generator.normal(size=x.shape).astype(x.dtype)


@dataclass(frozen=True)
class Plan:
    """A training: all that stands in the user's script.

    `batch_sizes` has one for each epoch: the script is changed between epochs.
    """

    optimizer: str
    schedule: str
    callbacks: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    accumulate: int
    shuffle: bool
    normalize: bool
    clip: float | None

    def steps(self, epoch):
        """The number of updates in an epoch."""
        batches = -(-len(X) // self.batch_sizes[epoch])
        return -(-batches // self.accumulate)


PLANS = st.builds(
    Plan,
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    schedule=st.sampled_from(list(SCHEDULES)),
    callbacks=st.lists(st.sampled_from(list(CALLBACKS)), unique=True).map(tuple),
    batch_sizes=st.one_of(
        st.sampled_from([3, 4, 11]).map(lambda n: (n,) * EPOCHS), st.tuples(*[st.sampled_from([3, 4])] * EPOCHS)
    ),
    accumulate=st.integers(1, 2),
    shuffle=st.booleans(),
    normalize=st.booleans(),
    clip=st.sampled_from([None, 0.1]),
)


class ChangeLoader(Callback):
    """The change of the batch size between two epochs, in one piece."""

    def __init__(self, sizes):
        self.sizes = sizes

    def on_epoch(self, training):
        if training.epoch < EPOCHS:
            training.loader.batch_size = self.sizes[training.epoch]


class Interrupt(Callback):
    """Ends a process after a step: by `stop`, which saves, or by an error, which does not."""

    def __init__(self, step=None, kill=False):
        self.step, self.kill = step, kill

    def on_step(self, training):
        if training.step == self.step:
            if self.kill:
                raise SystemExit
            training.stop()


def train(folder, plan, interrupt=None, *, seed=0, prefetch=0, hidden=4):
    """What a process does: begin, or go on with what it finds in the folder."""
    run = Run.open(folder) if (folder / "settings.json").exists() else Run.create(folder, {"data": "mine"})
    epoch = run.checkpoint.epoch if run.checkpoint else 0
    rng.seed(seed if run.checkpoint else 1)  # only what is saved must count
    layers = [nn.Linear(3, hidden), nn.Tanh(), nn.Dropout(0.3), nn.Linear(hidden, 3)]
    if plan.normalize:
        layers.insert(1, nn.BatchNorm1d(hidden))
    model = nn.Sequential(*layers)
    loader = DataLoader(
        (X, Y), batch_size=plan.batch_sizes[min(epoch, EPOCHS - 1)], shuffle=plan.shuffle, transform=noise,
        prefetch=prefetch, seed=7,
    )  # fmt: skip
    callbacks = [CALLBACKS[name](folder) for name in plan.callbacks]
    return fit(
        model, loader, loss=cross_entropy, optimizer=OPTIMIZERS[plan.optimizer](model.parameters()), epochs=EPOCHS,
        schedule=SCHEDULES[plan.schedule](), test=(X, Y), metrics=[F1()], accumulate=plan.accumulate,
        clip_norm=plan.clip, callbacks=[run, ChangeLoader(plan.batch_sizes), *callbacks, interrupt or Interrupt()],
    )  # fmt: skip


def checkpoint_content(path):
    """All that a checkpoint holds, but the time that it took."""
    checkpoint = load_checkpoint(path)
    sums = {**unpack(checkpoint.metadata["sums"], checkpoint.arrays), "seconds": 0}
    states = {name: str(state) for name, state in sums.pop("metric_states").items()}
    arrays = {name: (str(a.dtype), a.shape, a.tobytes()) for name, a in checkpoint.arrays.items()}
    return arrays, {**checkpoint.metadata, "sums": {**sums, "metric_states": states}}


def history(folder):
    """The records of the history, without the time."""
    path = folder / "history.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


def table(folder):
    """The table of the history, without the time."""
    rows = [row.split(",") for row in (folder / "history.csv").read_text().splitlines()]
    return [row[: (k := rows[0].index("seconds"))] + row[k + 1 :] for row in rows]


def content(folder):
    """All that a finished run holds."""
    found = {"history": history(folder), "run": checkpoint_content(folder / "checkpoint.safetensors")}
    if (folder / "best.safetensors").exists():
        found["best"] = checkpoint_content(folder / "best.safetensors")
    if (folder / "history.csv").exists():
        found["table"] = table(folder)
    return found


class TrainingMachine(RuleBasedStateMachine):
    """One training, interrupted at will."""

    def __init__(self):
        super().__init__()
        self.parent = Path(tempfile.mkdtemp())
        self.folder = self.parent / "run"
        self.epoch = self.step = self.processes = 0
        self.finished = False

    def teardown(self):
        if hasattr(self, "plan"):
            self.run()
            assert content(self.folder) == content(self.straight)
        shutil.rmtree(self.parent)

    @initialize(plan=PLANS)
    def begin(self, plan):
        self.plan = plan
        self.straight = self.parent / "straight"
        train(self.straight, plan)
        self.records = history(self.straight)

    def run(self, interrupt=None, **environment):
        """One process; gives whether it came to its end."""
        self.processes += 1
        try:
            train(self.folder, self.plan, interrupt, seed=self.processes, **environment)
        except SystemExit:
            return False
        return True

    @property
    def checkpoint(self):
        return load_checkpoint(self.folder / "checkpoint.safetensors")

    @rule(after=st.integers(1, 4), prefetch=st.integers(0, 1))
    def kill(self, after, prefetch):
        """The process dies after some more steps: the last saved state is what counts."""
        self.run(Interrupt(self.step + after, kill=True), prefetch=prefetch)

    @rule(after=st.integers(1, 4), prefetch=st.integers(0, 1))
    def stop(self, after, prefetch):
        """Someone stops the process after a step: nothing of what it did is lost.

        Within an epoch the batch size cannot change then: samples would be left out, or come twice.
        """
        self.run(Interrupt(self.step + after), prefetch=prefetch)
        ended = len(history(self.folder)) == len(self.records)
        assert self.checkpoint.metadata["step"] == self.step + after or ended
        if self.batch > 0:
            sizes = tuple([7 - size if size < 7 else 4 for size in self.plan.batch_sizes])
            self.expect_refusal(replace(self.plan, batch_sizes=sizes))

    @rule(epoch=st.integers(1, EPOCHS), before=st.sampled_from(["line", "checkpoint"]), half_a_line=st.booleans())
    def kill_while_saving(self, epoch, before, half_a_line):
        """The process dies before the line of an epoch, between it and the checkpoint, or in the middle of the line."""
        append, save = run_module.append_record, Run._save

        def appended(path, record):
            if record["epoch"] == epoch and before == "line":
                raise SystemExit
            append(path, record)

        def saved(run, training):
            if training.epoch == epoch and training.history and before == "checkpoint":
                raise SystemExit
            save(run, training)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_module, "append_record", appended)
            patch.setattr(Run, "_save", saved)
            self.run()
        path = self.folder / "history.jsonl"
        if half_a_line and path.exists() and not self.has_ended:
            with open(path, "ab") as file:
                file.write(b'{"epoch": 9, "lo')

    @property
    def has_ended(self):
        return (self.folder / "checkpoint.safetensors").exists() and self.checkpoint.epoch == len(self.records)

    @precondition(lambda self: self.folder.exists())
    @rule()
    def move(self):
        """The folder is moved to another place."""
        self.folder = self.folder.rename(self.parent / f"run-{self.processes}-{os.urandom(4).hex()}")

    @precondition(lambda self: self.processes)
    @rule()
    def try_another_model(self):
        """A script with another model is refused, and nothing in the folder changes."""
        self.expect_refusal(hidden=5)

    @property
    def batch(self):
        """How many batches of the epoch have been trained on, as saved."""
        checkpoint = self.checkpoint
        return unpack(checkpoint.metadata["loader"], checkpoint.arrays)["batch"]

    def expect_refusal(self, plan=None, **environment):
        names = [name for name in ("checkpoint.safetensors", "history.jsonl") if (self.folder / name).exists()]
        before = [(self.folder / name).read_bytes() for name in names]
        with pytest.raises(StateError, match="does not fit this training"):
            train(self.folder, plan or self.plan, **environment)
        assert [(self.folder / name).read_bytes() for name in names] == before

    @invariant()
    def nothing_is_lost(self):
        """What was saved once stays, and is what the training in one piece had then."""
        if not self.processes:
            return
        checkpoint = self.checkpoint
        assert checkpoint.epoch >= self.epoch
        assert checkpoint.metadata["step"] >= self.step
        self.epoch, self.step = checkpoint.epoch, checkpoint.metadata["step"]
        path = self.folder / "history.jsonl"
        lines = path.read_text().splitlines()[: self.epoch] if path.exists() else []
        found = [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]
        assert found == self.records[: self.epoch]
        within = self.step - sum(self.plan.steps(k) for k in range(self.epoch))
        batches = min(within * self.plan.accumulate, -(-len(X) // self.plan.batch_sizes[min(self.epoch, EPOCHS - 1)]))
        assert self.batch == batches


EXAMPLES = {"dev": 10, "ci": 40, "intense": 1000}[os.environ.get("MINIGRAD_PROFILE", "dev")]


def test_an_interrupted_training_is_the_one_in_one_piece():
    run_state_machine_as_test(
        TrainingMachine, settings=settings(max_examples=EXAMPLES, stateful_step_count=8, deadline=None, database=None)
    )
