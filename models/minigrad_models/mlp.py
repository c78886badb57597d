"""MLP, the multilayer perceptron: full connections and a nonlinearity, in as many layers as one likes.

Source: Rumelhart, Hinton and Williams 1986, "Learning representations by back-propagating errors".

    layer      MLP((784, 256, 10)): y = f(W x + b)     shape (N, ...)    parameters
    input      an image, as a row of pixels            784
    hidden     linear, activation                      256               200,960
    output     linear                                  10                  2,570

What was new: hidden units, to which nobody tells what they should stand for, learn it from the error at the output, as
the chain rule carries it back. 203,530 parameters for 784-256-10.

Deviations: the paper has sigmoid units, also at the output, and sums the squares of their errors. `MLPSquares` comes
closest: tanh in the hidden layers and a linear output. `MLP` is as it is built today: ReLU, and cross entropy.

Batch, mini-batch and online learning differ in the number of samples of a step only: `minigrad train mlp
--batch-size N` with all samples (1437), some, or 1. All losses are means over the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.errors import UsageError
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import AUGMENTATION, Entry, Motions, Recipe, Rng


class MLP(nn.Module):
    """Layers of full connection with an activation between them, none behind the last; trained on cross entropy.

    Args:
        sizes: units of each layer, from the input's to the output's: (784, 256, 10) has one hidden layer, (784, 10) has
            none and is a linear classifier (default (784, 256, 10)).
        activation: makes the activation of a hidden layer, such as `nn.Tanh` (default ReLU).
        rng: draws the initial weights, He's for ReLU and Xavier's for others; biases as `nn.Linear` draws them; the
            default generator unless given.

    Shapes: x (N, ...), of sizes[0] numbers a sample -> scores (N, sizes[-1]).

    Raises:
        UsageError: there are less than two sizes.
    """

    def __init__(
        self, sizes: Sequence[int] = (784, 256, 10), activation: Callable[[], nn.Module] = nn.ReLU, rng: Rng = None
    ) -> None:
        if len(sizes) < 2:
            raise UsageError(f"MLP: sizes are those of input and output at least, got {tuple(sizes)}")
        draw = init.he_normal if activation is nn.ReLU else init.xavier_normal
        layers: list[nn.Module] = [nn.Flatten()]
        for features, units in pairwise(sizes):
            layer = nn.Linear(features, units, rng=rng)
            layer.weight.data = draw(layer.weight.shape, rng=rng)
            layers += [layer, activation()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, ...) -> scores (N, sizes[-1])."""
        return self.layers(x)  # type: ignore[no-any-return]


class MLPSquares(MLP):
    """An MLP that is trained on the sum of squared errors, against targets of 1 for the right class and 0 elsewhere."""

    def __init__(
        self, sizes: Sequence[int] = (784, 256, 10), activation: Callable[[], nn.Module] = nn.Tanh, rng: Rng = None
    ) -> None:
        super().__init__(sizes, activation, rng)

    def loss(self, output: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        """1/2 |y - d|^2, summed over the outputs, a mean over the batch.

        Shapes: output y (N, D), target (N) class numbers, or the wanted outputs d (N, D) themselves -> ().
        """
        wanted = target if target.ndim == 2 else F.one_hot(target, output.shape[1]).astype(output.dtype)
        return F.sum_squared_error(output, wanted) / len(output)


def mlp_deep(rng: Rng = None) -> MLP:
    """784-256-128-64-10."""
    return MLP((784, 256, 128, 64, 10), rng=rng)


def mlp_small(rng: Rng = None) -> MLP:
    """256-64-10, for images of 16 x 16."""
    return MLP((256, 64, 10), rng=rng)


MOTIONS: Motions = {**AUGMENTATION, "translate": 0.05}

ENTRIES = (
    Entry(
        name="mlp",
        make=MLP,
        input_shape=(1, 28, 28),
        classes=10,
        summary="an MLP 784-256-10: one hidden layer of ReLUs, cross entropy",
        parameters=203_530,
        source="Rumelhart et al. 1986",
        small=True,
        recipe=Recipe(
            epochs=30, batch_size=32, optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
            schedule=Cosine(), **MOTIONS,
        ),
    ),
    Entry(
        name="mlp-squares",
        make=MLPSquares,
        input_shape=(1, 28, 28),
        classes=10,
        summary="an MLP 784-256-10 as it was trained at first: tanh, the sum of squared errors",
        parameters=203_530,
        source="Rumelhart et al. 1986",
        small=True,
        recipe=Recipe(
            epochs=30, batch_size=32, optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.9},
            schedule=Cosine(), **MOTIONS,
        ),
    ),
    Entry(
        name="mlp-deep",
        make=mlp_deep,
        input_shape=(1, 28, 28),
        classes=10,
        summary="an MLP 784-256-128-64-10 of ReLUs",
        parameters=242_762,
        small=True,
        recipe=Recipe(
            epochs=30, batch_size=32, optimizer={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-4},
            schedule=Cosine(), **MOTIONS,
        ),
    ),
    Entry(
        name="mlp-small",
        make=mlp_small,
        input_shape=(1, 16, 16),
        classes=10,
        summary="an MLP 256-64-10 of ReLUs for images of 16 x 16",
        parameters=17_098,
        small=True,
        recipe=Recipe(
            epochs=30, batch_size=32, optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
            schedule=Cosine(), **MOTIONS,
        ),
    ),
)  # fmt: skip
