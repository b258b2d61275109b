"""Batches to augment."""

import pytest
import torch

from bridle.core import Batch, Draws
from bridle.records import Kind
from bridle.testing import material


@pytest.fixture
def draws() -> Draws:
    return Draws(seed=1, fold=2, step=3)


@pytest.fixture
def smooth() -> Batch:
    """64 grey images, 12 by 18, float64, without sharp edges: interpolation errs little."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 12), torch.linspace(0, 1, 18), indexing="ij")
    phases = torch.linspace(0, 6, 64)[:, None, None]
    images = (0.5 + 0.25 * torch.sin(4 * x + phases) + 0.2 * torch.cos(5 * y - phases))[:, None].double()
    return of_images(images)


@pytest.fixture
def coloured() -> Batch:
    return of_images(material.images(64, torch.device("cpu"), torch.float64))


@pytest.fixture
def many() -> Batch:
    """4,000 tiny images, to look at distributions."""
    return of_images(torch.zeros(4000, 1, 8, 12, dtype=torch.float64))


@pytest.fixture
def table() -> Batch:
    return material.batch(Kind.TABLE, torch.device("cpu"), count=4000)


def of_images(images: torch.Tensor) -> Batch:
    count = len(images)
    return Batch(
        inputs=images,
        targets=torch.nn.functional.one_hot(torch.arange(count) % 3, 3).to(images.dtype),
        weights=torch.ones(count, dtype=images.dtype),
        examples=torch.arange(count),
        times=torch.zeros(count, dtype=torch.int64),
        kind=Kind.IMAGE,
    )
