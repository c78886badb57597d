"""The training loop: it does what its few lines say, in the right order, and nothing useless is kept."""

import math

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.data import ArrayDataset, DataLoader
from minigrad.errors import NonFiniteError, UsageError
from minigrad.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from minigrad.optim.schedule import Constant, Cosine
from minigrad.training import Callback, fit

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype(np.float32), RNG.integers(0, 4, 20)


def classifier():
    rng.seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4))


def train(model, loader=None, **settings):
    loader = DataLoader((X, Y), batch_size=8, shuffle=True) if loader is None else loader
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return fit(model, loader, **{"loss": cross_entropy, "optimizer": optimizer, "epochs": 2, **settings})


class Log(Callback):
    """Remembers what was called, and where the training stood."""

    def __init__(self, name="", calls=None, stop_at=None):
        self.name, self.calls, self.stop_at = name, calls if calls is not None else [], stop_at

    def note(self, what, training):
        self.calls.append((self.name + what, training.epoch, training.step, training.status))

    def on_begin(self, training):
        self.note("begin", training)

    def on_step(self, training):
        self.note("step", training)
        if training.step == self.stop_at:
            training.stop()

    def on_epoch(self, training):
        self.note("epoch", training)

    def on_end(self, training):
        self.note("end", training)
        self.training = training


# ---- what it computes ------------------------------------------------------------------------------------------


def test_fit_is_output_loss_gradient_step_for_each_batch():
    model, twin = classifier(), classifier()
    rng.seed(1)
    train(model, DataLoader((X, Y), batch_size=8, shuffle=True))
    optimizer = optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    loader = DataLoader((X, Y), batch_size=8, shuffle=True)
    rng.seed(1)
    for _ in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            cross_entropy(twin(x), y).backward()
            optimizer.step()
    for name, array in twin.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_the_recorded_loss_and_accuracy_are_means_over_samples_not_batches():
    model = nn.Linear(3, 4)
    frozen = optim.SGD(model.parameters(), lr=0.0)
    history = train(model, DataLoader((X, Y), batch_size=8), optimizer=frozen, epochs=1, test=(X[:9], Y[:9]))
    scores = model(X).data
    assert history.last["loss"] == pytest.approx(cross_entropy(scores, Y).item())
    assert history.last["accuracy"] == np.mean(scores.argmax(1) == Y)
    assert history.last["test_loss"] == pytest.approx(cross_entropy(scores[:9], Y[:9]).item())
    assert history.last["test_accuracy"] == np.mean(scores[:9].argmax(1) == Y[:9])


def test_records_count_epochs_steps_and_samples():
    history = train(classifier(), schedule=Cosine())
    assert [(r["epoch"], r["step"], r["samples"]) for r in history] == [(1, 3, 20), (2, 6, 20)]
    assert history["lr"] == pytest.approx([0.1 * Cosine()(2, 6), 0.1 * Cosine()(5, 6)])
    assert all(seconds > 0 for seconds in history["seconds"])
    assert "test_loss" not in history[-1]


def test_of_a_single_output_there_is_no_accuracy_whatever_the_targets_are():
    def loss(output, target):
        return binary_cross_entropy_with_logits(output[:, 0], target.astype(np.float32))

    model, labels = nn.Linear(3, 1), np.array([0, 1, 1, 1])
    loader = DataLoader((np.zeros((4, 3), np.float32), labels), batch_size=2)
    history = fit(model, loader, loss=loss, optimizer=optim.SGD(model.parameters()), epochs=1)
    assert "accuracy" not in history.last  # the largest of one score would be class 0 for every sample


def test_without_class_numbers_there_is_no_accuracy():
    history = train(nn.Linear(3, 1), DataLoader((X, X[:, :1]), batch_size=8), loss=mse_loss, test=(X, X[:, :1]))
    assert history.last.keys() == {"epoch", "step", "samples", "lr", "loss", "test_loss", "seconds"}


def test_a_model_may_have_several_inputs():
    class Sum(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 4)

        def forward(self, x, y):
            return self.linear(x + y)

    assert len(train(Sum(), DataLoader((X, X, Y), batch_size=8))) == 2


@pytest.mark.parametrize("schedule", [Constant(), Cosine(warmup=0.5, final=0.1)])
def test_each_step_uses_the_schedules_rate_and_leaves_the_base_rates_alone(schedule):
    seen = []

    class Spy(optim.SGD):
        def step(self):
            seen.append([group["lr"] for group in self.param_groups])
            super().step()

    model = nn.Linear(3, 4)
    optimizer = Spy([{"params": [model.weight], "lr": 0.5}, {"params": [model.bias]}], lr=0.1)
    train(model, optimizer=optimizer, schedule=schedule)
    assert np.array(seen) == pytest.approx(np.array([[0.5 * schedule(s, 6), 0.1 * schedule(s, 6)] for s in range(6)]))
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]


def test_the_base_rates_are_left_alone_also_when_a_step_fails():
    class Broken(optim.SGD):
        def step(self):
            raise RuntimeError

    model = nn.Linear(3, 4)
    optimizer = Broken(model.parameters(), lr=0.5)
    with pytest.raises(RuntimeError):
        train(model, optimizer=optimizer, schedule=Cosine(warmup=0.9))
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_model_is_in_training_mode_in_each_epoch_whatever_it_was_in_before():
    modes = []

    class Spy(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 4)

        def forward(self, x):
            modes.append(self.training)
            return self.linear(x)

    class Evaluating(Callback):
        def on_epoch(self, training):
            training.model.eval()

    train(Spy().eval(), callbacks=[Evaluating()])
    assert modes == [True] * 6


def test_gradients_of_before_do_not_count():
    model, twin = nn.Linear(3, 4), nn.Linear(3, 4)
    twin.load_state_dict(model.state_dict())
    cross_entropy(model(X), Y).backward()
    train(model, epochs=1)
    train(twin, epochs=1)
    np.testing.assert_array_equal(model.weight.data, twin.weight.data)


@pytest.mark.parametrize("epochs", [0, -1, 2.0, "3"])
def test_epochs_that_are_no_positive_integer_are_refused(epochs):
    with pytest.raises(UsageError, match="fit: epochs must be an integer of at least 1, got"):
        train(classifier(), epochs=epochs)


# ---- callbacks -------------------------------------------------------------------------------------------------


def test_callbacks_are_called_in_their_order_and_ended_in_reverse():
    calls = []
    train(nn.Linear(3, 4), DataLoader((X, Y), batch_size=20), epochs=1, callbacks=[Log("a ", calls), Log("b ", calls)])
    assert [call[0] for call in calls] == [
        "a begin", "b begin", "a step", "b step", "a epoch", "b epoch", "b end", "a end",
    ]  # fmt: skip


def test_callbacks_see_the_position_after_each_step_and_epoch():
    log = Log()
    train(nn.Linear(3, 4), DataLoader((X, Y), batch_size=10), callbacks=[log])
    first = [("begin", 0, 0), ("step", 0, 1), ("step", 0, 2), ("epoch", 1, 2)]
    second = [("step", 1, 3), ("step", 1, 4), ("epoch", 2, 4)]
    assert log.calls == [(*call, "running") for call in first + second] + [("end", 2, 4, "finished")]


@pytest.mark.parametrize(("stop_at", "epochs"), [(1, 0), (2, 0), (3, 0), (4, 1)])
def test_stop_ends_after_the_current_step(stop_at, epochs):
    log = Log(stop_at=stop_at)
    history = train(nn.Linear(3, 4), callbacks=[log])
    assert log.calls[-1] == ("end", epochs, stop_at, "stopped")
    assert len(history) == epochs


def test_a_stop_during_the_last_evaluation_comes_too_late():
    class StopAtEpoch(Log):
        def on_epoch(self, training):
            training.stop()

    log = StopAtEpoch()
    train(nn.Linear(3, 4), epochs=1, callbacks=[log])
    assert log.calls[-1][3] == "finished"


def test_when_a_callback_fails_the_others_are_ended_and_told():
    class Failing(Callback):
        def on_step(self, training):
            raise KeyError("bug")

    log = Log()
    with pytest.raises(KeyError, match="bug"):
        train(nn.Linear(3, 4), callbacks=[log, Failing()])
    assert log.calls[-1] == ("end", 0, 1, "failed")


# ---- not finite ------------------------------------------------------------------------------------------------


def spoiled(step, value):
    """A loss that becomes `value` at a step, counted from 1."""
    calls = []

    def loss(output, target):
        calls.append(None)
        return cross_entropy(output, target) * (value if len(calls) == step else 1.0)

    return loss


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_weights_are_touched(value):
    log, model = Log(), nn.Linear(3, 4)
    with pytest.raises(NonFiniteError, match=r"the loss became \S+ in epoch 2, at step 5 \(learning rate 0.1\): try"):
        train(model, loss=spoiled(5, value), callbacks=[log])
    assert log.calls[-1] == ("end", 1, 4, "failed")
    assert all(np.isfinite(array).all() for array in model.state_dict().values())


def test_weights_that_the_last_step_of_an_epoch_spoils_are_never_reported_as_an_epoch():
    model, log = nn.Linear(3, 4), Log()
    optimizer = optim.SGD(model.parameters(), lr=1e300)
    with pytest.raises(NonFiniteError, match=r"the parameter weight became -?inf in epoch 1, at step 1 "):
        train(model, DataLoader((X, Y), batch_size=20), optimizer=optimizer, callbacks=[log])
    assert [call[0] for call in log.calls] == ["begin", "step", "end"]


def test_weights_that_the_step_before_a_stop_spoils_are_a_failure_not_a_stop():
    model, log = nn.Linear(3, 4), Log(stop_at=1)
    with pytest.raises(NonFiniteError):
        train(model, optimizer=optim.SGD(model.parameters(), lr=1e300), callbacks=[log])
    assert log.calls[-1][3] == "failed"


def test_a_test_loss_that_is_not_finite_is_told():
    with pytest.raises(NonFiniteError, match="the test loss became nan in epoch 1, at step 3 "):
        train(nn.Linear(3, 4), test=(X * np.float32(np.nan), Y))


@pytest.mark.parametrize("data", [(X, Y), [X, Y], ArrayDataset(X, Y), X])
def test_data_that_is_no_loader_is_refused_with_the_way_to_one(data):
    with pytest.raises(UsageError, match=r"fit: the loader is a minigrad.data.DataLoader, not a .*: DataLoader\("):
        train(classifier(), data)


def test_a_list_of_samples_trains_as_its_arrays_do():
    def weights(data):
        model = classifier()
        rng.seed(1)
        train(model, DataLoader(data, batch_size=8))
        return [p.tolist() for p in model.parameters()]

    assert weights(list(zip(X, Y, strict=True))) == weights((X, Y))
