"""Cyclical schedules: restarts, and one cycle as PyTorch has it."""

import pytest

from minigrad.errors import UsageError
from minigrad.optim.schedule import CosineRestarts, OneCycle
from tests.optim.schedule.strategies import torch_optimizer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CosineRestarts(growth=0), "growth is an integer of at least 1, got 0"),
        (lambda: CosineRestarts(growth=1.5), "growth is an integer"),
        (lambda: OneCycle(pct_start=1.2), "pct_start"),
        (lambda: OneCycle(pct_start=0.7, three_phase=True), "pct_start"),
        (lambda: OneCycle(anneal_strategy="sine"), "anneal_strategy is 'cos' or 'linear', got 'sine'"),
        (lambda: OneCycle(max_momentum=1.0), r"max_momentum must lie in \[0, 1\)"),
        (lambda: OneCycle(div_factor=0.0), "div_factor"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("total", [10, 37, 40])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle_is_pytorchs(torch, total, strategy, three_phase):
    optimizer = torch_optimizer(torch)
    settings = {"pct_start": 0.3, "anneal_strategy": strategy, "three_phase": three_phase, "final_div_factor": 100.0}
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, [0.4, 0.1], total, **settings)
    own = OneCycle(**settings)
    for step in range(total):
        lrs, momenta = zip(*[(group["lr"], group["momentum"]) for group in optimizer.param_groups], strict=True)
        assert lrs == pytest.approx([0.4 * own(step, total), 0.1 * own(step, total)], rel=1e-12, abs=1e-15)
        assert momenta == pytest.approx([own.momentum(step, total)] * 2, rel=1e-12)
        if step < total - 1:
            theirs.step()
