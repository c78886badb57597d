"""A training in which something goes wrong on rank 1, or on all; run by test_faults.py with mpiexec."""

import os
import signal
import sys
import time

import numpy as np

from minigrad import Tensor, nn, optim
from minigrad.data import DataLoader
from minigrad.distributed import DataParallel, world
from minigrad.functional import mse_loss
from minigrad.training import Callback, fit

X = np.random.default_rng(0).normal(size=(40, 4))


class Fault(Callback):
    def __init__(self, fault):
        self.fault = fault

    def on_step(self, training):
        if training.step == 3 and (world().rank == 1 or self.fault == "all raise"):
            if "raise" in self.fault:
                raise ValueError("bad luck")
            if self.fault == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault == "hang":
                time.sleep(1000)


def main(fault):
    rank = world().rank
    model = nn.Linear(4, 2).astype("float64")
    if fault == "leave":
        optimizer = DataParallel(optim.SGD(model.parameters()))
        for _ in range(3 - rank):
            optimizer.zero_grad()
            model(Tensor(X)).sum().backward()
            optimizer.step()
    elif fault == "raise outside" and rank == 1:
        raise ValueError("bad luck")
    else:
        fit(
            model, DataLoader((X, X[:, :2]), batch_size=4), loss=mse_loss, optimizer=optim.SGD(model.parameters()),
            epochs=3, distributed=True, callbacks=[Fault(fault)],
        )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
