"""Training on several processes and machines by MPI: synchronous data parallelism.

    mpiexec -n 4 minigrad train resnet20 --data cifar10
    mpiexec -n 4 python script.py        # with fit(..., distributed=True), or DataParallel in a loop of one's own

Each process, a *rank*, holds the whole model and computes the gradients of its part of each batch; these are averaged
while backward still runs, so that all ranks make the same step. `pip install "minigrad[mpi]"` brings mpi4py and an
MPI; any other MPI that mpi4py finds, such as a cluster's own, does as well.
"""

from minigrad.config import launched, launched_rank
from minigrad.distributed.collective import all_sum
from minigrad.distributed.data_parallel import DataParallel
from minigrad.distributed.group import Group
from minigrad.distributed.launcher import job, world

__all__ = ["DataParallel", "Group", "all_sum", "job", "launched", "launched_rank", "world"]
