"""The surroundings of every test of the command."""

from dataclasses import replace

import pytest
from minigrad_models import MODELS
from threadpoolctl import threadpool_limits

from minigrad.cli import evaluate, predict, train
from minigrad.cli.data_registry import DATA
from tests.cli.helper import RECIPE, few_digits


@pytest.fixture(autouse=True)
def _small_and_apart(monkeypatch, tmp_path):
    """64 digits, a recipe and a folder of the tests' own, one thread, no pictures."""
    monkeypatch.setitem(MODELS, "lenet5", replace(MODELS["lenet5"], recipe=RECIPE))
    monkeypatch.setitem(DATA, "digits", replace(DATA["digits"], load=few_digits))
    monkeypatch.chdir(tmp_path)
    for module in (train, evaluate, predict):
        monkeypatch.setattr(module, "set_threads", lambda n: None)
    monkeypatch.setattr(train, "write_pictures", lambda *_: [])
    with threadpool_limits(1, user_api="blas"):  # tests run side by side
        yield
