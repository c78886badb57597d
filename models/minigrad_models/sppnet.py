"""SPP-net: between convolutions and linear layers a pyramid of poolings, so that images may have any size and shape.

Source: He, Zhang, Ren and Sun 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
arXiv:1406.4729.

    stage    SPPNet on the trunk ZF-5                    images of 224 x 224   of 180 x 180     parameters
    conv1    96 kernels 7x7, stride 2, ReLU              96 x 110 x 110        96 x 88 x 88         14,208
             response norm, max pooling 3x3/2            96 x 55 x 55          96 x 44 x 44
    conv2    256 kernels 5x5, stride 2, ReLU             256 x 27 x 27         256 x 21 x 21       614,656
             response norm, max pooling 3x3/2            256 x 13 x 13         256 x 10 x 10
    conv3    384 kernels 3x3, ReLU                       384 x 13 x 13         384 x 10 x 10       885,120
    conv4    384 kernels 3x3, ReLU                       384 x 13 x 13         384 x 10 x 10     1,327,488
    conv5    256 kernels 3x3, ReLU                       256 x 13 x 13         256 x 10 x 10       884,992
    pyramid  max pooling on grids of 1, 2x2, 3x3, 6x6    256 x (1+4+9+36) = 12,800
    fc6      linear, ReLU, dropout                       4096                                   52,432,896
    fc7      linear, ReLU, dropout                       4096                                   16,781,312
    fc8      linear                                      1000                                    4,097,000

What was new: only linear layers need an input of one size, and the pyramid gives it to them. Cell (i, j) of a grid of
n x n cells takes the largest value of the rows from floor(i h/n) to ceil((i+1) h/n), and of such columns, whatever
the size of the maps. One set of weights sees whole images, neither cropped nor warped, and learns from several sizes.
77,037,672 parameters.

Deviations: the size of the training images changes from batch to batch, at random, and not from epoch to epoch. The
kernels begin as in He et al. 2015, the linear layers uniformly by fan-in (the paper does not tell). Nothing is said of
detection, where the pyramid pools windows of maps that are computed once an image.
"""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.optim.schedule import Cosine, Plateau
from minigrad.rng import default_rng
from minigrad.typing import ArrayLike
from minigrad_models.alexnet import response_norm
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng

Size = tuple[int, int]


def zf5(in_channels: int = 3, rng: Rng = None) -> nn.Sequential:
    """The five convolutions of Zeiler and Fergus's network, padded so that the maps have the paper's sizes.

    Shapes: x (N, C, H, W) -> (N, 256, about H/17, about W/17).
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, 96, 7, stride=2, padding=1, rng=rng), nn.ReLU(),
        response_norm(), nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Conv2d(96, 256, 5, stride=2, padding=1, rng=rng), nn.ReLU(),
        response_norm(), nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, 3, padding=1, rng=rng), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, rng=rng), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, rng=rng), nn.ReLU(),
    )  # fmt: skip


def small_trunk(in_channels: int = 1, width: int = 16, rng: Rng = None) -> nn.Sequential:
    """Four convolutions for small images. Shapes: x (N, C, H, W) -> (N, 4 width, H/4, W/4)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(2 * width, 4 * width, 3, padding=1, rng=rng), nn.ReLU(),
        nn.Conv2d(4 * width, 4 * width, 3, padding=1, rng=rng), nn.ReLU(),
    )  # fmt: skip


class RandomSize(nn.Module):
    """In training, a batch of images resized bilinearly to one of several sizes at random; otherwise nothing happens.

    Args:
        sizes: (H, W) each (default: none, and then nothing happens).
        rng: draws the sizes; the default generator unless given.
    """

    def __init__(self, sizes: Sequence[Size] = (), rng: Rng = None) -> None:
        self.sizes, self.rng = tuple(sizes), rng

    def forward(self, x: ArrayLike) -> ArrayLike:
        """Shapes: x (N, C, H, W) -> (N, C, H', W')."""
        if not self.training or not self.sizes:
            return x
        rng = self.rng or default_rng()
        return F.interpolate(x, self.sizes[rng.integers(len(self.sizes))], mode="bilinear")


class SPPNet(nn.Module):
    """A trunk of convolutions, the pyramid, three linear layers.

    Args:
        features: the trunk; it ends with a convolution and an activation.
        num_classes: K (default 1000).
        levels: n stands for a grid of n x n cells (default (1, 2, 3, 6)).
        hidden: the units of the two hidden linear layers (default 4096).
        dropout: the probability that one of them is dropped (default 0.5).
        sizes: (H, W) of the images to train on (default: none, and then images as they come).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) of any H and W that leave the trunk a pixel -> scores (N, K).
    """

    def __init__(
        self,
        features: nn.Sequential,
        num_classes: int = 1000,
        levels: Sequence[int] = (1, 2, 3, 6),
        hidden: int = 4096,
        dropout: float = 0.5,
        sizes: Sequence[Size] = (),
        rng: Rng = None,
    ) -> None:
        channels = [layer.out_channels for layer in features if isinstance(layer, nn.Conv2d)][-1]
        cells = sum(n * n for n in levels)
        self.resize = RandomSize(sizes)
        self.features = features
        self.pyramid = nn.SpatialPyramidPool(levels)
        self.classifier = nn.Sequential(
            nn.Linear(channels * cells, hidden, rng=rng), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden, rng=rng), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, num_classes, rng=rng),
        )  # fmt: skip
        for layer in features:
            if isinstance(layer, nn.Conv2d):
                layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        return self.classifier(self.pyramid(self.features(self.resize(x))))  # type: ignore[no-any-return]


def sppnet(num_classes: int = 1000, sizes: Sequence[Size] = ((224, 224), (180, 180)), rng: Rng = None) -> SPPNet:
    """The network of the paper on the trunk ZF-5; arguments as of `SPPNet`."""
    return SPPNet(zf5(rng=rng), num_classes, sizes=sizes, rng=rng)


SMALL_SIZES: tuple[Size, ...] = ((32, 32), (24, 24), (40, 40), (24, 32), (32, 24), (40, 28), (28, 40))


def sppnet_small(
    num_classes: int = 10, width: int = 16, sizes: Sequence[Size] = SMALL_SIZES, dropout: float = 0.25, rng: Rng = None
) -> SPPNet:
    """A network for small images; arguments as of `SPPNet` and `small_trunk`."""
    return SPPNet(small_trunk(1, width, rng), num_classes, (1, 2, 4), 4 * width, dropout, sizes, rng)


ENTRIES = (
    Entry(
        name="sppnet",
        make=sppnet,
        input_shape=(3, 224, 224),
        classes=1000,
        summary="SPP-net on the trunk ZF-5: pooling on grids of 1, 2x2, 3x3, 6x6",
        parameters=77_037_672,
        source="He et al. 2014",
        recipe=Recipe(
            epochs=70, batch_size=128, optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Plateau(patience=5),
        ),
    ),
    Entry(
        name="sppnet-small",
        make=sppnet_small,
        input_shape=(1, 32, 32),
        classes=10,
        summary="SPP-net for digits of any size, such as 32 x 32 pixels",
        parameters=151_114,
        source="He et al. 2014",
        small=True,
        recipe=Recipe(
            epochs=40, batch_size=64, optimizer={"name": "adamw", "lr": 0.003, "weight_decay": 0.05},
            schedule=Cosine(warmup=0.1), **AUGMENTATION,
        ),
    ),
)  # fmt: skip
