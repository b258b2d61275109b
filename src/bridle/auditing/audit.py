"""Audit a training step: what is really in effect."""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from bridle.auditing.batch import bound
from bridle.auditing.catalogue import checks_seen_in
from bridle.auditing.ledger import joined, measure, named
from bridle.auditing.observed import Observed
from bridle.auditing.probe import Probe
from bridle.auditing.undo import Undo
from bridle.engine.unwrapped import plain_optimizer
from bridle.errors import AuditError
from bridle.records import Audit, Finding, Severity

ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def audit(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    step: Callable[..., Any],
    loader: Iterable[Any] | None = None,
    val_loader: Iterable[Any] | None = None,
    *,
    scaler: Any = None,
) -> Audit:
    """Measure what regularization really does in one training step, and look for mistakes.

    The step runs in place some fifteen times, some of them with a part switched off: the data's gradient, penalties,
    the optimizer's decay, proximal steps, clipping. Each time everything is put back: weights, buffers, gradients, the
    optimizer's state, scalers, schedules, random states, and the variables that the step uses. Compiled models run
    uncompiled.

    In several processes (``torchrun``, DistributedDataParallel, Fabric, Accelerate, or gradients exchanged by hand)
    call it in each of them, at the same place: its runs exchange gradients as the step does. Gradients, strengths and
    movements are of what the optimizer gets after the exchange, so each process finds the same; what is said of losses
    and of data is of the process's own.

    Args:
        model: The model. The step calls it (or its modules); a penalty is what reaches weights by another way.
        optimizer: Its optimizer. Where several train parts of the model in one step (a generator and a discriminator,
            in one ``nn.ModuleDict``), a list of them: each is measured by itself, and takes as long as one.
        step: One whole training step in your own code: zeroes gradients, computes the loss, calls backward and
            ``optimizer.step()``, with clipping, scaler, micro-batches or a closure as you have them. It takes no
            argument, or one, the batch: then it gets the first batch of ``loader``, the same each time. A step that
            draws its own batches should give the same one each time; by how much it does not is in the ledger.
        loader: Gives training batches, to the step and to the checks of the data.
        val_loader: Gives validation batches, to the checks of the data.
        scaler: The gradient scaler, where the step does not reach it by a name.

    Returns:
        The ledger of the step, the findings with the worst first, and what could not be put back.

    Raises:
        AuditError: If the step never calls ``optimizer.step()``, takes a batch and there is no loader, if two
            optimizers hold the same weight, or one none of the model's.
    """
    if not isinstance(model, nn.Module):
        raise AuditError(f"audit(model, ...) needs a torch.nn.Module; got {type(model).__name__}.")
    optimizers = [_plain(one) for one in (optimizer if isinstance(optimizer, list | tuple) else [optimizer])]
    held = _held_once(optimizers)
    _of_the_model(optimizers, model)
    everything = partial(step, *optimizers)  # never called: what hangs on it is put back
    with uncompiled(), Undo(model, optimizers[0], everything, scaler) as undo:
        weights: list[Tensor] = [weight for _, weight in named(model).values()]
        once = bound(step, loader)
        undo.restore()  # a shuffled loader draws; each run is to start from the same random state
        probes = (Probe(model, one, once, weights, undo.scalers) for one in optimizers)
        ledger = joined([measure(model, probe, undo, held, _processes()) for probe in probes])
        observed = Observed(model, optimizers[0], step, loader, val_loader, ledger)
        findings: list[Finding] = []
        for check in checks_seen_in("audit"):
            findings += check.look(observed)
            undo.restore()
    findings.sort(key=lambda finding: ORDER.index(finding.severity))
    return Audit(ledger, tuple(findings), undo.unrestored)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Within it compiled functions run as they were written, so that hooks on modules see all of them."""
    if "torch._dynamo" not in sys.modules:  # nothing was compiled
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using `torch.compile.module.` when there are global hooks on modules")
        yield


def _processes() -> int:
    together = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if together else 1


def _plain(optimizer: Any) -> Optimizer:
    """The optimizer itself, from within the wrapper of a framework."""
    while not isinstance(optimizer, Optimizer):
        inner = getattr(optimizer, "optimizer", None)
        if inner is None:
            raise AuditError(
                f"audit(...) needs an optimizer of torch, or a list of them; got {type(optimizer).__name__}."
            )
        optimizer = inner
    return plain_optimizer(optimizer)


def _held_once(optimizers: Sequence[Optimizer]) -> list[Tensor]:
    """The weights of all optimizers, each of which has its own."""
    if not optimizers:
        raise AuditError("audit(...) needs an optimizer of torch, or a list of them; got an empty list.")
    held = [weight for one in optimizers for group in one.param_groups for weight in group["params"]]
    if len(set(held)) < len(held):
        raise AuditError(
            f"{len(held) - len(set(held))} weights are held by two of the optimizers, so that their movement cannot be "
            "taken apart. Give each weight to one optimizer, or audit a step of each by itself."
        )
    return held


def _of_the_model(optimizers: Sequence[Optimizer], model: nn.Module) -> None:
    weights = set(model.parameters())
    for one in optimizers:
        if weights.isdisjoint(weight for group in one.param_groups for weight in group["params"]):
            raise AuditError(
                f"The {type(one).__name__} holds none of the model's weights. Give the model that it trains (several "
                "in one nn.ModuleDict), or make the optimizer anew from model.parameters() where the model was copied."
            )
