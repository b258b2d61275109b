"""Audit a training step: what is really in effect."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from bridle.auditing.batch import bound
from bridle.auditing.catalogue import checks_seen_in
from bridle.auditing.ledger import measure, named
from bridle.auditing.observed import Observed
from bridle.auditing.probe import Probe
from bridle.auditing.undo import Undo
from bridle.errors import AuditError
from bridle.records import Audit, Finding, Severity

ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def audit(
    model: nn.Module,
    optimizer: Optimizer,
    step: Callable[..., Any],
    loader: Iterable[Any] | None = None,
    val_loader: Iterable[Any] | None = None,
    *,
    scaler: Any = None,
) -> Audit:
    """Measure what regularization really does in one training step, and look for mistakes.

    The step runs in place some fifteen times, some of them with a part switched off: the data's gradient, penalties,
    the optimizer's decay, proximal steps, clipping. Each time everything is put back: weights, buffers, gradients, the
    optimizer's state, scalers, schedules, random states, and the variables that the step uses.

    Args:
        model: The model. The step calls it (or its modules); a penalty is what reaches weights by another way.
        optimizer: Its optimizer.
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
        AuditError: If the step never calls ``optimizer.step()``, or takes a batch and there is no loader.
    """
    optimizer = _plain(optimizer)
    with Undo(model, optimizer, step, scaler) as undo:
        weights: list[Tensor] = [weight for _, weight in named(model).values()]
        ledger = measure(model, Probe(model, optimizer, bound(step, loader), weights, undo.scalers), undo)
        observed = Observed(model, optimizer, step, loader, val_loader, ledger)
        findings: list[Finding] = []
        for check in checks_seen_in("audit"):
            findings += check.look(observed)
            undo.restore()
    findings.sort(key=lambda finding: ORDER.index(finding.severity))
    return Audit(ledger, tuple(findings), undo.unrestored)


def _plain(optimizer: Any) -> Optimizer:
    """The optimizer itself, from within the wrapper of a framework."""
    while not isinstance(optimizer, Optimizer):
        inner = getattr(optimizer, "optimizer", None)
        if inner is None:
            raise AuditError(f"audit(...) needs an optimizer of torch; got {type(optimizer).__name__}.")
        optimizer = inner
    return optimizer
