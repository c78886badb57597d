"""A small model for `minigrad train small_model:net`, whose training takes its time."""

import time

from minigrad import nn


class Slow(nn.Module):
    def forward(self, x):
        time.sleep(0.002)
        return x


def net():
    return nn.Sequential(Slow(), nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
