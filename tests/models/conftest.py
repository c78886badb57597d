"""What is no test here, and the same random numbers for each test, in whatever order they run."""

import pytest

collect_ignore_glob = ["torch_*.py"]  # networks of the comparison: they need PyTorch when they are imported


@pytest.fixture(autouse=True)
def _seeded() -> None:
    import minigrad as mg

    mg.seed(0)
