"""A small convolutional network for images of any size."""

import math
from typing import final

import torch
from torch import Tensor, nn

from bridle.core import Place
from bridle.models.inputs import Inputs


@final
class Stage(nn.Module):
    """Two convolutions with normalisation at one resolution, then halving, then a place."""

    def __init__(self, channels: int, width: int, *, halve: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.halve = nn.MaxPool2d(2) if halve else nn.Identity()
        self.place = Place()

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to ``(B, width, h, w)``, or half the height and width."""
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.norm2(self.conv2(x)))
        output: Tensor = self.place(self.halve(x))
        return output


@final
class ConvNet(nn.Module):
    """Stages that double their width while the side halves, the mean over pixels, a head."""

    def __init__(self, inputs: Inputs, width: int) -> None:
        super().__init__()
        channels, height, breadth = inputs.shape
        count = max(1, round(math.log2(min(height, breadth) / 4)) + 1)
        stages: list[nn.Module] = []
        for number in range(count):
            out = min(width * 2**number, 8 * width)
            stages.append(Stage(channels, out, halve=number < count - 1))
            channels = out
        self.stages = nn.Sequential(*stages)
        self.place = Place()
        self.head = nn.Linear(channels, inputs.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(B, outputs)`` from images ``(B, channels, height, width)`` in [0, 1]."""
        output: Tensor = self.head(self.place(self.stages(x).mean(dim=(2, 3))))
        return output


def cnn(inputs: Inputs, *, width: int = 32) -> nn.Module:
    """A small convolutional network whose number of stages follows from the size of the image.

    Args:
        inputs: What the model is told about its inputs.
        width: The number of channels of the first stage; each later one doubles it, up to eight times.
    """
    return ConvNet(inputs, width)
