"""Networks of the table train alike, eagerly and compiled: a few, in `ci` all small ones, in `intense` all."""

from __future__ import annotations

import os
from typing import Any

import minigrad_models
import numpy as np
import pytest
from minigrad_models import MODELS

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import optim
from minigrad.autograd import backward as backward_pass
from minigrad.compilation import PASSES, Compiled

PROFILE = os.environ.get("MINIGRAD_PROFILE")
FEW = ("mlp", "lenet5", "resnet20")
EAGER = {"neocognitron", "mlp-squares", "sppnet", "sppnet-small"}
"""Networks that have no gradients, or whose Python looks at values or draws sizes."""

BATCH = 4
STEPS = 4  # two are captured, two are replayed


def loss_of(model: Any, x: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
    output = model(x)
    if hasattr(model, "loss"):
        return model.loss(output, target)  # type: ignore[no-any-return]
    main, *others = output if isinstance(output, tuple) else (output,)
    loss = F.cross_entropy(main, target)
    for other in others:
        loss = loss + 0.3 * F.cross_entropy(other, target)
    return loss


def trained(name: str, passes: Any) -> tuple[list[float], dict[str, np.ndarray], Compiled[..., Any] | None]:
    """The losses of a few steps, and the state of the model behind them."""
    mg.seed(0)
    entry = MODELS[name]
    model = minigrad_models.create(name)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    rng = np.random.default_rng(0)

    def step(x: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, x, target)
        loss.backward()
        optimizer.step()
        return loss

    run: Any = step if passes is None else Compiled(step, passes)
    losses = []
    for _ in range(STEPS):
        x = entry.draw((BATCH, *entry.input_shape), rng)
        target = np.roll(x, -1, axis=1) if entry.vocabulary else rng.integers(0, entry.classes or 2, BATCH)
        losses.append(run(mg.Tensor(x), mg.Tensor(target)).item())
    return losses, {key: value.copy() for key, value in model.state_dict().items()}, None if run is step else run


def candidates() -> list[str]:
    if PROFILE == "intense":
        return [name for name, entry in MODELS.items() if entry.input_shape]
    small = [name for name, entry in MODELS.items() if entry.input_shape and entry.small and name not in FEW]
    return [*FEW, *(small if PROFILE == "ci" else [])]


@pytest.mark.parametrize("name", candidates())
def test_a_network_trains_alike(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (MODELS[name].classes or MODELS[name].vocabulary) or MODELS[name].parameters > 1e8 or name in EAGER:
        pytest.skip("it is no classifier that is trained by cross entropy")
    expected = trained(name, None)
    with monkeypatch.context() as patch:
        patch.setattr(backward_pass, "in_one_loop", lambda *_: None)  # whose sums have another order
        plain = trained(name, None)
    without_loops = tuple([each for each in PASSES if "fusion" not in each.name])
    exact = trained(name, without_loops)
    assert exact[2] is not None
    assert exact[2].reason is None
    assert exact[2].program is not None
    assert exact[0] == plain[0]
    for key, value in plain[1].items():
        np.testing.assert_array_equal(exact[1][key], value, err_msg=key)
    fused = trained(name, PASSES)
    np.testing.assert_allclose(fused[0], expected[0], rtol=1e-4)
