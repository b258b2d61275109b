"""Dropout whose noise batch normalisation then takes for variance."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import call_of, outputs
from bridle.auditing.observed import Observed
from bridle.auditing.undo import Undo
from bridle.auditing.witnessed import Forward
from bridle.core import Averaging, Place
from bridle.records import Finding, Severity

SHIFT = 1.1
"""Ratio of variances from which the statistics of training are wrong in evaluation."""
INSTEAD = "Put dropout after the last batch normalisation, before the output layer."
INSTEAD_IN_A_RUN = (
    "Give dropout the scope of places behind the last batch normalisation, or average the weights (ema): their "
    "statistics are taken with dropout off."
)


@final
class DropoutBeforeBatchNorm(Check):
    """The variance of what batch norms get is measured with dropout on and off, all else being in evaluation mode."""

    name: ClassVar[str] = "dropout_before_batch_norm"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the ratio of variances in the batch norm where it is largest."""
        modules = list(observed.model.modules())
        if not any(isinstance(module, _BatchNorm) for module in modules) or not any(map(_drops, modules)):
            return
        if observed.run is not None and observed.run.recipe.of(Averaging):
            return  # averaged weights get statistics of their own, taken with dropout off
        call = call_of(observed)
        if call is None:
            return
        ratios = _ratios(call)
        if not ratios or max(ratios.values()) < SHIFT:
            return
        worst = max(ratios, key=lambda name: ratios[name])
        message = (
            f"{worst} gets {ratios[worst]:.2f} times the variance with dropout on as with it off. Its running "
            "variance, learned with dropout on, is too large in evaluation, so what follows is scaled wrongly. "
            f"{INSTEAD if observed.run is None else INSTEAD_IN_A_RUN}"
        )
        # In a network of Bridle's own there is nothing to mend, and the search has judged dropout with its effect.
        told = observed.run is not None and not observed.run.own_model
        severity = Severity.INFO if told else Severity.WARNING
        yield Finding(self.name, severity, message, {"module": worst, "ratio": ratios[worst]})


def _ratios(call: Forward) -> dict[str, float]:
    """Variance with dropout over variance without it, for each batch norm."""
    model = call.model
    with Undo(model), torch.no_grad():
        model.eval()
        try:
            calm = _variances(model, call)
            for module in model.modules():
                module.training = _drops(module)
            noisy = _variances(model, call)
        except Exception:  # a model may need targets, or states that only its own loop has
            return {}
    return {name: noisy[name] / value for name, value in calm.items() if name in noisy and value > 0}


def _drops(module: nn.Module) -> bool:
    """Whether it is dropout, or a place where a recipe's noise may act."""
    return isinstance(module, _DropoutNd | Place)


def _variances(model: nn.Module, call: Forward) -> dict[str, float]:
    with _listened(model) as variances:
        outputs(model, call)
    return variances


@contextmanager
def _listened(model: nn.Module) -> Iterator[dict[str, float]]:
    """Mean over channels of the variance of each batch norm's input, filled while the model runs."""
    variances: dict[str, float] = {}
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):

            def heard(_: nn.Module, args: tuple[Tensor, ...], name: str = name) -> None:
                channels = args[0].detach().float().transpose(0, 1).flatten(1)
                variances[name] = channels.var(1, correction=0).mean().item()

            hooks.append(module.register_forward_pre_hook(heard))
    try:
        yield variances
    finally:
        for hook in hooks:
            hook.remove()
