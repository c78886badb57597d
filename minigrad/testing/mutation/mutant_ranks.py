"""Mutants divided among the ranks of an MPI job: `mpiexec -n 4 pytest --grad-mutants`.

Each rank runs the tests as they are, and then tries some of the mutants, in as many processes as there are processors
for it. Nothing but outcomes is sent: all ranks make the same mutants in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from minigrad.distributed import Group, launched, world
from minigrad.distributed.agreement import require_equal
from minigrad.testing.mutation.mutant import Mutant
from minigrad.testing.mutation.mutation_run import MutantResult, Suite
from minigrad.testing.mutation.worker_pool import run_mutants

LONGEST_WAIT = 24 * 3600.0
"""Seconds that a rank waits for others that still try mutants; one that fails ends the job at once."""


def ranks() -> Group:
    """All ranks of the job; this process alone, without MPI being loaded, where no `mpiexec` started it."""
    if not launched():
        return Group(None)
    group = world().duplicate()
    group.time_limit = LONGEST_WAIT
    return group


def processes_of(group: Group) -> int:
    """How many processes a rank has for its mutants: the processors of its machine, divided among the ranks on it."""
    return max(1, (os.cpu_count() or 1) // group.on_this_host().size)


def results_of_ranks(
    group: Group, suite: Suite, mutants: Sequence[Mutant], processes: int
) -> Iterator[list[MutantResult]]:
    """The results of all mutants: those of this rank as they become known, and at the end those of the others.

    Args:
        group: the ranks; each takes every n-th of the mutants of an op, so that all have some of each kind.
        suite: the tests, which have run.
        mutants: all of them, the same on each rank.
        processes: how many this rank uses.

    Raises:
        DistributedError: a rank has failed, or has other tests or mutants.
    """
    facts = {"the number of tests": len(suite.tests), "the number of mutants": len(mutants)}
    require_equal(group, facts, "the run of mutants")
    places = {id(mutant): place for place, mutant in enumerate(mutants)}
    own: dict[int, tuple[str, str]] = {}
    for results in run_mutants(suite, mutants[group.rank :: group.size], processes):
        own |= {places[id(result.mutant)]: (result.outcome, result.test) for result in results}
        yield results
    for rank, found in enumerate(group.all_gather(own, "the results of mutants")):
        if rank != group.rank:
            yield [MutantResult(mutants[place], *result) for place, result in found.items()]
