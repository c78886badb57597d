"""Networks that make digits: a convolutional autoencoder, and a DCGAN.

Source: Masci et al. 2011, "Stacked convolutional auto-encoders for hierarchical feature extraction"; Radford, Metz and
Chintala 2016, "Unsupervised representation learning with deep convolutional generative adversarial networks",
arXiv:1511.06434; Goodfellow et al. 2014, "Generative adversarial nets", arXiv:1406.2661.

    Autoencoder, encoder                shape (N, ...)      decoder (upward)
    image                               1 x 32 x 32         transposed convolution 4x4, stride 2
    16 kernels 4x4, stride 2, ReLU      16 x 16 x 16        the same, ReLU
    32 kernels 4x4, stride 2, ReLU      32 x 8 x 8          the same, ReLU
    64 kernels 4x4, stride 2, ReLU      64 x 4 x 4          linear, ReLU
    linear                              16                  the code

    DCGAN, discriminator                shape (N, ...)      generator (upward)
    image                               1 x 32 x 32         transposed convolution 4x4, stride 2, tanh
    16 kernels 4x4, stride 2            16 x 16 x 16        the same, batch norm, ReLU
      leaky ReLU
    32 kernels 4x4, stride 2            32 x 8 x 8          the same, batch norm, ReLU
      batch norm, leaky ReLU
    64 kernels 4x4, stride 2            64 x 4 x 4          linear, batch norm, ReLU
      batch norm, leaky ReLU
    linear                              1, 100              noise, uniform from -1 to 1

A transposed convolution of stride 2 is the gradient of a convolution of stride 2: what halved the image now doubles it,
and learns how. What was new in the DCGAN: the game of generator and discriminator, which had been hard to win with
convolutions, becomes stable without poolings and hidden layers of full connection, with batch norm in both, ReLU in the
one and leaky ReLU in the other, and Adam with a first beta of 0.5.

Deviations of the DCGAN: kernels are 4x4 (5x5), so that strides of 2 divide them evenly; images are 32 x 32 (64 x 64),
and there is a stage less and fewer channels. Both players move at the same time, each by its own gradient at the same
weights (the paper, as Goodfellow et al., moves them in turn): one step is then one backward pass and one optimizer's.

How good they are, with the recipes below and one seed: the autoencoder's squared error is 0.0047 on test digits, whose
pixels go from -0.1 to 1.175. Of 1,000 images that the DCGAN makes, a LeNet-5 reads 59 % as a digit with a probability
above 0.9, and 96 % of real test digits; all ten classes are there, the rarest 46 times and the commonest 170 times.
They have the strokes of digits, and many stand between two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.data.datasets.digits import BACKGROUND, FOREGROUND
from minigrad.optim.schedule import Cosine, Linear
from minigrad.rng import default_rng
from minigrad.typing import Array, ArrayLike
from minigrad_models.registry import Entry, Recipe, Rng


def halve(in_channels: int, out_channels: int, rng: Rng) -> nn.Conv2d:
    """A convolution (N, C, H, W) -> (N, O, H/2, W/2)."""
    return nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1, rng=rng)


def double(in_channels: int, out_channels: int, rng: Rng) -> nn.ConvTranspose2d:
    """A transposed convolution (N, C, H, W) -> (N, O, 2H, 2W)."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, rng=rng)


class Autoencoder(nn.Module):
    """Squeezes an image into a few numbers, its code, and makes it again from these; trained on the squared error.

    Args:
        code: how many numbers (default 16).
        width: channels of the first stage; the following have 2 and 4 times as many (default 16).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, 1, 32, 32) -> (N, 1, 32, 32).
    """

    def __init__(self, code: int = 16, width: int = 16, rng: Rng = None) -> None:
        w = width
        self.encoder = nn.Sequential(
            halve(1, w, rng), nn.ReLU(),
            halve(w, 2 * w, rng), nn.ReLU(),
            halve(2 * w, 4 * w, rng), nn.ReLU(),
            nn.Flatten(), nn.Linear(4 * w * 4 * 4, code, rng=rng),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(code, 4 * w * 4 * 4, rng=rng), nn.ReLU(), nn.Unflatten(1, (4 * w, 4, 4)),
            double(4 * w, 2 * w, rng), nn.ReLU(),
            double(2 * w, w, rng), nn.ReLU(),
            double(w, 1, rng),
        )  # fmt: skip

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, 1, 32, 32) -> (N, 1, 32, 32)."""
        return self.decoder(self.encoder(x))  # type: ignore[no-any-return]

    def loss(self, output: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        """The squared error, a mean over all pixels."""
        return F.mse_loss(output, target)


class Generator(nn.Sequential):
    """From noise to images with pixels from -1 to 1.

    Args:
        noise: how many random numbers an image is made from (default 100).
        width: channels of the largest hidden maps (default 16).
        rng: draws the initial weights; the default generator unless given.

    Shapes: noise (N, noise) -> (N, 1, 32, 32).
    """

    def __init__(self, noise: int = 100, width: int = 16, rng: Rng = None) -> None:
        w = width
        super().__init__(
            nn.Linear(noise, 4 * w * 4 * 4, rng=rng), nn.Unflatten(1, (4 * w, 4, 4)), nn.BatchNorm2d(4 * w), nn.ReLU(),
            double(4 * w, 2 * w, rng), nn.BatchNorm2d(2 * w), nn.ReLU(),
            double(2 * w, w, rng), nn.BatchNorm2d(w), nn.ReLU(),
            double(w, 1, rng), nn.Tanh(),
        )  # fmt: skip
        draw_as_in_the_paper(self, rng)


class Discriminator(nn.Sequential):
    """From images with pixels from -1 to 1 to a score each: log(p / (1 - p)), p being the probability that it is real.

    Args:
        width: channels of the first stage (default 16).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, 1, 32, 32) -> (N).
    """

    def __init__(self, width: int = 16, rng: Rng = None) -> None:
        w = width
        super().__init__(
            halve(1, w, rng), nn.LeakyReLU(0.2),
            halve(w, 2 * w, rng), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2),
            halve(2 * w, 4 * w, rng), nn.BatchNorm2d(4 * w), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(4 * w * 4 * 4, 1, rng=rng), nn.Flatten(0),
        )  # fmt: skip
        draw_as_in_the_paper(self, rng)


def draw_as_in_the_paper(model: nn.Module, rng: Rng) -> None:
    """Weights normal with a deviation of 0.02, those of batch norm around 1; biases 0."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data = init.constant(parameter.shape)
        else:
            mean = 1.0 if parameter.ndim == 1 else 0.0
            parameter.data = init.normal(parameter.shape, mean, 0.02, rng)


class DCGAN(nn.Module):
    """A generator, and the discriminator that it learns to fool.

    Args:
        noise: how many random numbers an image is made from (default 100).
        width: channels of the largest hidden maps of both (default 16).
        rng: draws the initial weights, and the seed of the noise of the training; the default generator unless given.

    Attributes:
        source: the generator that the noise of the training is drawn from; checkpoints keep it. Evaluations have a
            noise of their own, the same each time.
    """

    def __init__(self, noise: int = 100, width: int = 16, rng: Rng = None) -> None:
        self.generator = Generator(noise, width, rng)
        self.discriminator = Discriminator(width, rng)
        self.noise = noise
        self.source = np.random.default_rng((rng or default_rng()).integers(2**63))

    def forward(self, x: ArrayLike) -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
        """The discriminator's scores of real images, and twice of as many that the generator makes.

        The second scores teach the discriminator alone, for which the made images are constants; the third ones the
        generator alone, for which the discriminator's parameters are.

        Shapes: x (N, 1, 32, 32) -> (N), (N), (N).
        """
        source = self.source if self.training else np.random.default_rng(0)
        real = (mg.asarray(x) - MIDDLE) / REACH
        made = self.generator(self.draw_noise(len(real), source))
        with frozen(self.discriminator):
            fooled = self.discriminator(made)
        return self.discriminator(real), self.discriminator(made.detach()), fooled

    def loss(self, output: tuple[mg.Tensor, mg.Tensor, mg.Tensor], target: mg.Tensor) -> mg.Tensor:
        """-log D(x) - log(1 - D(G(z))) for the discriminator, -log D(G(z)) for the generator, means over the batch.

        With D = sigmoid(score), -log D is softplus(-score). The target is not needed: what is real is known.
        """
        real, made, fooled = output
        return F.softplus(-real).mean() + F.softplus(made).mean() + F.softplus(-fooled).mean()

    def sample(self, count: int, rng: Rng = None) -> Array:
        """New digits, with pixels as those of `minigrad.data.digits`. Shape: (count, 1, 32, 32)."""
        mode = self.generator.training
        self.generator.eval()
        try:
            with mg.no_grad():
                images: Array = self.generator(self.draw_noise(count, rng or default_rng())).data
        finally:
            self.generator.train(mode)
        return images * REACH + MIDDLE

    def draw_noise(self, count: int, rng: np.random.Generator) -> mg.Tensor:
        """Uniform from -1 to 1. Shape: (count, noise)."""
        return mg.Tensor(init.uniform((count, self.noise), -1, 1, rng))


MIDDLE, REACH = np.float32((FOREGROUND + BACKGROUND) / 2), np.float32((FOREGROUND - BACKGROUND) / 2)
"""Gray, and how far it is from there to paper and ink."""


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, the parameters are constants. They keep their gradients, which `requires_grad = False` would drop."""
    nodes = [(parameter, parameter.node) for parameter in module.parameters()]
    for parameter, _ in nodes:
        parameter.node = None
    try:
        yield
    finally:
        for parameter, node in nodes:
            parameter.node = node


ENTRIES = (
    Entry(
        name="autoencoder",
        make=Autoencoder,
        input_shape=(1, 32, 32),
        classes=0,
        summary="a convolutional autoencoder: 32 x 32 pixels, 16 numbers, and 32 x 32 pixels again",
        parameters=116_401,
        source="Masci et al. 2011",
        data="digits-images",
        small=True,
        metric="loss",
        recipe=Recipe(
            epochs=20, batch_size=32, optimizer={"name": "adam", "lr": 0.002}, schedule=Cosine(),
        ),
    ),
    Entry(
        name="dcgan",
        make=DCGAN,
        input_shape=(1, 32, 32),
        classes=0,
        summary="a DCGAN, which makes digits of 32 x 32 pixels from noise",
        parameters=187_458,
        source="Radford et al. 2016",
        data="digits-images",
        small=True,
        metric="loss",
        recipe=Recipe(
            epochs=60, batch_size=32, optimizer={"name": "adam", "lr": 5e-4, "betas": (0.5, 0.999)}, schedule=Linear(),
        ),
    ),
)  # fmt: skip
