"""The best checkpoint is that of the best epoch."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import DataError
from minigrad.training import SaveBest, load_checkpoint
from tests.training.scripted_metric import end_of, train, values


@given(values, st.sampled_from(["min", "max"]))
def test_the_best_checkpoint_is_that_of_the_best_epoch(tmp_path_factory, values, mode):
    path = tmp_path_factory.getbasetemp() / "best.safetensors"
    path.unlink(missing_ok=True)
    train(values, SaveBest(path, "value", mode, settings={"lr": 1}))
    best, _ = end_of(values, math.inf, 0.0, -1 if mode == "min" else 1)
    assert path.exists() == (best > 0)
    if best:
        checkpoint = load_checkpoint(path)
        assert (checkpoint.epoch, checkpoint.settings) == (best, {"lr": 1})


def test_a_best_checkpoint_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*none/best: No such file or directory"):
        train([1.0], SaveBest(tmp_path / "none" / "best", "value"))
