"""Updates in backward: the same numbers, one gradient at a time, and clear words where all gradients are needed."""

import gc
import tracemalloc

import numpy as np
import pytest

from minigrad import Tensor, UsageError, functional, memory_guard, nn, no_grad, optim, real, seed
from minigrad.data import DataLoader
from minigrad.kernels.buffers import pool
from minigrad.training import fit

KINDS = [
    pytest.param(optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, id="SGD"),
    pytest.param(optim.SGD, {"lr": 0.1}, id="SGD without momentum"),
    pytest.param(optim.Adam, {"lr": 0.01, "amsgrad": True}, id="Adam"),
    pytest.param(optim.AdamW, {"lr": 0.01}, id="AdamW"),
    pytest.param(optim.LAMB, {"lr": 0.01}, id="LAMB"),
]


class Tied(nn.Module):
    """A network whose first parameter is used three times, once of which behind all others."""

    def __init__(self):
        self.first, self.inner = nn.Linear(6, 6), nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 6))
        self.unused, self.frozen = nn.Linear(3, 3), nn.Linear(6, 6)
        for p in self.frozen.parameters():
            p.requires_grad = False

    def forward(self, x):
        w = self.first.weight
        y = self.inner(functional.tanh(self.first(x)))
        return self.frozen(y @ w.T) * (w.detach() * w).sum()


def trained(kind, settings, fused, steps=5, dtype=np.float32):
    seed(0)
    model = Tied()
    for p in model.parameters():
        if p.requires_grad:
            p.data = p.numpy().astype(dtype)
    groups = [{"params": list(model.first.parameters())}, {"params": [*model.inner.parameters()], "lr": 0.02},
              {"params": list(model.unused.parameters())}]  # fmt: skip
    optimizer = kind(groups, **settings)
    if fused:
        assert optim.fused(optimizer) is optimizer
    rng, losses = np.random.default_rng(0), []
    for k in range(steps):
        optimizer.zero_grad(set_to_none=k % 2 == 0)
        loss = (model(Tensor(rng.normal(size=(4, 6)).astype(np.float32))) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, optimizer, losses


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_the_numbers_are_the_usual_ones_bit_for_bit(kind, settings):
    sides = [trained(kind, settings, fused) for fused in (False, True)]
    assert sides[0][2] == sides[1][2]
    states = [[*model.state_dict().values()] for model, *_ in sides]
    states = [[*a, *[np.asarray(v) for s in o.state_dict()["state"].values() for v in s.values()]]
              for a, (_, o, _) in zip(states, sides, strict=True)]  # fmt: skip
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)
    model = sides[1][0]
    assert all(p.grad is None for p in [*model.first.parameters(), *model.inner.parameters()])


def test_half_precision_and_gradients_that_were_there_before():
    results = []
    for fused in (False, True):
        p = Tensor(np.linspace(-1, 1, 5).astype(np.float16), requires_grad=True)
        q = Tensor(np.ones(5, np.complex64), requires_grad=True)
        optimizer = optim.Adam([p, q], lr=0.1)
        optim.fused(optimizer, fused)
        for _ in range(3):
            p.grad = Tensor(np.full(5, 0.25, np.float16))
            q.grad = None
            ((p * p).sum() + real(q * (2 + 1j)).sum()).backward()
            optimizer.step()
        results.append([p.numpy().copy(), q.numpy().copy()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_gradient_is_held_at_a_time():
    peaks = []
    for fused in (False, True):
        seed(0)
        model = nn.Sequential(*[nn.Linear(400, 400) for _ in range(8)])
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        optim.fused(optimizer, fused)
        x = Tensor(np.ones((2, 400), np.float32))
        for _ in range(2):
            optimizer.zero_grad()
            gc.collect()
            pool.clear()  # a block that is kept is not seen when it is used again
            tracemalloc.start()
            model(x).sum().backward()
            optimizer.step()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    gradients = 8 * 400 * 400 * 4
    assert peaks[1] > gradients
    assert peaks[3] < 0.4 * gradients  # one, or two for a moment; no parameter is copied


def test_rules_that_come_later_see_the_old_values():
    """A detached parameter is saved by a node that backward reaches after the update."""
    results = []
    for fused in (False, True):
        w, v = (Tensor(np.array([2.0, 3.0]), requires_grad=True) for _ in range(2))
        optimizer = optim.SGD([w, v], lr=0.5)
        optim.fused(optimizer, fused)
        (w * (v * w.detach())).sum().backward()
        optimizer.step()
        results.append([w.tolist(), v.tolist()])
    assert results[0] == results[1] == [[0.0, -1.5], [0.0, -1.5]]


def test_without_the_memory_guard_updates_wait_for_step():
    memory_guard(False)
    try:
        w = Tensor(np.array([2.0, 3.0]), requires_grad=True)
        optimizer = optim.fused(optim.SGD([w], lr=0.5))
        (w * w).sum().backward()
        assert w.grad is not None
        optimizer.step()
    finally:
        memory_guard(True)
    assert w.tolist() == [0.0, 0.0]


def test_a_gradient_that_is_recorded_waits_for_step():
    w = Tensor(np.array([2.0, 3.0]), requires_grad=True)
    optimizer = optim.fused(optim.SGD([w], lr=0.1))
    (w * w * w).sum().backward(create_graph=True)
    assert w.grad.tolist() == [12.0, 27.0]
    assert w.tolist() == [2.0, 3.0]
    optimizer.step()
    np.testing.assert_allclose(w.numpy(), [0.8, 0.3])


def layer():
    model = nn.Linear(3, 2)
    return model, optim.fused(optim.SGD(model.parameters(), lr=0.1))


def test_what_needs_all_gradients_is_refused():
    model, optimizer = layer()
    x = Tensor(np.ones((4, 3), np.float32))
    model(x).sum().backward()
    for clip in (optim.clip_grad_norm, optim.clip_grad_value):
        with pytest.raises(UsageError, match="backward has used these gradients"):
            clip(model.parameters(), 1.0)
    with pytest.raises(UsageError, match="a second gradient comes too late"):
        model(x).sum().backward()
    optimizer.step()
    model(x).sum().backward()
    optimizer.step()
    optim.clip_grad_norm(model.parameters(), 1.0)
    loader = DataLoader((np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)), batch_size=2)
    with pytest.raises(UsageError, match="fit: this optimizer updates in backward"):
        fit(model, loader, loss=functional.mse_loss, optimizer=optimizer, epochs=1)
    from minigrad.distributed import DataParallel

    with pytest.raises(UsageError, match="before gradients are averaged"):
        DataParallel(optimizer)
    with pytest.raises(UsageError, match="LBFGS has a step of its own"):
        optim.fused(optim.LBFGS(model.parameters()))
    with pytest.raises(UsageError, match="takes an optimizer"):
        optim.fused(model)


def test_it_can_be_switched_off_and_ends_with_the_optimizer():
    model, optimizer = layer()
    x = Tensor(np.ones((4, 3), np.float32))
    optim.fused(optim.fused(optimizer), False)
    model(x).sum().backward()
    assert model.weight.grad is not None
    optimizer.step()
    optim.fused(optimizer)
    del optimizer
    gc.collect()
    before = model.weight.numpy().copy()
    model.weight.grad = None
    model(x).sum().backward()
    assert model.weight.grad is not None
    np.testing.assert_array_equal(model.weight.numpy(), before)


def test_a_compiled_step_is_the_usual_one():
    from minigrad import compile

    results = []
    for fused in (False, True):
        seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        optim.fused(optimizer, fused)

        @compile
        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        rng = np.random.default_rng(0)
        losses = [step(Tensor(rng.normal(size=(5, 4)))).item() for _ in range(5)]
        assert step.reason is None
        with no_grad():
            results.append([losses, *[p.tolist() for p in model.parameters()]])
    assert results[0] == results[1]
