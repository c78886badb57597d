"""How graphs live and die: long chains, memory over many steps, and threads."""

import gc
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn, no_grad, optim
from minigrad.autograd.node import STATE, Node, Scope
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import recording
from tests.helper import variable


def live_nodes():
    gc.collect()
    # isinstance would ask each object for its __class__, which lazy ones of other libraries answer with warnings.
    return sum([issubclass(type(x), Node) for x in gc.get_objects()])


def chain(x, count):
    y = x
    for _ in range(count):
        y = y * 1.0
    return y


# ---- depth ---------------------------------------------------------------------------------------------------


def test_chain_of_100000_ops_is_differentiated_and_collected():
    before = live_nodes()
    x = variable(2.0)
    y = chain(x, 100_000)
    y.backward()
    assert x.grad.item() == 1
    del x, y
    assert live_nodes() == before


def test_graph_of_200000_ops_can_be_dropped_without_a_backward_pass():
    before = live_nodes()
    y = chain(variable(2.0), 200_000)
    del y
    assert live_nodes() == before


def test_long_chain_is_differentiated_twice():
    slope = mg.grad(mg.grad(lambda x: chain(x * x, 5_000)))
    assert slope(3.0).item() == 2


def test_wide_sum_of_one_variable():
    x = variable(1.0)
    parts = [x * float(k) for k in range(2_000)]
    mg.stack(parts).sum().backward()
    assert x.grad.item() == sum(range(2_000))


# ---- memory --------------------------------------------------------------------------------------------------


def test_ten_thousand_training_steps_leave_no_node_and_no_memory_behind():
    w, x = variable(np.ones(3)), np.arange(3.0)
    optimizer = optim.SGD([w], lr=1e-3, momentum=0.9)

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            ((w * x).sum() - 1).square().backward()
            optimizer.step()

    steps(10)
    nodes = live_nodes()
    gc.disable()
    try:
        steps(1_000)
        assert gc.collect() == 0  # nothing hung in reference cycles, and Python's lists of free objects are empty
        before = sys.getallocatedblocks()  # bytes would tell of lists of free objects, which fill up in their own time
        steps(10_000)
        gc.collect()
        assert sys.getallocatedblocks() - before < 2_000  # one object a step would be 10,000
    finally:
        gc.enable()
    assert live_nodes() == nodes


def test_forward_without_backward_frees_its_graph_at_once():
    w = variable(np.ones(1000))
    nodes = live_nodes()
    gc.disable()
    try:
        for _ in range(50):
            (w * w).exp().sum()
        assert sum([issubclass(type(x), Node) for x in gc.get_objects()]) == nodes
    finally:
        gc.enable()


@pytest.mark.parametrize("derivative", [mg.grad, mg.hessian])
def test_derivatives_of_functions_leave_no_node_behind(derivative):
    f = derivative(lambda x: (x * x * x).sum())
    f(np.ones(2))
    nodes = live_nodes()
    for _ in range(20):
        f(np.ones(2))
    assert live_nodes() == nodes


def test_constants_are_not_kept():
    y = variable(np.ones(10)) + np.ones(10)
    assert y.node.saved == ()
    assert not hasattr(y.node, "__dict__")


def test_recorded_run_keeps_no_reference_to_the_results_array():
    tracemalloc.start()
    try:
        x = variable(np.ones(1))
        before = tracemalloc.get_traced_memory()[0]
        y = (x * np.float64(1)).broadcast_to(1_000_000) * 2.0  # 8 MB that no rule names
        total = y.sum()
        del y
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
        total.backward()
        assert x.grad.item() == 2_000_000
    finally:
        tracemalloc.stop()


# ---- threads -------------------------------------------------------------------------------------------------


def train(seed):
    """A few steps of a small network, with everything that is random drawn from a generator of its own."""
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Dropout(0.2, rng=rng), nn.Linear(8, 1, rng=rng))
    x, y = rng.normal(size=(16, 4)).astype(np.float32), rng.normal(size=(16, 1)).astype(np.float32)
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    for step in range(30):
        optimizer.zero_grad()
        mg.functional.mse_loss(net(x), y).backward()
        optimizer.step()
        with no_grad():
            net(x[:1])
        if step % 10 == 0:
            mg.grad(lambda x: mg.functional.mse_loss(net(x), y))(x)
    return [p.numpy() for p in net.parameters()]


def test_threads_that_train_at_once_agree_with_serial_runs():
    serial = [train(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(train, range(4)))
    for one, other in zip(serial, parallel, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_no_grad_and_scopes_belong_to_their_thread():
    seen, ready, done = [], threading.Event(), threading.Event()

    def other():
        ready.wait(10)
        seen.append((mg.is_recording(), (variable(1.0) * 2).requires_grad, (variable(1.0) * 2).node.scope))
        with no_grad():
            done.set()
            seen.append(mg.is_recording())

    class Slow(nn.Module):
        def forward(self, x):
            with no_grad():
                ready.set()
                assert done.wait(10)
                return mg.is_recording()

    thread = threading.Thread(target=other)
    thread.start()
    assert Slow()(1.0) is False
    thread.join()
    assert seen == [(True, True, None), False]
    assert mg.is_recording()


def test_recording_wins_over_no_grad_and_keeps_the_recorder_that_is_active():
    with no_grad():
        with recording():
            assert mg.is_recording()
        with recording(enabled=False):
            assert not mg.is_recording()
        assert not mg.is_recording()
    with mg.anomaly():
        active = STATE.recorder
        with recording():
            assert STATE.recorder is active


def test_graph_made_in_one_thread_is_differentiated_in_another():
    x = variable(3.0)
    y = x * x
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad.item() == 6


# ---- nodes ---------------------------------------------------------------------------------------------------


def test_parents_are_older_than_their_children():
    x = variable(1.0)
    y = x * 2 + x
    waiting = [y.node]
    while waiting:
        node = waiting.pop()
        assert all(p is None or p.order < node.order for p in node.parents)
        waiting += [p for p in node.parents if p is not None]


def test_node_repr_names_the_op_and_the_value():
    y = variable([1.0, 2.0]) * 3
    assert repr(y.node) == f"<multiply #{y.node.order} (2,) float64>"
    assert repr(variable(1.0).node).startswith("<leaf #")


def test_scope_path_joins_the_names_from_the_outermost():
    net = Scope("", "Net", None)
    features = Scope("features", "Sequential", net)
    assert str(Scope("3", "Conv2d", features)) == "features.3 Conv2d"
    assert str(net) == "Net"


def test_result_knows_the_layer_that_made_it():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh()))
    y = net(Tensor(np.ones((1, 2), np.float32)))
    assert (str(y.node.scope), y.node.op.name) == ("1.0 Tanh", "tanh")


def test_a_function_without_recording_may_call_itself():
    x = mg.Tensor([1.0], requires_grad=True)

    @mg.no_grad()
    def halved(times):
        return x if times == 0 else halved(times - 1) / 2

    assert not halved(2).requires_grad
    assert (x * 2).requires_grad


def test_a_backward_pass_that_fails_leaves_recording_on():
    f = Op(lambda x: x, "fails_backward")
    f.vjp("x")(lambda g: 1 / 0)
    x = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(ZeroDivisionError):
        f(x).backward(mg.Tensor([1.0]))
    assert (x * 2).requires_grad
