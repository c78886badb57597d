"""A second training with the same objects is like the first: nothing of another training is left in it."""

import copy
import inspect
import io

import numpy as np
import pytest

import minigrad.optim.schedule
import minigrad.training
from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import DataError, UsageError
from minigrad.functional import cross_entropy
from minigrad.optim.schedule import Chained, Cosine, Plateau, Schedule, Sequential, warmup
from minigrad.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    GradientStatistics,
    Progress,
    Run,
    SaveBest,
    TensorBoard,
    evaluate,
    fit,
    predict,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype(np.float32), RNG.integers(0, 3, 24)
TIMES = {"seconds"}


class Counter(Callback):
    """A user's callback with a state, and nothing but the two methods that a checkpoint needs."""

    def __init__(self):
        self.count = 0

    def on_step(self, training):
        self.count += 1
        if self.count == 9:
            training.stop()

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


CALLBACKS = {
    EarlyStopping: lambda folder: EarlyStopping("loss", patience=1, min_delta=0.05),
    SaveBest: lambda folder: SaveBest(folder / "best.safetensors", "loss"),
    GradientStatistics: lambda folder: GradientStatistics(),
    CSVLogger: lambda folder: CSVLogger(folder / "log.csv"),
    Progress: lambda folder: Progress(io.StringIO()),
    Counter: lambda folder: Counter(),
}
SCHEDULES = {
    "plateau": lambda: Plateau(patience=0, threshold=0.5),
    "warm-up": lambda: warmup(Plateau(patience=0, threshold=0.5), steps=2),
    "chained": lambda: Chained((Plateau(patience=0, threshold=0.5), Cosine())),
    "nested": lambda: Sequential((Chained((Plateau(patience=0, threshold=0.5),)), Cosine()), (8,)),
}


def train(fold, callbacks=(), schedule=None, loader=None, epochs=5, accumulate=1):
    rng.seed(fold)
    model = nn.Linear(3, 3)
    part = np.arange(24) % 3 != fold
    loader = loader or DataLoader((X[part], Y[part]), batch_size=6, shuffle=True, seed=fold)
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    history = fit(
        model, loader, loss=cross_entropy, optimizer=optimizer, epochs=epochs, schedule=schedule, callbacks=callbacks,
        test=(X[~part], Y[~part]), accumulate=accumulate,
    )  # fmt: skip
    records = [{name: value for name, value in record.items() if name not in TIMES} for record in history]
    return records, {name: array.tolist() for name, array in model.state_dict().items()}


@pytest.mark.parametrize("kind", CALLBACKS, ids=lambda kind: kind.__name__)
def test_each_fold_with_one_callback_is_the_fold_with_a_new_one(tmp_path, kind):
    shared = CALLBACKS[kind](tmp_path)
    for fold in range(3):
        new = CALLBACKS[kind](tmp_path)
        assert train(fold, [shared]) == train(fold, [new])
        assert repr(shared.state_dict()) == repr(new.state_dict())


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_fold_with_one_schedule_is_the_fold_with_a_new_one(name):
    shared = SCHEDULES[name]()
    for fold in range(3):
        assert train(fold, schedule=shared) == train(fold, schedule=SCHEDULES[name]())


def test_a_plateau_in_a_new_warm_up_begins_anew_too():
    plateau = Plateau(patience=0, threshold=0.5)
    for fold in range(2):
        assert train(fold, schedule=warmup(plateau, 2)) == train(fold, schedule=SCHEDULES["warm-up"]())


def test_every_class_with_a_state_is_among_those_that_are_trained_with_twice():
    callbacks = {
        kind for _, kind in inspect.getmembers(minigrad.training, inspect.isclass) if issubclass(kind, Callback)
    }
    assert callbacks - {Callback, Run, TensorBoard} == CALLBACKS.keys() - {Counter}  # both write into their folders
    schedules = [k for _, k in inspect.getmembers(minigrad.optim.schedule, inspect.isclass) if issubclass(k, Schedule)]
    stateful = {kind for kind in schedules if kind.state_dict is not Schedule.state_dict}
    assert stateful == {Plateau, Chained, Sequential}


def test_a_run_that_was_finished_is_not_written_over(tmp_path):
    run = Run.create(tmp_path / "run", {})
    train(0, [run])
    with pytest.raises(UsageError, match="a run has begun in"):
        train(1, [run])


def test_a_state_that_was_loaded_before_the_first_training_is_kept():
    stopping, begun = EarlyStopping("loss", patience=2), EarlyStopping("loss", patience=2)
    begun.load_state_dict({"best": -1.0, "best_epoch": 3, "epochs_without_improvement": 1, "best_weights": {}})
    assert len(train(0, [stopping])[0]) == 5
    assert len(train(0, [begun])[0]) == 1


@pytest.mark.parametrize("look", [
    lambda loader: next(iter(loader)),
    lambda loader: list(zip(range(3), loader, strict=False)),
    lambda loader: [next(iter(loader)) for _ in range(4)],
])  # fmt: skip
def test_looking_at_batches_before_a_training_changes_nothing(look):
    loader = DataLoader((X, Y), batch_size=6, shuffle=True)
    untouched = copy.deepcopy(loader)
    look(loader)
    assert train(0, loader=loader) == train(0, loader=untouched)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_callback_that_looks_at_a_batch_at_each_step_changes_nothing(accumulate):
    loader = DataLoader((X, Y), batch_size=6, shuffle=True)

    class Look(Callback):
        def on_step(self, training):
            next(iter(training.loader))

    looked = train(0, [Look()], loader=copy.deepcopy(loader), accumulate=accumulate)
    assert looked == train(0, loader=loader, accumulate=accumulate)


def test_a_training_that_was_stopped_in_an_epoch_does_not_shorten_the_next_training():
    loader = DataLoader((X, Y), batch_size=6)
    stop = Counter()
    train(0, [stop], loader=loader)
    assert [record["samples"] for record in train(0, loader=loader)[0]] == [24] * 5


class Empty(DataLoader):
    """Gives no batch."""

    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda empty: train(0, [EarlyStopping("loss")], loader=empty), "fit: the loader gave no batch in epoch 1"),
        (lambda empty: evaluate(nn.Linear(3, 3), empty, cross_entropy), "evaluate: the data gave no batch"),
        (lambda empty: predict(nn.Linear(3, 3), empty), "predict: the data gave no batch"),
    ],
)
def test_an_epoch_without_samples_is_an_error(call, name):
    with pytest.raises(DataError, match=name):
        call(Empty((X, Y)))
