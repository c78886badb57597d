"""How training scales with the number of ranks: measured on the processors there are, and predicted for networks.

    python -m tests.benchmarks.scaling resnet50 --batch 8          measure one rank, predict 2 to 1,024
    mpiexec -n 2 python -m tests.benchmarks.scaling lenet5         measure these ranks, beside their prediction

A step of one rank is replayed: when backward completes each gradient is measured. Gradients fill buckets in that order;
a bucket is summed over n ranks as soon as it is full and the one before it is summed, which takes

    ring                   2 (n - 1) latency + 2 (n - 1) / n * bytes / bandwidth
    recursive halving      2 log2(n) latency + 2 (n - 1) / n * bytes / bandwidth
    recursive doubling     log2(n) (latency + bytes / bandwidth)

and the fastest of these counts. The step ends when backward and all sums have ended, and the weights are updated.
Weak scaling gives each rank the batch of one; strong scaling divides it, and all times with it.
The model knows nothing of ranks that wait for slower ones, and takes for granted that sums run beside backward.

Sources: Thakur, Rabenseifner and Gropp 2005, "Optimization of collective communication operations in MPICH";
Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations".
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass

import minigrad_models
import numpy as np

from minigrad import Tensor, optim, set_threads
from minigrad.distributed import DataParallel, world
from minigrad.distributed.buckets import BUCKET_BYTES
from minigrad.functional import cross_entropy

RANKS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Network:
    """What connects ranks: seconds a message, and bytes a second."""

    latency: float
    bandwidth: float


NETWORKS = {
    "10 Gb/s Ethernet": Network(30e-6, 1.1e9),
    "100 Gb/s InfiniBand": Network(2e-6, 11e9),
}


@dataclass(frozen=True)
class Step:
    """A step of one rank: seconds of forward, backward and update; bytes and second of each complete gradient."""

    forward: float
    backward: float
    update: float
    gradients: tuple[tuple[int, float], ...]

    def faster(self, factor: float) -> Step:
        """The step of a rank that computes so many times faster."""
        gradients = tuple((size, second / factor) for size, second in self.gradients)
        return Step(self.forward / factor, self.backward / factor, self.update / factor, gradients)

    @property
    def seconds(self) -> float:
        return self.forward + self.backward + self.update


def all_reduce_seconds(size: int, ranks: int, network: Network) -> float:
    """The time of a sum of so many bytes over all ranks, by the fastest algorithm."""
    if ranks == 1:
        return 0.0
    rounds, whole = math.ceil(math.log2(ranks)), size / network.bandwidth
    moved = 2 * (ranks - 1) / ranks * whole
    return min(
        2 * (ranks - 1) * network.latency + moved, 2 * rounds * network.latency + moved,
        rounds * (network.latency + whole),
    )  # fmt: skip


def predicted_seconds(
    step: Step, ranks: int, network: Network, bucket_bytes: int = BUCKET_BYTES, share: float = 1.0
) -> float:
    """The time of a step on several ranks, each with this share of the batch."""
    end, filled, ready = 0.0, 0, 0.0
    for k, (size, second) in enumerate(step.gradients):
        if filled and filled + size > bucket_bytes:
            end = max(end, ready) + all_reduce_seconds(filled, ranks, network)
            filled = 0
        filled, ready = filled + size, second * share
        if k == len(step.gradients) - 1:
            end = max(end, ready) + all_reduce_seconds(filled, ranks, network)
    return step.forward * share + max(step.backward * share, end) + step.update


class Watcher:
    """Notes when each gradient is complete."""

    def __init__(self) -> None:
        self.times: list[tuple[int, float]] = []

    def on_gradient(self, leaf, g) -> None:
        self.times.append((g.nbytes, time.perf_counter()))

    def on_end(self) -> None:
        pass


def problem(name, batch):
    entry = minigrad_models.MODELS[name]
    model, rng = entry.make(), np.random.default_rng(0)
    x = Tensor(rng.normal(size=(batch, *entry.input_shape)).astype(np.float32))
    return model, x, Tensor(rng.integers(0, entry.classes, batch))


def measured_step(name: str, batch: int, repeats: int) -> Step:
    """The step of median duration, of one rank that works alone."""
    import weakref

    from minigrad.autograd.node import STATE

    model, x, y = problem(name, batch)
    optimizer = optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    watcher, found = Watcher(), []
    former, STATE.leaf_watchers = STATE.leaf_watchers, (weakref.ref(watcher),)
    for _ in range(repeats + 1):
        optimizer.zero_grad()
        watcher.times.clear()
        marks = [time.perf_counter()]
        loss = cross_entropy(model(x), y)
        marks.append(time.perf_counter())
        loss.backward()
        marks.append(time.perf_counter())
        optimizer.step()
        marks.append(time.perf_counter())
        forward, backward, update = np.diff(marks).tolist()
        found.append(Step(forward, backward, update, tuple((size, t - marks[1]) for size, t in watcher.times)))
    STATE.leaf_watchers = former
    return sorted(found[1:], key=lambda step: step.seconds)[repeats // 2]


def measured_seconds(name: str, batch: int, repeats: int) -> float:
    """The median time of a step on all ranks together."""
    model, x, y = problem(name, batch)
    optimizer, found = DataParallel(optim.SGD(model.parameters(), lr=1e-3, momentum=0.9), check_every=0), []
    for _ in range(repeats + 1):
        world().barrier()
        start = time.perf_counter()
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
        found.append(time.perf_counter() - start)
    optimizer.close()
    return float(np.median(found[1:]))


def measured_network(repeats: int = 7) -> Network:
    """What sums over these ranks say of their connection."""
    seconds = {}
    for size in (8, BUCKET_BYTES):
        array, times = np.zeros(size // 4, np.float32), []
        for _ in range(repeats):
            world().barrier()
            start = time.perf_counter()
            world().all_sum(array)
            times.append(time.perf_counter() - start)
        seconds[size] = float(np.median(times))
    ranks = world().size
    latency = seconds[8] / math.ceil(math.log2(ranks))
    moved = 2 * (ranks - 1) / ranks * BUCKET_BYTES
    return Network(latency, moved / max(1e-9, seconds[BUCKET_BYTES] - seconds[8]))


def print_predictions(name: str, batch: int, step: Step) -> None:
    """A table of weak and strong efficiency, and of what other buckets would give."""
    print(f"{name}, batch {batch} a rank: forward {step.forward:.3f}, backward {step.backward:.3f}, update ", end="")
    print(f"{step.update:.3f} s; {sum(size for size, _ in step.gradients) / 1e6:.0f} MB of gradients")
    for title, network in NETWORKS.items():
        print(f"{title}\n{'ranks':>6} {'weak':>7} {'strong':>7}   weak with buckets of 256 KB, 32 MB, all")
        for ranks in RANKS:
            weak = step.seconds / predicted_seconds(step, ranks, network)
            strong = step.seconds / ranks / predicted_seconds(step, ranks, network, share=1 / ranks)
            others = [step.seconds / predicted_seconds(step, ranks, network, b) for b in (1 << 18, 1 << 25, 1 << 60)]
            print(f"{ranks:6} {weak:7.1%} {strong:7.1%}   " + " ".join(f"{each:7.1%}" for each in others))


def main() -> None:
    """Measure and predict."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", help="a name of `minigrad summary`")
    parser.add_argument("--batch", type=int, default=32, help="samples a rank (default 32)")
    parser.add_argument("--faster", type=float, default=1.0, help="predict for ranks so many times faster (default 1)")
    parser.add_argument("--repeats", type=int, default=5, help="steps that are measured (default 5)")
    given = parser.parse_args()
    set_threads(1)
    ranks = world().size
    for rank in range(ranks):  # one after the other, so that each works alone
        if rank == world().rank == 0:
            step = measured_step(given.model, given.batch, given.repeats)
        world().barrier()
    if ranks == 1:
        print_predictions(given.model, given.batch, step.faster(given.faster))
        return
    step = world().broadcast(step if world().rank == 0 else None)
    network = measured_network()
    for kind, batch, share in (("weak", given.batch, 1.0), ("strong", given.batch // ranks, 1 / ranks)):
        seconds = measured_seconds(given.model, batch, given.repeats)
        expected = predicted_seconds(step, ranks, network, share=share)
        if world().rank == 0:
            print(
                f"{given.model}, {kind}, {ranks} ranks: {seconds:.3f} s a step, predicted {expected:.3f}; efficiency "
                f"{step.seconds * share / seconds:.0%}, predicted {step.seconds * share / expected:.0%} "
                f"(latency {network.latency * 1e6:.0f} us, {network.bandwidth / 1e9:.2f} GB/s)"
            )


if __name__ == "__main__":
    main()
