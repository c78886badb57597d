"""Streams: batches depend on (seed, epoch, batch) alone, in however many processes; the end of an epoch is seen."""

import multiprocessing

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.data import DataLoader, IterableDataset, Normalize, RandomFlip, StreamLoader
from minigrad.errors import DataError, UsageError
from minigrad.functional import mse_loss
from minigrad.optim.schedule import Cosine, Step
from minigrad.training import Callback, Run, evaluate, fit

fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")


class Lines:
    """An object that can only be iterated over."""

    def __init__(self, count=23):
        self.count = count

    def __iter__(self):
        return ((np.float32(n), n) for n in range(self.count))


class Decoded(IterableDataset):
    """Numbers as texts, and which of them were decoded here."""

    window = 5

    def __init__(self, count=23, broken=None):
        self.count, self.broken, self.decoded = count, broken, []

    def __iter__(self):
        return map(str, range(self.count))

    def decode(self, record):
        self.decoded.append(int(record))
        if int(record) == self.broken:
            raise ValueError("no such number")
        return np.full((1, 2, 2), record, np.float32), int(record)


class Endless(IterableDataset):
    """More than an epoch has."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __iter__(self):
        n = 0
        while True:
            yield float(n), n
            n += 1


def numbers(loader):
    return [batch[-1].tolist() for batch in loader]


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("count", [1, 4, 8, 23])
def test_samples_come_in_their_order(count, drop_last):
    loader = DataLoader(Lines(count), 4, drop_last=drop_last)
    assert isinstance(loader, StreamLoader)
    found = numbers(loader)
    whole = [list(range(n, min(n + 4, count))) for n in range(0, count, 4)]
    assert found == [batch for batch in whole if len(batch) == 4 or not drop_last]
    assert (loader.epoch, loader.batch, loader.length) == (1, 0, None)
    assert loader
    with pytest.raises(TypeError, match="is a stream without a length"):
        len(loader)


@pytest.mark.parametrize("count", [3, 4, 21])
def test_a_length_cuts_a_stream_off(count):
    loader = DataLoader(Endless(count), 4)
    assert [n for batch in numbers(loader) for n in batch] == list(range(count))
    assert len(loader) == loader.length == -(-count // 4)


def test_shuffling_is_within_a_window_and_another_one_each_epoch():
    loader = DataLoader(Decoded(200), 10, shuffle=True)
    first, second = ([n for batch in numbers(loader) for n in batch] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(200))
    assert first != second
    assert all(n <= place + 5 for place, n in enumerate(first))
    again = DataLoader(Decoded(200), 10, shuffle=True)
    assert [n for batch in numbers(again) for n in batch] == first


@pytest.mark.parametrize("settings", [{"prefetch": 3}, {"workers": 2}, {"workers": 2, "persistent_workers": True}])
@fork
def test_batches_are_the_same_in_other_processes(settings):
    transforms = {"shuffle": True, "seed": 3, "transform": RandomFlip()}
    expected = DataLoader(Decoded(), 4, **transforms)
    loader = DataLoader(Decoded(), 4, start_method="fork", **transforms, **settings)
    for _ in range(2):
        for batch, (x, y) in zip(loader, expected, strict=True):
            np.testing.assert_array_equal(batch[0].numpy(), x.numpy())
            np.testing.assert_array_equal(batch[1].numpy(), y.numpy())
    loader.close()


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_share_a_batch_and_decode_their_own_samples_only(size):
    """The last batch, of three samples, leaves some ranks without one."""
    parts = []
    for rank in range(size):
        data = Decoded()
        loader = DataLoader(data, 4, shuffle=True, transform=Normalize(1, 2))
        with loader.part(rank, size):
            parts.append([(x.tolist(), y.tolist()) for x, y in loader])
        assert len(set(data.decoded)) <= -(-23 // size) + 6
    whole = [(x.tolist(), y.tolist()) for x, y in DataLoader(Decoded(), 4, shuffle=True, transform=Normalize(1, 2))]
    joined = [tuple([n for part in batch for n in part[k]] for k in range(2)) for batch in zip(*parts, strict=True)]
    assert joined == whole


@pytest.mark.parametrize("stop", [1, 2, 5, 6])
def test_a_saved_state_goes_on_after_the_samples_that_were_seen(stop):
    loader = DataLoader(Decoded(), 4, shuffle=True)
    rest = []
    for k, batch in enumerate(loader, 1):
        if k == stop:
            state = loader.state_dict()
        if k > stop:
            rest.append(batch[-1].tolist())
    data = Decoded()
    other = DataLoader(data, 4, shuffle=True)
    other.load_state_dict(state)
    assert numbers(other) == rest
    assert len(data.decoded) == sum(map(len, rest))  # what was seen is passed over, not decoded
    assert numbers(other) == numbers(loader)  # the next epoch


def test_errors_name_batch_and_sample():
    with pytest.raises(ValueError, match="no such number") as caught:
        numbers(DataLoader(Decoded(broken=9), 4))
    notes = "\n".join(caught.value.__notes__)
    assert "while decoding sample 9 of the stream" in notes
    assert "in batch 2 of epoch 0 of the DataLoader" in notes


def test_what_is_no_stream_is_refused():
    with pytest.raises(DataError, match="a generator is exhausted after one epoch"):
        DataLoader(n for n in range(3))
    with pytest.raises(DataError, match="weights choose samples by number, which a stream has not"):
        DataLoader(Lines(), weights=[1.0])
    with pytest.raises(DataError, match="has the length 0"):
        DataLoader(Endless(0))
    with pytest.raises(DataError, match="batch_size must be an integer of at least 1"):
        DataLoader(Lines(), 0)
    with pytest.raises(NotImplementedError, match="needs a method __iter__"):
        numbers(DataLoader(IterableDataset()))
    assert numbers(DataLoader(Lines(0))) == []


# ---- training --------------------------------------------------------------------------------------------------------


class Points(IterableDataset):
    """Points of a line, decoded from their numbers."""

    def __iter__(self):
        return iter(range(22))

    def decode(self, record):
        x = np.float32(record / 22)
        return np.array([x]), np.array([3 * x + 1], np.float32)


def line(**settings):
    """A training on the points, whose stream has no length."""
    model = nn.Linear(1, 1, rng=np.random.default_rng(0))
    loader = DataLoader(Points(), 4, shuffle=True)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, loader, loss=mse_loss, optimizer=optimizer, **{"epochs": 3, **settings})
    return model, history


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 6), (4, 2), (6, 1)])
def test_fit_takes_a_stream(accumulate, steps):
    model, history = line(accumulate=accumulate)
    assert [record["step"] for record in history] == [steps, 2 * steps, 3 * steps]
    assert [record["samples"] for record in history] == [22] * 3
    assert history.last["loss"] < history[0]["loss"]
    assert evaluate(model, DataLoader(Points(), 5), mse_loss)["loss"] > 0


def test_a_schedule_that_needs_the_number_of_steps_is_refused():
    with pytest.raises(UsageError, match=r"Cosine.* needs the number of all steps, and the loader's stream has no"):
        line(schedule=Cosine())
    _, history = line(schedule=Step(6, 0.5))
    assert [record["lr"] for record in history] == [0.1, 0.05, 0.025]


@pytest.mark.parametrize("step", [1, 5, 6, 7, 14])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, step):
    class Stop(Callback):
        def on_step(self, training):
            if training.step == step:
                training.stop()

    straight, expected = line()
    line(callbacks=(Run.create(tmp_path / "run", {}), Stop()))
    resumed, history = line(callbacks=(Run.open(tmp_path / "run"),))
    assert [r["loss"] for r in history] == [r["loss"] for r in expected]
    np.testing.assert_array_equal(resumed.weight.numpy(), straight.weight.numpy())


def test_the_progress_of_an_unknown_length_is_told_without_a_time_left(capsys):
    from minigrad.training import Progress

    line(callbacks=(Progress(),))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch 1/3  loss ")
    assert "left" not in "".join(lines)


@pytest.mark.peer
def test_a_stream_of_pytorch_is_a_stream(torch):
    class Theirs(torch.utils.data.IterableDataset):
        def __iter__(self):
            return ((torch.tensor([float(n)]), n) for n in range(5))

    assert numbers(DataLoader(Theirs(), 2)) == [[0, 1], [2, 3], [4]]
