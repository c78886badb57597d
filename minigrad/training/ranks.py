"""`Ranks`: what a training does otherwise on several ranks.

Each rank trains on its part of every batch, and sees the same numbers as the others: losses, metrics and records are
those of all samples. So all callbacks decide alike on all ranks, and those that write (`Callback.main_rank_only`) are
called on rank 0 only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence

from minigrad import rng
from minigrad.autograd.tensor import Tensor
from minigrad.distributed import DataParallel, world
from minigrad.distributed.agreement import require_equal, require_equal_bits
from minigrad.errors import DistributedError
from minigrad.nn import Module, SyncBatchNorm
from minigrad.training.alone import TEST_BATCH, Alone
from minigrad.training.callback import Callback
from minigrad.training.evaluation import measure
from minigrad.training.history import EpochRecord, History
from minigrad.training.training_state import Batch, RunningSums, TrainingState
from minigrad.typing import StateDict

COUNTS = ("loss", "samples", "correct", "labeled")
"""The fields of `RunningSums` that are numbers to be added up."""


class Ranks(Callback, Alone):
    """A training on all ranks of the job; as a callback it keeps the seed of its random numbers in checkpoints.

    Args:
        training: that of this rank.
    """

    alone = False

    def __init__(self, training: TrainingState) -> None:
        self._group = world().duplicate()
        self._parallel: DataParallel | None = None
        self._seed = 0
        self._synchronizing = [m for m in training.model.modules() if isinstance(m, SyncBatchNorm)]

    # ---- the beginning and the end ---------------------------------------------------------------------------

    def callbacks(self, callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
        """All on rank 0; on others those that do not write."""
        return (self, *[each for each in callbacks if self._group.rank == 0 or not each.main_rank_only])

    def reading(self, training: TrainingState) -> AbstractContextManager[None]:
        """Inside of this block each batch is this rank's part."""
        return training.loader.part(self._group.rank, self._group.size)

    def begin(self, training: TrainingState) -> None:
        """Compare what the ranks are to do, and give all of them the state of rank 0: of a resumed run, for instance.

        Raises:
            DistributedError: the ranks have other models, data or settings.
        """
        require_equal(self._group, _facts(training), "what fit is given")
        if self._seed == 0 and self._group.rank == 0:
            self._seed = int(rng.default_rng().integers(1, 2**62))
        self._share_state(training)
        self._parallel = DataParallel(training.optimizer, reduction="sum", check_every=0, group=self._group)

    def _share_state(self, training: TrainingState) -> None:
        names = {f"{type(each).__name__}": each for each in training.callbacks if not each.main_rank_only}
        state = {
            "optimizer": training.optimizer.state_dict(),
            "schedule": training.schedule.state_dict(),
            "loader": training.loader.state_dict(),
            "position": (training.epoch, training.step, training.stopping),
            "sums": training.sums,
            "history": training.history.records,
            "callbacks": {name: each.state_dict() for name, each in names.items()},
            "random": rng.rng_state(),
        }
        state = self._group.broadcast(state, "the state of rank 0")
        for tensor in [*training.model.parameters(), *training.model.buffers()]:
            self._group.broadcast_array(tensor.writable(), "the weights of rank 0")
        if self._group.rank == 0:
            return
        training.optimizer.load_state_dict(state["optimizer"])
        training.schedule.load_state_dict(state["schedule"])
        training.loader.load_state_dict(state["loader"])
        training.epoch, training.step, training.stopping = state["position"]
        training.sums = RunningSums(**{**vars(state["sums"]), "metric_states": {}})
        training.history = History(state["history"])
        for name, kept in state["callbacks"].items():
            names[name].load_state_dict(kept)
        rng.set_rng_state(state["random"])

    def end(self, error: BaseException | None) -> None:
        """Tell the other ranks of an error of this one."""
        if self._parallel is not None:
            self._parallel.close()
        if error is not None and self._group.faults is not None and not isinstance(error, DistributedError):
            self._group.faults.tell(f"{self._group.name} failed: {type(error).__name__}: {error}")

    # ---- a step ----------------------------------------------------------------------------------------------

    def begin_step(self, training: TrainingState, generators: Mapping[str, Generator]) -> None:
        """Set each generator to the stream of (seed of the run, step, rank): dropout differs from rank to rank."""
        for k, generator in enumerate(generators.values()):
            key = (training.step, self._group.rank, k)
            bits: Any = generator.bit_generator
            bits.state = type(bits)(SeedSequence(self._seed, spawn_key=key)).state

    def samples(self, training: TrainingState, batches: Sequence[Batch]) -> int:
        """How many samples a step has on all ranks: by their numbers its gradients are weighted."""
        count = np.array([sum(len(target) for *_, target in batches)], np.float64)  # fewer where samples are left out
        return int(self._group.all_sum(count, f"the samples of step {training.step + 1}")[0])

    def backward(self, last: bool) -> AbstractContextManager[object]:
        """Sum the gradients over all ranks while the last backward pass of a step runs."""
        assert self._parallel is not None
        return nullcontext() if last else self._parallel.no_sync()

    def without_samples(self, training: TrainingState, inputs: Sequence[Tensor]) -> None:
        """Take part in the sums of `SyncBatchNorm`, with no sample."""
        if self._synchronizing:
            output = training.model(*inputs)
            first = output[0] if isinstance(output, (tuple, list)) else output
            first.sum().backward()

    def finish_gradients(self) -> None:
        """Sum the gradients, where no backward pass has done so."""
        assert self._parallel is not None
        self._parallel.finish()

    def sums(self, training: TrainingState) -> RunningSums:
        """Those of this rank and step."""
        return RunningSums(metric_states=training.sums.metric_states)

    def finish_step(self, training: TrainingState, sums: RunningSums) -> None:
        """Add up losses and counts of all ranks; metrics are merged when they are needed."""
        numbers = np.array([getattr(sums, name) for name in COUNTS], np.float64)
        self._group.all_sum(numbers, f"the losses of step {training.step}")
        for name, number in zip(COUNTS, numbers.tolist(), strict=True):
            former = getattr(training.sums, name)
            setattr(training.sums, name, former + type(former)(number))

    def agree_to_stop(self, training: TrainingState) -> bool:
        """Whether one of the ranks is to stop: then all do, after the same step."""
        wanted = np.array([training.stopping], np.float64)
        stopping = bool(self._group.all_sum(wanted, f"the end of step {training.step}")[0])
        if stopping:
            training.stop()
        return stopping

    # ---- epochs ----------------------------------------------------------------------------------------------

    def settle(self, training: TrainingState) -> None:
        """Average the buffers, merge the metrics, and compare the weights.

        Running statistics are linear in the statistics of the batches, so that their mean at the end of an epoch is
        what averaging them after each step would have given. Integers, such as counts, are those of rank 0.
        """
        parameters = list(training.model.parameters())
        require_equal_bits(self._group, parameters, training.step)
        for buffer in training.model.buffers():
            array = buffer.writable()
            if array.dtype.kind == "f" and array.dtype.itemsize >= 4:
                self._group.all_sum(array.reshape(-1), "the buffers")
                array /= self._group.size
            else:
                self._group.broadcast_array(array, "the buffers")
        self._merge_metrics(training.sums, training)

    def _merge_metrics(self, sums: RunningSums, training: TrainingState) -> None:
        """Give rank 0 the metrics' states of all samples, and the others none."""
        found = self._group.all_gather(sums.metric_states, "the metrics")
        merged: dict[str, Any] = {}
        for states in found:
            for name, state in states.items():
                merged[name] = training.metrics[name].merge(merged[name], state) if name in merged else state
        sums.metric_states = merged if self._group.rank == 0 else {}

    def evaluate(self, training: TrainingState) -> EpochRecord:
        """Each rank measures its part of each batch of the test samples."""
        assert training.test is not None
        part = self._group.rank, self._group.size
        sums = measure(training.model, training.test, training.loss, TEST_BATCH, training.metrics, part)
        numbers = np.array([getattr(sums, name) for name in COUNTS], np.float64)
        total = dict(zip(COUNTS, self._group.all_sum(numbers, "the evaluation").tolist(), strict=True))
        self._merge_metrics(sums, training)
        counts = {f.name: total[f.name] for f in fields(RunningSums) if f.name in COUNTS}
        measured = RunningSums(**counts, metric_states=sums.metric_states).means(training.metrics)
        result: EpochRecord = self._group.broadcast(measured, "the evaluation")
        return result

    def record(self, record: EpochRecord) -> EpochRecord:
        """Rank 0's, whose clock counts."""
        shared: EpochRecord = self._group.broadcast(record, "the record of the epoch")
        return shared

    def finds_causes(self) -> bool:
        """Not where the model waits for the other ranks, which do not run the step again."""
        return not self._synchronizing

    # ---- as a callback ---------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """The seed of the random numbers of all ranks."""
        return {"seed": self._seed}

    def load_state_dict(self, state: StateDict) -> None:
        """Restore what `state_dict` returned."""
        self._seed = int(state["seed"])


@contextmanager
def joined(training: TrainingState, distributed: bool) -> Iterator[Alone]:
    """What a training does otherwise on several ranks, until the end of the block.

    Args:
        training: its callbacks become those of this rank.
        distributed: whether several ranks work together, where there are several.
    """
    ranks = Ranks(training) if distributed and world().size > 1 else Alone()
    training.callbacks = ranks.callbacks(training.callbacks)
    try:
        with ranks.reading(training):
            yield ranks
    except BaseException as error:
        ranks.end(error)
        raise
    ranks.end(None)


def _facts(training: TrainingState) -> dict[str, object]:
    """What must be equal on all ranks."""
    loader = training.loader
    model: Module = training.model
    state = {"the model": type(model).__name__}
    shapes = {f"the parameter {name}": f"{p.dtype} {p.shape}" for name, p in model.named_parameters()}
    return {
        **state,
        **shapes,
        "the number of samples": None if loader.length is None else len(loader.dataset),
        "the number of batches": loader.length,
        "the batch size": loader.batch_size,
        "the loader's seed": loader.seed,
        "shuffle": loader.shuffle,
        "epochs": training.epochs,
        "accumulate": training.accumulate,
        "clipping": (training.clip_norm, training.clip_value),
        "the schedule": type(training.schedule).__name__,
        "the metrics": sorted(training.metrics),
        "whether there is a test": training.test is not None,
    }
