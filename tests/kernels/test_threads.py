"""Threads of compiled kernels: what a job holds."""

import weakref

import numpy as np
import pytest

pytest.importorskip("numba")
from minigrad.kernels import threads


def test_a_worker_that_wakes_late_keeps_no_array(monkeypatch):
    jobs = []
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    monkeypatch.setattr(threads._pool, "offer", lambda job, workers: jobs.append(job))
    array = np.zeros(8)
    held = weakref.ref(array)
    threads.parallel(lambda x, start, stop: x[start:stop].fill(1), 8, array)
    assert array.all()
    del array
    assert jobs
    assert held() is None
