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

FAULT = sys.argv[1]
RANK = world().rank
X = np.random.default_rng(0).normal(size=(40, 4))


class Fault(Callback):
    def on_step(self, training):
        if training.step == 3 and (RANK == 1 or FAULT == "all raise"):
            if "raise" in FAULT:
                raise ValueError("bad luck")
            if FAULT == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if FAULT == "hang":
                time.sleep(1000)


model = nn.Linear(4, 2).astype("float64")
if FAULT == "leave":
    optimizer = DataParallel(optim.SGD(model.parameters()))
    for _ in range(3 - RANK):
        optimizer.zero_grad()
        model(Tensor(X)).sum().backward()
        optimizer.step()
elif FAULT == "raise outside" and RANK == 1:
    raise ValueError("bad luck")
else:
    fit(
        model, DataLoader((X, X[:, :2]), batch_size=4), loss=mse_loss, optimizer=optim.SGD(model.parameters()),
        epochs=3, distributed=True, callbacks=[Fault()],
    )  # fmt: skip
