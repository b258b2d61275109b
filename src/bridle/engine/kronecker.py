"""The Kronecker factors of one layer's Gauss-Newton matrix, seen by a hook on the layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from bridle.core.scope import parameters
from bridle.errors import ModelError


@final
class Factors:
    """``A ⊗ G / n`` for the weight of one layer, summed up batch by batch.

    ``A`` sums ``a a^T`` over the layer's inputs and ``G`` sums ``g g^T`` over the gradients at its outputs. Positions
    of an image, or of a sequence, count as inputs of their own ("expand"), of which there are n.

    Args:
        model: The network.
        name: The full name of the weight.

    Raises:
        ModelError: If the weight belongs to no ``nn.Linear`` or ungrouped ``nn.Conv2d``, or to several layers.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        self.name = name
        module, _, weight = parameters(model)[name]
        self._layer, self.weight = _layer(module, name), weight
        owners = [full for full, other in model.named_parameters(remove_duplicate=False) if other is weight]
        if len(owners) > 1:
            raise ModelError(
                f"{' and '.join(owners)} are one weight: the curvature of shared weights is not known by layer. "
                "Leave it out of the scope, or choose its strength by cross-validation."
            )
        rows, columns = weight.flatten(1).shape
        self.inputs = torch.zeros(columns, columns, dtype=torch.float64, device=weight.device)
        self.outputs = torch.zeros(rows, rows, dtype=torch.float64, device=weight.device)
        self.count = 0
        self._zeros: list[Tensor] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See what enters and leaves the layer."""
        hook = self._layer.register_forward_hook(self._see)
        try:
            yield
        finally:
            hook.remove()

    def _see(self, _: nn.Module, entered: tuple[Tensor, ...], left: Tensor) -> Tensor:
        """Add zeros to the output: their gradient is the output's, also where that is changed in place later."""
        rows = self._rows(entered[0].detach())
        self.inputs += rows.T @ rows
        self.count += len(rows)
        self._zeros.append(torch.zeros_like(left, requires_grad=True))
        return left + self._zeros[-1]

    def zero(self) -> Tensor:
        """The zeros that were added in the last forward pass.

        Raises:
            ModelError: If the layer was not called exactly once.
        """
        seen, self._zeros = self._zeros, []
        if len(seen) != 1:
            raise ModelError(
                f"The layer of {self.name} was called {len(seen)} times in one forward pass; the curvature of a layer "
                "is known where it is called once, as a module. Leave it out of the scope, or choose its strength by "
                "cross-validation."
            )
        return seen[0]

    def add(self, gradient: Tensor) -> None:
        """Add the gradients at the layer's output for one column of the root of the loss's Hessian."""
        rows = (gradient.movedim(1, -1) if isinstance(self._layer, nn.Conv2d) else gradient).flatten(0, -2).double()
        self.outputs += rows.T @ rows

    def eigenvalues(self) -> Tensor:
        """``(rows * columns,)`` eigenvalues of ``A ⊗ G / n``."""
        into, out = (torch.linalg.eigvalsh(factor).clamp(min=0.0) for factor in (self.inputs, self.outputs))
        return torch.outer(out, into).flatten() / self.count

    def _rows(self, entered: Tensor) -> Tensor:
        layer = self._layer
        if isinstance(layer, nn.Conv2d):
            padded = functional.pad(entered, layer._reversed_padding_repeated_twice)
            patches = functional.unfold(padded, layer.kernel_size, layer.dilation, 0, layer.stride)
            entered = patches.movedim(1, -1)
        return entered.flatten(0, -2).double()


def _layer(module: nn.Module, name: str) -> nn.Linear | nn.Conv2d:
    plain = type(module) is nn.Linear or (
        type(module) is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros"
    )
    if not plain:
        raise ModelError(
            f"{name} belongs to {type(module).__name__}; the curvature is known of nn.Linear and of nn.Conv2d without "
            "groups that pads with zeros. Leave it out of the scope, or choose its strength by cross-validation."
        )
    assert isinstance(module, nn.Linear | nn.Conv2d)  # noqa: S101 - one of the two it is
    return module
