"""The model of a network: what must be true of any prediction."""

import pytest

from tests.benchmarks.scaling import Network, Step, all_reduce_seconds, predicted_seconds

STEP = Step(0.1, 0.2, 0.01, ((4_000_000, 0.05), (4_000_000, 0.1), (4_000_000, 0.2)))
FREE, SLOW = Network(0.0, 1e30), Network(1e-4, 1e8)


def test_one_rank_and_a_free_network_cost_nothing():
    assert predicted_seconds(STEP, 1, SLOW) == pytest.approx(STEP.seconds)
    assert predicted_seconds(STEP, 64, FREE) == pytest.approx(STEP.seconds)


def test_sums_run_beside_backward_and_the_last_one_after_it():
    network = Network(0.0, 4e6 / 0.02)  # 20 ms a bucket, on 2 ranks
    assert predicted_seconds(STEP, 2, network) == pytest.approx(STEP.seconds + 0.02)
    assert predicted_seconds(STEP, 2, network, bucket_bytes=1 << 40) == pytest.approx(STEP.seconds + 0.06)


@pytest.mark.parametrize("size", [8, 1 << 14, 1 << 22])
def test_sums_take_longer_on_more_ranks_and_with_more_bytes(size):
    seconds = [all_reduce_seconds(size, ranks, SLOW) for ranks in (1, 2, 8, 64, 1024)]
    assert seconds == sorted(seconds)
    assert all_reduce_seconds(2 * size, 8, SLOW) > all_reduce_seconds(size, 8, SLOW)
