"""Averaged weights with the batch-norm statistics of other weights."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.auditing.rows import again_possible, inputs_of
from bridle.auditing.undo import Undo
from bridle.core import Averaging
from bridle.records import Finding, Severity

BATCHES = 16
"""Batches from which the statistics are taken anew."""

OFF = 0.25
"""Distance from which statistics are stale: of means in standard deviations, of variances as a ratio less one."""

INSTEAD = (
    "Averaging does not average them. Write torch.optim.swa_utils.update_bn(train_loader, averaged_model) before "
    "evaluating or saving it."
)
INSTEAD_IN_A_RUN = (
    "Bridle takes them anew after averaging, and this layer's did not follow: does its forward pass depend on more "
    "than the inputs? Train without the average, or put another norm there."
)


@final
class StaleBatchNorm(Check):
    """The statistics of an averaged model are taken anew on training rows and compared with those it has."""

    name: ClassVar[str] = "stale_batch_norm"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the distance in the batch norm where it is largest."""
        model, loader = observed.model, observed.loader
        norms = {name: part for name, part in model.named_modules() if isinstance(part, _BatchNorm)}
        norms = {name: part for name, part in norms.items() if part.running_mean is not None}
        if observed.run is not None:  # those that the user keeps in evaluation mode have statistics of their own
            norms = {name: part for name, part in norms.items() if part.training}
        if not _averaged(observed) or not norms:
            return
        if loader is None or not again_possible(loader):
            return
        held = {name: _statistics(part) for name, part in norms.items()}
        with Undo(model), torch.no_grad():
            if not _taken_anew(model, list(norms.values()), loader):
                return
            distances = {name: _distance(held[name], _statistics(part)) for name, part in norms.items()}
        worst = max(distances, key=lambda name: distances[name])
        if distances[worst] < OFF:
            return
        message = (
            f"The averaged model has batch-norm statistics of other weights: in {worst} they are "
            f"{distances[worst]:.2f} standard deviations off those of the averaged weights on training rows. "
            f"{INSTEAD if observed.run is None else INSTEAD_IN_A_RUN}"
        )
        yield Finding(self.name, Severity.ERROR, message, {"module": worst, "distance": distances[worst]})


def _averaged(observed: Observed) -> bool:
    """Whether the weights are an average: of torch's averaged model, or of a recipe."""
    if observed.run is not None:
        return bool(observed.run.recipe.of(Averaging))
    return isinstance(observed.model, AveragedModel) and bool(observed.model.n_averaged)


def _statistics(norm: Any) -> tuple[Tensor, Tensor]:
    return norm.running_mean.clone(), norm.running_var.clone()


def _taken_anew(model: nn.Module, norms: list[_BatchNorm], loader: Any) -> bool:
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
    model.eval()
    for norm in norms:
        norm.train()
    try:
        for batch in islice(loader, BATCHES):
            inputs = inputs_of(batch)
            if inputs is None:
                return False
            model(inputs)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    return True


def _distance(held: tuple[Tensor, Tensor], anew: tuple[Tensor, Tensor]) -> float:
    """Root mean square over channels of how far the means and the variances are off."""
    (mean, variance), (new_mean, new_variance) = held, anew
    deviation = new_variance.clamp_min(1e-12)
    means = ((mean - new_mean).square() / deviation).mean().sqrt().item()
    variances = (variance / deviation).clamp_min(1e-12).log().square().mean().sqrt().item()
    return max(means, variances)
