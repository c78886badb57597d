"""What is true on any number of ranks; run by test_properties.py with mpiexec, and prints what is not as JSON.

Starting ranks takes longer than all that they prove, so all properties are proved by the same ranks.
"""

import json
import sys
import traceback

import numpy as np
import pytest

from minigrad import Tensor, nn, optim, rng
from minigrad.autograd.tensor import no_grad
from minigrad.data import Compose, DataLoader, IterableDataset, Mixup, RandomAffine, RandomFlip
from minigrad.distributed import DataParallel, all_sum, world
from minigrad.distributed.agreement import require_equal_bits
from minigrad.distributed.buckets import Buckets
from minigrad.errors import DistributedError
from minigrad.functional import cross_entropy, mse_loss
from minigrad.optim.schedule import Cosine
from minigrad.training import F1, Callback, fit

GROUP = world()
RANK, SIZE = GROUP.rank, GROUP.size
DATA = np.random.default_rng(0)
X, Y = DATA.normal(size=(38, 1, 6, 6)), DATA.integers(0, 3, 38)  # the last batch has fewer samples than 4 ranks
CLOSE = {"rtol": 1e-9, "atol": 1e-12}
PROPERTIES = []


def holds(function):
    PROPERTIES.append(function)
    return function


def net(*layers, seed=0):
    rng.seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 7), *layers, nn.Tanh(), nn.Linear(7, 3)).astype("float64")


def train(model, make, distributed, *, epochs=2, loader=None, **settings):
    history = fit(
        model, loader or DataLoader((X, Y), batch_size=12, shuffle=True, seed=3), loss=cross_entropy,
        optimizer=make(model.parameters()), epochs=epochs, test=(X, Y), metrics=[F1()], distributed=distributed,
        **settings,
    )  # fmt: skip
    require_equal_bits(GROUP, list(model.parameters()), 0)
    return history


def assert_like_one_process(make_model, make, make_other=None, **settings):
    """Weights, buffers and history of all ranks together are those of this process alone."""
    together, alone = make_model(), (make_other or make_model)()
    history, expected = train(together, make, True, **settings), train(alone, make, False, **settings)
    for name, array in alone.state_dict().items():
        np.testing.assert_allclose(together.state_dict()[name], array, err_msg=name, **CLOSE)
    for record, other in zip(history, expected, strict=True):
        assert record.keys() == other.keys()
        for name in other.keys() - {"seconds"}:
            np.testing.assert_allclose(record[name], other[name], err_msg=name, **CLOSE)
    assert len({json.dumps(found) for found in GROUP.all_gather(history.records)}) == 1


@holds
def n_ranks_are_one_process_with_any_optimizer():
    for kind, settings in (
        (optim.SGD, {"lr": 0.3, "momentum": 0.9, "nesterov": True}),
        (optim.AdamW, {"lr": 0.01}),
        (optim.RMSprop, {"lr": 0.01}),
    ):
        assert_like_one_process(net, lambda p, kind=kind, settings=settings: kind(p, **settings))


@holds
def n_ranks_are_one_process_with_clipping_accumulation_schedules_and_compiled():
    def make(p):
        return optim.SGD(p, lr=0.5)

    assert_like_one_process(net, make, clip_norm=0.1, accumulate=2, schedule=Cosine())
    assert_like_one_process(net, make, clip_value=0.01, accumulate=3)
    assert_like_one_process(net, make, compile=True)


@holds
def n_ranks_see_the_transformed_samples_of_one_process():
    moved = Compose([RandomAffine(degrees=20, fill=0.0), RandomFlip()])
    for k, settings in enumerate(
        ({"transform": moved}, {"transform": lambda x, rng: x + rng.normal(size=x.shape)}, {"prefetch": 2},
         {"batch_transform": Mixup(classes=3)}, {"weights": np.arange(38.0)}, {"drop_last": True})
    ):  # fmt: skip
        loader = DataLoader((X, Y), batch_size=12, shuffle=True, seed=k, **settings)
        whole = [[t.data for t in batch] for batch in loader]
        loader.load_state_dict({"seed": k, "epoch": 0, "batch": 0})
        with loader.part(RANK, SIZE):
            mine = [[t.data for t in batch] for batch in loader]
        for parts, batch in zip(zip(*GROUP.all_gather(mine), strict=True), whole, strict=True):
            for array, expected in zip(zip(*parts, strict=True), batch, strict=True):
                np.testing.assert_array_equal(np.concatenate(array), expected)


@holds
def synchronized_batch_normalization_is_that_of_the_whole_batch():
    def make(p):
        return optim.SGD(p, lr=0.2)

    assert_like_one_process(lambda: net(nn.SyncBatchNorm(7)), make, lambda: net(nn.BatchNorm1d(7)), accumulate=2)
    x = np.random.default_rng(4).normal(size=(5, 3, 2, 1, 2))  # for 4 ranks 2, 1, 1, 1 samples; for 2 ranks 3, 2
    whole, part = nn.BatchNorm3d(3).astype("float64"), nn.SyncBatchNorm(3).astype("float64")
    cut = [np.array_split(np.arange(5), SIZE), [np.arange(5), *[np.arange(0)] * (SIZE - 1)]]
    for rows in (each[RANK] for each in cut):
        given, mine = Tensor(x, requires_grad=True), Tensor(x[rows], requires_grad=True)
        for layer, values, images in ((whole, given, x), (part, mine, x[rows])):
            layer.zero_grad()
            (layer(values).sin() * images**2).sum().backward()
        np.testing.assert_allclose(mine.grad.data, given.grad.data[rows], **CLOSE)
        for own, other in zip(part.parameters(), whole.parameters(), strict=True):
            np.testing.assert_allclose(GROUP.all_sum(own.grad.data.copy()), other.grad.data, **CLOSE)
        for own, other in zip(part.buffers(), whole.buffers(), strict=True):
            np.testing.assert_allclose(own.data, other.data, **CLOSE)


@holds
def a_sum_over_ranks_has_derivatives_of_all_orders():
    x = Tensor([1.0 + RANK], requires_grad=True)
    y = all_sum(x * x) ** 2  # of all ranks together: SIZE * s^2, with s the sum of all squares
    y.backward(create_graph=True)
    s = sum((1.0 + r) ** 2 for r in range(SIZE))
    assert np.isclose(x.grad.item(), SIZE * 2 * s * 2 * (1.0 + RANK))


@holds
def batch_normalization_keeps_the_mean_of_all_ranks_statistics():
    model = net(nn.BatchNorm1d(7))
    loader = DataLoader((X[:36], Y[:36]), batch_size=12)
    train(model, lambda p: optim.SGD(p, lr=0.0), True, epochs=1, loader=loader)
    hidden = X[:36].reshape(36, 36) @ model[1].weight.data.T + model[1].bias.data
    means, variances = np.zeros(7), np.ones(7)
    for start in range(0, 36, 12):
        parts = np.array_split(hidden[start : start + 12], SIZE)
        means += 0.1 * (np.mean([part.mean(0) for part in parts], axis=0) - means)
        variances += 0.1 * (np.mean([part.var(0, ddof=1) for part in parts], axis=0) - variances)
    np.testing.assert_allclose(model[2].running_mean.data, means, **CLOSE)
    np.testing.assert_allclose(model[2].running_var.data, variances, **CLOSE)


@holds
def dropout_differs_from_rank_to_rank_and_repeats():
    class Masks(Callback):
        def __init__(self):
            self.seen = []

        def on_step(self, training):
            self.seen.append(rng.default_rng().bit_generator.state["state"]["state"])

    def run():
        masks, model = Masks(), net(nn.Dropout(0.5))
        train(model, lambda p: optim.SGD(p, lr=0.1), True, callbacks=[masks])
        return masks.seen, [p.data.copy() for p in model.parameters()]

    (seen, weights), (again, same) = run(), run()
    assert seen == again
    assert all(np.array_equal(p, q) for p, q in zip(weights, same, strict=True))
    everywhere = [state for states in GROUP.all_gather(seen) for state in states]
    assert len(set(everywhere)) == len(everywhere)


@holds
def parameters_that_are_unused_shared_or_of_other_dtypes_are_averaged():
    used, never, sometimes, shared = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(4))
    half, pair = Tensor(np.ones(2, np.float16), requires_grad=True), Tensor(np.ones(1, complex), requires_grad=True)
    single = Tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = DataParallel(optim.SGD([used, never, sometimes, shared, half, pair, single], lr=1.0), bucket_bytes=24)
    loss = (used * (RANK + 1)).sum() + (shared * shared * RANK).sum() + (half * RANK).sum() + single.sum()
    if RANK == 1:
        loss = loss + (sometimes * 4).sum()
    (loss + (pair * (1 + 2j) * RANK).real.sum()).backward()
    mean = sum(range(SIZE)) / SIZE
    for p, g in (
        (used, [mean + 1] * 2), (sometimes, [4 / SIZE] * 2), (shared, [2 * mean, 4 * mean]), (half, [mean] * 2),
        (pair, [mean * (1 - 2j)]), (single, [1.0] * 3),
    ):  # fmt: skip
        np.testing.assert_allclose(p.grad.data, g, rtol=1e-3)
        assert p.grad.dtype == p.dtype
    assert never.grad is None
    optimizer.step()
    require_equal_bits(GROUP, [used, never, sometimes, shared, half, pair, single], 1)


@holds
def a_rank_without_gradients_takes_part_and_accumulation_is_a_sum():
    w = Tensor([float(RANK)], requires_grad=True)
    optimizer = DataParallel(optim.SGD([w], lr=1.0))
    assert w.item() == 0.0  # rank 0's
    if RANK == 0:
        (w * 3).sum().backward()
    optimizer.step()
    assert np.isclose(w.item(), -3 / SIZE)
    optimizer.zero_grad()
    with optimizer.no_sync():
        (w * RANK).sum().backward()
        assert w.grad.item() == RANK
    (w * 1.0).sum().backward()
    assert np.isclose(w.grad.item(), 1 + sum(range(SIZE)) / SIZE)


@holds
def sums_begin_before_backward_is_over_and_in_one_order():
    model = nn.Sequential(*[nn.Linear(8, 8) for _ in range(6)])
    optimizer = DataParallel(optim.SGD(model.parameters(), lr=0.1), bucket_bytes=300)
    begun, came = [], []
    put, start = Buckets.put, GROUP.__class__.start_all_sum
    Buckets.put = lambda self, place, *parts: (came.append(place), put(self, place, *parts))[1]
    GROUP.__class__.start_all_sum = lambda self, array: (begun.append(len(came)), start(self, array))[1]
    try:
        mse_loss(model(Tensor(np.ones((2, 8), np.float32))), Tensor(np.zeros((2, 8), np.float32))).backward()
    finally:
        Buckets.put, GROUP.__class__.start_all_sum = put, start
    assert sorted(came) == list(range(12))
    assert begun[0] <= 3
    assert sum(k < 12 for k in begun) >= 4
    optimizer.close()


@holds
def ranks_that_do_not_agree_are_told_what_differs():
    for make, text in (
        (lambda: DataParallel(optim.SGD([Tensor(np.ones(3 + (RANK == 1)), requires_grad=True)])), "parameter 0"),
        (lambda: DataParallel(optim.SGD([Tensor([1.0], requires_grad=True)], lr=0.1 * (1 + RANK))), "its settings"),
        (lambda: train(net(), optim.SGD, True, loader=DataLoader((X[: 30 + RANK], Y[: 30 + RANK]))), "samples"),
        (lambda: train(net(*[nn.Linear(7, 7)] * RANK), optim.SGD, True), "missing"),
    ):
        with pytest.raises(DistributedError, match=text):
            make()


class Samples(IterableDataset):
    """The samples as a stream without a length."""

    window = 7

    def __iter__(self):
        return iter(range(len(X)))

    def decode(self, record):
        return X[record], Y[record]


@holds
def n_ranks_are_one_process_on_a_stream():
    """The last batch has fewer samples than 4 ranks, so that some ranks have none."""
    for accumulate in (1, 3):
        models = net(), net()
        for model, distributed in zip(models, (True, False), strict=True):
            loader = DataLoader(Samples(), batch_size=12, shuffle=True, transform=RandomFlip())
            train(model, lambda p: optim.SGD(p, lr=0.3), distributed, accumulate=accumulate, loader=loader)
        for name, array in models[1].state_dict().items():
            np.testing.assert_allclose(models[0].state_dict()[name], array, err_msg=name, **CLOSE)


@holds
def weights_that_part_are_found():
    model = net()
    optimizer = DataParallel(optim.SGD(model.parameters(), lr=0.1), check_every=2)
    cross_entropy(model(Tensor(X)), Tensor(Y)).backward()
    optimizer.step()
    if RANK == SIZE - 1:
        with no_grad():
            model[1].bias.data = np.nextafter(model[1].bias.data, 1)
    cross_entropy(model(Tensor(X)), Tensor(Y)).backward()
    with pytest.raises(DistributedError, match=rf"rank {SIZE - 1} .*\(7,\)"):
        optimizer.step()


if __name__ == "__main__":
    found = {}
    for each in PROPERTIES:
        try:
            each()
            problem = ""
        except Exception:
            problem = traceback.format_exc()
            print(each.__name__, problem, file=sys.stderr, flush=True)  # for the ranks may be parted now
        problems = GROUP.all_gather(problem)
        found[each.__name__] = next((f"on rank {r}: {text}" for r, text in enumerate(problems) if text), "")
    if RANK == 0:
        json.dump(found, sys.stdout)
