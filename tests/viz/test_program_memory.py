"""The chart of a program's memory: bars do not overlap, and together they are as high as the program's peak or more."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation.memory import lives, peak, timeline
from minigrad.errors import UsageError
from minigrad.functional import mse_loss
from minigrad.viz.plots.program_memory import places

plots = pytest.importorskip("matplotlib")


@pytest.fixture
def step():
    model = nn.Sequential(nn.Linear(256, 400), nn.Tanh(), nn.Linear(400, 256))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @mg.compile
    def run(x):
        mse_loss(model(x), x).backward()
        optimizer.step()
        optimizer.zero_grad()

    for _ in range(3):
        run(mg.Tensor(np.ones((16, 256), np.float32)))
    return run


def test_pieces_that_are_held_together_lie_in_different_places(step):
    pieces = [life for life in lives(step.program) if life.nbytes]
    found = places(step.program, pieces)
    for k, (one, low) in enumerate(zip(pieces, found, strict=True)):
        for other, start in zip(pieces[:k], found, strict=False):
            together = one.begin <= other.end and other.begin <= one.end
            assert not together or low + one.nbytes <= start or start + other.nbytes <= low


def test_what_is_held_is_the_sum_of_the_pieces(step):
    held = timeline(step.program)
    for position in range(len(held)):
        assert held[position] == sum(x.nbytes for x in lives(step.program) if x.begin <= position <= x.end)
    assert peak(step.program) == max(held)


def test_gradients_that_are_cleared_are_freed_once_they_are_used(step):
    assert peak(step.program) < peak(step.stages[0][1])


def test_there_is_a_bar_for_each_piece(step):
    from minigrad.viz import plot_program_memory

    ax = plot_program_memory(step)
    assert len(ax.patches) == len([life for life in lives(step.program) if life.nbytes])
    assert "at once" in ax.get_title(loc="left")


def test_what_has_no_program_is_told():
    from minigrad.viz import plot_program_memory

    with pytest.raises(UsageError, match="call it"):
        plot_program_memory(mg.compile(lambda x: x))
