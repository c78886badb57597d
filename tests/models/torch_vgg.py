"""torchvision's VGG, written in plain PyTorch for the comparison."""

from __future__ import annotations

from typing import Any

from torch import nn


class PeerVGG(nn.Module):
    """The network of a configuration such as [64, "M", 128, "M"]."""

    def __init__(
        self,
        configuration: list[Any],
        batch_norm: bool,
        classes: int = 1000,
        channels: int = 3,
        grid: int = 7,
        hidden: int = 4096,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for item in configuration:
            if item == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
                continue
            layers += [nn.Conv2d(channels, item, kernel_size=3, padding=1)]
            layers += [nn.BatchNorm2d(item), nn.ReLU(inplace=True)] if batch_norm else [nn.ReLU(inplace=True)]
            channels = item
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((grid, grid))
        self.classifier = nn.Sequential(
            nn.Linear(channels * grid * grid, hidden), nn.ReLU(True), nn.Dropout(p=0.0),
            nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(p=0.0),
            nn.Linear(hidden, classes),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))
