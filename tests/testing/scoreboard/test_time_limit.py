"""A block that takes too long is left, whatever it catches, and one that does not is left alone."""

import signal

import pytest

from minigrad.testing.scoreboard.time_limit import OutOfTime, at_most

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer of processor time")


def forever():
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def test_long_block_is_left():
    with pytest.raises(OutOfTime), at_most(0.05):
        forever()


def test_short_block_is_left_alone():
    before = signal.getsignal(signal.SIGPROF)
    with at_most(0.05):
        pass
    sum(range(5_000_000))
    assert signal.getsignal(signal.SIGPROF) == before
