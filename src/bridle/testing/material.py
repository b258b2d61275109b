"""What the laws try regularizers on: weights and batches, the same in every run."""

from typing import TypeAlias

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Forward, LossTerm
from bridle.core.draws import generator
from bridle.records import Kind

Shapes: TypeAlias = tuple[tuple[int, ...], ...]

SHAPES: Shapes = ((6, 5), (4, 6), (3, 4, 2, 2))
"""Two matrices of consecutive layers and a kernel."""

PAIR: Shapes = ((3, 5), (6, 5))
"""A skip connection and a first layer of the same 5 features."""


def normal(name: str, *shape: int, device: torch.device, dtype: torch.dtype = torch.float64) -> Tensor:
    """Standard normal numbers that belong to ``name``."""
    return torch.randn(shape, generator=generator("testing", name), dtype=torch.float64).to(device, dtype)


def uniform(name: str, *shape: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Uniform numbers in [0, 1) that belong to ``name``."""
    return torch.rand(shape, generator=generator("testing", name), dtype=torch.float32).to(device, dtype)


def weights(device: torch.device, dtype: torch.dtype = torch.float64, shapes: Shapes = SHAPES) -> list[Tensor]:
    """Generic weights, none of them near zero, where a penalty may have a kink."""
    drawn = [normal(f"weights {shape}", *shape, device=device, dtype=dtype) for shape in shapes]
    return [weight + 0.2 * weight.sign() for weight in drawn]


def steps(device: torch.device, shapes: Shapes = SHAPES) -> list[list[Tensor | float]]:
    """Steps of an optimizer, one list per trial: numbers small and large, and one per entry as Adam has them."""
    numbers: list[list[Tensor | float]] = [[step] * len(shapes) for step in (0.1, 10.0, 1000.0)]
    ragged = [10 ** (2 * normal(f"steps {shape}", *shape, device=device)) for shape in shapes]
    return [*numbers, list(ragged)]


def layers(device: torch.device, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """The weights of a small network: a matrix with 5 inputs and 6 units, and one with 3 outputs."""
    return [normal(f"layers {shape}", *shape, device=device, dtype=dtype) for shape in ((6, 5), (3, 6))]


def forward(term: LossTerm, weights: list[Tensor], dtype: torch.dtype = torch.float64) -> Forward:
    """A forward pass through :func:`layers` with a sigmoid between, showing only what the term says that it needs.

    The activations are those of the sigmoid, once as rows and once as the channels of a picture.
    """
    inputs = normal("forward inputs", 8, 5, device=weights[0].device, dtype=dtype)
    inputs.requires_grad_(term.needs_input_gradient)
    hidden = (inputs @ weights[0].T).sigmoid()
    seen = (hidden, hidden.square().reshape(8, 2, 3, 1)) if term.needs_activations else ()
    return Forward(inputs, hidden @ weights[1].T, seen)


def batch(kind: Kind, device: torch.device, dtype: torch.dtype = torch.float64, count: int = 12) -> Batch:
    """A batch of images (3 channels, 10 by 14) or of a table (4 numbers, an indicator, 2 categories)."""
    classes = torch.arange(count, device=device) % 3
    weight = 0.5 + uniform("batch weights", count, device=device, dtype=dtype)
    return Batch(
        inputs=images(count, device, dtype) if kind is Kind.IMAGE else table(count, device, dtype),
        targets=torch.nn.functional.one_hot(classes, 3).to(dtype),
        weights=weight / weight.mean(),
        examples=torch.arange(100, 100 + count, device=device),
        times=torch.full((count,), 3, device=device),
        kind=kind,
        continuous=4 if kind is Kind.TABLE else 0,
    )


def images(count: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Images in [0, 1], not square, with no symmetry."""
    return uniform("images", count, 3, 10, 14, device=device, dtype=dtype)


def table(count: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Rows of 4 numbers, an indicator and the codes of 2 categories."""
    numbers = normal("table", count, 4, device=device, dtype=dtype)
    indicator = (uniform("indicator", count, 1, device=device) < 0.5).to(dtype)
    codes = (uniform("codes", count, 2, device=device) * 5).floor().to(dtype)
    return torch.cat([numbers, indicator, codes], dim=1)


def batches(
    regularizer: Augmentation, device: torch.device, dtype: torch.dtype = torch.float64, count: int = 12
) -> list[Batch]:
    """A batch of each kind of data that an augmentation acts on."""
    return [batch(kind, device, dtype, count) for kind in sorted(regularizer.acts_on)]
