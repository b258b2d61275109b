"""The data loss of many members at once: classes first, so that the softmax is vectorised.

Legend of the axes: ``M`` members, ``B`` batch, ``C`` classes.
"""

import torch
from torch import Tensor
from torch.nn import functional

VECTOR = 64
"""Columns are padded to a multiple of this: a rest would be computed by other instructions, to other last bits."""


def cross_entropy(output_MBC: Tensor, target_MBC: Tensor) -> Tensor:
    """``-sum_c target_c log softmax(output)_c``, ``(M, B)``.

    A softmax over a short last dimension is seven times slower than one over the first.
    """
    members, batch, classes = output_MBC.shape
    columns = output_MBC.reshape(-1, classes).t()
    columns = functional.pad(columns, (0, -(members * batch) % VECTOR)).contiguous()
    logs = columns.log_softmax(0)[:, : members * batch]
    losses: Tensor = -(target_MBC.reshape(-1, classes).t() * logs).sum(0)
    return losses.view(members, batch)


def squared_error(output_MB1: Tensor, target_MB1: Tensor) -> Tensor:
    """``(output - target)^2``, ``(M, B)``, without a half."""
    return (output_MB1 - target_MB1).square().sum(2)


def probabilities(output_MBC: Tensor) -> Tensor:
    """The softmax in float64, ``(M, B, C)``."""
    members, batch, classes = output_MBC.shape
    columns = output_MBC.double().reshape(-1, classes).t()
    columns = functional.pad(columns, (0, -(members * batch) % VECTOR)).contiguous()
    found = torch.softmax(columns, 0)[:, : members * batch]
    return found.t().reshape(members, batch, classes)
