"""The history: a line an epoch, and after resuming exactly the lines of the checkpoint."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn
from minigrad.autograd.tensor import Tensor
from minigrad.data import DataLoader
from minigrad.errors import DataError, StateError, UsageError
from minigrad.functional import cross_entropy
from minigrad.optim import SGD
from minigrad.training import Callback, Run, fit
from minigrad.training.history import History, append_record, resume_history


def write(path, epochs, rest=""):
    path.unlink(missing_ok=True)
    for epoch in range(1, epochs + 1):
        append_record(path, {"epoch": epoch, "loss": 1 / epoch})
    if rest:
        with path.open("a") as file:
            file.write(rest)


def test_every_record_is_one_line_of_json_that_is_there_at_once(tmp_path):
    for epochs in (1, 2):
        append_record(tmp_path / "history.jsonl", {"epoch": epochs, "loss": 0.1})
        lines = (tmp_path / "history.jsonl").read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == list(range(1, epochs + 1))


@given(written=st.integers(0, 6), data=st.data())
def test_resuming_keeps_the_lines_up_to_the_checkpoint_and_drops_the_others(tmp_path_factory, written, data):
    path = tmp_path_factory.getbasetemp() / "history.jsonl"
    write(path, written)
    epoch = data.draw(st.integers(0, written))
    history = resume_history(path, epoch)
    assert list(history) == [{"epoch": e, "loss": 1 / e} for e in range(1, epoch + 1)]
    assert resume_history(path, epoch).records == history.records
    assert len(path.read_text().splitlines()) == epoch if path.exists() else epoch == 0


@pytest.mark.parametrize("rest", ['{"epoch": 3, "lo', "\x00\xff", '{"epoch": 3}\n{"epo', "\n"])
def test_a_line_that_was_cut_short_after_the_checkpoint_does_no_harm(tmp_path, rest):
    write(tmp_path / "h", 2, rest)
    assert resume_history(tmp_path / "h", 2)["epoch"] == [1, 2]
    append_record(tmp_path / "h", {"epoch": 3, "loss": 0.0})
    assert resume_history(tmp_path / "h", 3)["loss"] == [1, 0.5, 0]


@pytest.mark.parametrize(
    "content", ["", '{"epoch": 1}\n', '{"epoch": 1}\n{"epoch": 3}\n', '{"epoch": 1}\nnoise\n', "[1]\n[2]\n"]
)
def test_missing_or_damaged_lines_before_the_checkpoint_are_told(tmp_path, content):
    (tmp_path / "h").write_text(content)
    with pytest.raises(StateError, match=r"h is damaged: it does not have one line for each of the epochs 1 to 2"):
        resume_history(tmp_path / "h", 2)


def test_a_history_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*none/h: No such file"):
        append_record(tmp_path / "none" / "h", {"epoch": 1})


def test_an_entry_is_read_as_a_column_of_those_records_that_have_it():
    history = History([{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0, "accuracy": 0.5}])
    assert (history["loss"], history["accuracy"]) == ([3.0, 2.0], [0.5])
    assert (len(history), history.last["epoch"]) == (2, 2)


def test_a_number_is_the_place_of_an_epoch():
    history = History([{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0}, {"epoch": 3, "loss": 1.0}])
    assert history[-1] is history.last
    assert (history[0]["epoch"], history[np.int64(1)]["epoch"], history[1:]["loss"]) == (1, 2, [2.0, 1.0])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("los", "no entry is called 'los'; there are epoch, loss, accuracy"),
        ("test_loss", "no entry is called 'test_loss'"),
        (2, "2 is neither the name of an entry nor the place of one of 2 epochs"),
        (-3, "-3 is neither"),
        (1.5, "1.5 is neither"),
        (None, "None is neither"),
    ],
)
def test_what_no_record_has_is_refused_with_the_names_of_what_there_is(key, message):
    history = History([{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0, "accuracy": 0.5}])
    with pytest.raises(UsageError, match=message):
        history[key]


def test_before_the_first_epoch_every_entry_is_empty_and_there_is_none():
    assert History()["loss"] == []
    with pytest.raises(UsageError, match="one of 0 epochs"):
        History()[-1]


def test_before_the_first_epoch_there_is_no_last_record():
    assert History().last == {}


@pytest.mark.parametrize(
    ("added", "kept"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.arange(3), [0, 1, 2]),
        (Tensor([1.0, 2.0]), [1.0, 2.0]),
        (float("nan"), None),
        ({"a": (np.array([np.inf, 1.0]), "text")}, {"a": [[None, 1.0], "text"]}),
    ],
)
def test_what_callbacks_add_is_kept_as_json_has_it(added, kept):
    history = History([{"epoch": 1}, {"epoch": 2}])
    history.last["added"] = added
    history.convert_last()
    assert history.last == {"epoch": 2, "added": kept}
    assert type(history.last["added"]) is type(kept)


def test_what_json_does_not_have_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(StateError, match="a history holds numbers, texts, lists and dicts only: Object of type set"):
        append_record(tmp_path / "h", {"epoch": 1, "added": {1}})
    assert not (tmp_path / "h").exists()


def test_a_training_whose_callback_adds_numpys_numbers_is_saved_and_goes_on(tmp_path):
    class Add(Callback):
        def on_epoch(self, training):
            training.history.last["mean"] = np.mean(training.model.weight.data)

    def train(run, epochs):
        model = nn.Linear(2, 2)
        data = np.eye(2, dtype=np.float32), np.arange(2)
        optimizer = SGD(model.parameters(), lr=0.1)
        return fit(
            model, DataLoader(data), loss=cross_entropy, optimizer=optimizer, epochs=epochs, callbacks=[run, Add()]
        )

    train(Run.create(tmp_path / "run", {}), 1)
    means = train(Run.open(tmp_path / "run"), 2)["mean"]
    assert len(means) == 2
    assert all(type(mean) is float for mean in means)
