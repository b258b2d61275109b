"""Weights or optimizer state so small that a processor computes with them slowly."""

from collections.abc import Iterator
from typing import ClassVar, final

import torch
from torch import Tensor

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity

MANY = 0.01
"""Share of denormal numbers in a tensor from which steps on a processor become slower."""


@final
class Denormals(Check):
    """Numbers between zero and the smallest normal one are counted in weights, buffers and optimizer state."""

    name: ClassVar[str] = "denormals"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the share in each tensor that has many."""
        shares = {name: share for name, tensor in _tensors(observed) if (share := _share(tensor)) > MANY}
        if not shares:
            return
        worst = max(shares, key=lambda name: shares[name])
        message = (
            f"{len(shares)} tensors hold denormal numbers, {worst} most ({shares[worst]:.1%}): too small to matter, "
            "but a processor takes several times as long over them. Decay drives unused weights there. Write "
            "torch.set_flush_denormal(True) as the first line of the program, before torch has started threads."
        )
        yield Finding(self.name, Severity.WARNING, message, {"shares": shares})


def _tensors(observed: Observed) -> Iterator[tuple[str, Tensor]]:
    names = {id(weight): name for name, weight in observed.model.named_parameters()}
    yield from observed.model.named_parameters()
    for weight, state in observed.optimizer.state.items():
        for name, value in state.items():
            yield f"{names.get(id(weight), 'a weight')} ({name})", value


def _share(tensor: object) -> float:
    if not isinstance(tensor, Tensor) or tensor.device.type != "cpu" or not tensor.is_floating_point():
        return 0.0
    if not tensor.ndim or not tensor.numel():
        return 0.0
    # By their bits: with flushing on, comparisons take denormal numbers for zeros.
    whole = {torch.float32: (torch.int32, 23, 8), torch.float64: (torch.int64, 52, 11)}.get(tensor.dtype)
    if whole is None:
        return 0.0
    bits = tensor.detach().contiguous().view(whole[0])
    exponent = (bits >> whole[1]) & (2 ** whole[2] - 1)
    mantissa = bits & (2 ** whole[1] - 1)
    return float(((exponent == 0) & (mantissa != 0)).float().mean())
