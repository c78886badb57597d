"""Which entry of the history is followed, and whether less of it is better."""

import pytest

from minigrad.errors import UsageError
from minigrad.training import EarlyStopping


@pytest.mark.parametrize(
    ("monitor", "less"),
    [("test_loss", True), ("loss", True), ("test_mse", True), ("mae", True), ("test_accuracy", False), ("f1", False)],
)
def test_whether_less_is_better_follows_from_the_name_unless_it_is_said(monitor, less):
    for mode, expected in (("auto", less), ("min", True), ("max", False)):
        callback = EarlyStopping(monitor, mode)
        assert callback.improved({monitor: 1.0, "epoch": 1})
        assert callback.improved({monitor: 0.0, "epoch": 2}) == expected


@pytest.mark.parametrize("record", [{"epoch": 1, "loss": 2.0}, {"epoch": 1, "loss": 2.0, "value": [1.0]}])
def test_an_entry_that_is_missing_or_no_number_is_told_with_those_that_there_are(record):
    with pytest.raises(UsageError, match="EarlyStopping: no number is called 'value'; there are epoch, loss"):
        EarlyStopping("value").improved(record)
