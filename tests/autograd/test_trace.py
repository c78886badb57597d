"""A trace sees every call of an op, with its inputs, line and time, and changes nothing."""

from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.autograd.trace import trace

HERE = Path(__file__).read_text().splitlines()


def line(mark: str) -> int:
    (found,) = [k + 1 for k, text in enumerate(HERE) if text.endswith(f"# {mark}")]
    return found


def test_recorded_and_unrecorded_calls_are_seen_in_order() -> None:
    x = mg.Tensor([1.0, 4.0], requires_grad=True)
    with trace() as seen:
        y = mg.sqrt(x)  # first
        z = mg.exp(y.detach())  # second
        with mg.no_grad():
            mg.sin(x)  # third
    told = [(e.op.name, e.node is not None, e.recording, e.site) for e in seen.events]
    assert told == [
        ("sqrt", True, True, (__file__, line("first"))),
        ("exp", False, True, (__file__, line("second"))),
        ("sin", False, False, (__file__, line("third"))),
    ]
    assert seen.events[0].out is y._data
    assert seen.events[1].inputs == (y._data,)
    assert seen.events[1].out is z._data
    assert seen.of[y.node] is seen.events[0]
    assert all(event.seconds >= 0 for event in seen.events)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_result_without_dimensions_keeps_its_identity(recorded: bool) -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=recorded)
    with trace() as seen:
        total = x.sum()
        mg.exp(total)
        twice = total * 2.0
    assert seen.events[0].out is total._data
    assert seen.events[-1].out is twice._data
    assert [event.inputs[0] is total._data for event in seen.events[1:]] == [True, True]


def test_inputs_are_those_of_the_call() -> None:
    x, y = mg.ones(2, requires_grad=True), mg.ones(2)
    with trace() as seen:
        mg.concat([x, y], axis=0)
        mg.functional.conv2d(mg.ones((1, 1, 3, 3), requires_grad=True), mg.ones((1, 1, 2, 2)))
    concat, conv = (event for event in seen.events if event.op.name in ("concat", "conv"))
    assert [a is b._data for a, b in zip(concat.inputs, (x, y), strict=True)] == [True, True]
    assert [None if a is None else a.shape for a in conv.inputs] == [(1, 1, 3, 3), (1, 1, 2, 2), None]
    assert conv.settings["stride"] == (1, 1)


def test_several_results_have_an_event_each() -> None:
    with trace() as seen:
        results = mg.svd(mg.randn(3, 2, requires_grad=True), full_matrices=False)
    events = [event for event in seen.events if event.op.result_of is not None]
    assert [event.out is result._data for event, result in zip(events, results, strict=True)] == [True] * 3


def test_gradients_and_values_are_as_without() -> None:
    mg.seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)

    def gradients() -> list[np.ndarray]:
        model.zero_grad()
        model(x).sum().backward()
        return [np.array(p.grad.data) for p in model.parameters() if p.grad is not None]

    plain = gradients()
    with trace():
        traced = gradients()
    for a, b in zip(plain, traced, strict=True):
        np.testing.assert_array_equal(a, b)


def test_traces_nest_and_work_inside_of_anomaly() -> None:
    x = mg.Tensor([1.0], requires_grad=True)
    with trace() as outer, trace() as inner:
        mg.sin(x)
    assert [e.op.name for e in outer.events] == [e.op.name for e in inner.events] == ["sin"]
    with pytest.raises(mg.NonFiniteError), np.errstate(all="ignore"), mg.anomaly(), trace():
        mg.log(x - 1.0)
    with pytest.raises(mg.NonFiniteError), np.errstate(all="ignore"), mg.anomaly(), trace():
        mg.log(x.detach() - 1.0)


def test_what_raises_ends_the_trace() -> None:
    x = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(ZeroDivisionError), trace() as seen:
        raise ZeroDivisionError
    mg.sin(x)
    assert seen.events == []
