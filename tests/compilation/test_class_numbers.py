"""Class numbers and token ids are inputs of programs: replays follow their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn
from minigrad.compilation import Compiled


@pytest.mark.parametrize("padding_idx", [None, 2])
def test_embeddings_and_targets_of_several_dimensions_follow_their_values(padding_idx: int | None) -> None:
    rng = np.random.default_rng(0)
    table, head = nn.Embedding(6, 4, padding_idx, rng=rng), nn.Linear(4, 6, rng=rng)

    def step(ids: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        table.zero_grad()
        loss = F.cross_entropy(head(table(ids)).mT, target)
        loss.backward()
        return loss

    run: Any = Compiled(step)
    for _ in range(5):
        table.weight.data = rng.normal(size=(6, 4))  # the row that gets no gradient may still be set
        ids, target = (rng.integers(0, 6, (3, 5)) for _ in range(2))
        found = run(mg.Tensor(ids), mg.Tensor(target)).item(), table.weight.grad.numpy().copy()
        expected = step(mg.Tensor(ids), mg.Tensor(target)).item(), table.weight.grad.numpy().copy()
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-8)
    assert run.program is not None
    with pytest.raises(mg.DataError, match="6 is no row"):
        run(mg.Tensor(np.full((3, 5), 6)), mg.Tensor(target))
