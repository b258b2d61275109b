"""The data losses of a pack and their gradients: a function of tensors and nothing else, so that it can be compiled.

Legend of the axes: ``M`` members, ``B`` batch.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

import torch
from torch import Tensor

from bridle.engine.losses import wide
from bridle.engine.noise import PlacedNoise
from bridle.population.stack import Tensors
from bridle.population.stacked import StackedModule

Given: TypeAlias = Mapping[str, Tensors]
"""Tensors ``(M, ...)`` by name: ``"weights"`` and ``"frozen"`` as they are stored, ``"buffers"``, which are changed in
place, ``"uniforms"``, ``"dials"`` as ``noise/name``, and ``"batch"``: inputs, targets, weights and examples."""
Losses: TypeAlias = Callable[[Tensor, Tensor], Tensor]


@final
class Gradients:
    """The gradients of the members of one kind.

    Args:
        stacked: Their network.
        noise: The noise at its places.
        losses: The data loss of each example ``(M, B)`` from outputs and targets.
        transposed: The names of the weights that are stored with their two dimensions exchanged.
    """

    def __init__(self, stacked: StackedModule, noise: PlacedNoise, losses: Losses, transposed: frozenset[str]) -> None:
        self._stacked, self._noise, self._losses, self._transposed = stacked, noise, losses, transposed

    def __call__(self, given: Given) -> tuple[Tensor, Tensors]:
        """Each member's data loss ``(M,)``, and the gradients of the weights as they are stored.

        A weight that the loss does not depend on has none.
        """
        leaves = {name: value.detach().requires_grad_() for name, value in given["weights"].items()}
        batch = given["batch"]
        output = self._output(leaves, given, batch["inputs"])
        losses_M = (self._losses(output, batch["targets"]) * batch["weights"]).sum(1) / batch["examples"]
        found = torch.autograd.grad(losses_M.sum(), list(leaves.values()), allow_unused=True)
        gradients = {name: slope for name, slope in zip(leaves, found, strict=True) if slope is not None}
        return losses_M.detach(), gradients

    def _output(self, leaves: Tensors, given: Given, inputs: Tensor) -> Tensor:
        """The outputs ``(M, B, outputs)`` in training mode."""
        dials = list(given["dials"])

        def prepare(own: Mapping[str, Tensor]) -> None:
            self._noise.bind(lambda name, _shape, _like: own[name], _by_noise(dials, own))

        stored = {name: self._shown(name, tensor) for name, tensor in (leaves | given["frozen"]).items()}
        tensors, further = stored | given["buffers"], given["uniforms"] | given["dials"]
        return wide(self._stacked(tensors, inputs, further, prepare, training=True))

    def _shown(self, name: str, tensor: Tensor) -> Tensor:
        return tensor.transpose(-1, -2) if name in self._transposed else tensor


def _by_noise(names: Sequence[str], given: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = {}
    for name in names:
        noise, _, dial = name.rpartition("/")
        found.setdefault(noise, {})[dial] = given[name]
    return found
