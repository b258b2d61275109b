"""The user's step watched once, and the model called twice in evaluation mode: what several checks ask for."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bridle.auditing.never_added import NeverAdded
from bridle.auditing.observed import Observed
from bridle.auditing.rows import again_possible, inputs_of
from bridle.auditing.undo import Undo
from bridle.auditing.watch import Watch, tensors
from bridle.auditing.witnessed import DropoutCall, Forward, Witnessed


def witnessed(observed: Observed) -> Witnessed:
    """What one step of the training calls; the step is run at most once, and undone."""
    if observed.witnessed is None:
        observed.witnessed = Witnessed()
        if observed.step is not None:
            never_added = NeverAdded(lambda: [observed.model])
            with Undo(observed.model, observed.optimizer), never_added.noticed(), Watch(observed.witnessed):
                observed.step(*_batch(observed.step, observed.loader))
                observed.witnessed.unfelt.extend(never_added.found())
    return observed.witnessed


def _batch(step: Callable[..., object], loader: Iterable[Any] | None) -> tuple[Any, ...]:
    """What the step asks for: one batch, or nothing."""
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    asked = [place for place in inspect.signature(step).parameters.values() if place.kind in places]
    required = [place for place in asked if place.default is place.empty]
    return (next(iter(loader)),) if required and loader is not None else ()


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Two calls of a model in evaluation mode on the same inputs.

    Args:
        difference: Largest difference between the two outputs.
        scale: Largest magnitude of the first output.
        dropouts: Dropout that acted.
        moved: Names of the buffers that changed.
    """

    difference: float
    scale: float
    dropouts: frozenset[DropoutCall]
    moved: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the outputs differ by more than an accelerator's rounding."""
        return self.difference > 1e-5 * max(self.scale, 1e-30)


def evaluated(observed: Observed) -> Evaluated | None:
    """The model, twice, in evaluation mode; None where no inputs for it are known or it refuses them."""
    call = call_of(observed)
    if call is None:
        return None
    model, record = call.model, Witnessed()
    with Undo(model), torch.no_grad():
        model.eval()
        before = {name: buffer.clone() for name, buffer in model.named_buffers()}
        try:
            with Watch(record):
                first = outputs(model, call)
                second = outputs(model, call)
        except Exception:  # a model may need targets, or states that only its own loop has
            return None
        moved = tuple(name for name, buffer in model.named_buffers() if not torch.equal(buffer, before[name]))
    pairs = [(one, two) for one, two in zip(first, second, strict=False) if one.is_floating_point() and one.numel()]
    difference = max((float((one - two).abs().max()) for one, two in pairs if one.shape == two.shape), default=0.0)
    scale = max((float(one.abs().max()) for one, _ in pairs), default=0.0)
    return Evaluated(difference, scale, frozenset(record.dropouts), moved)


def call_of(observed: Observed) -> Forward | None:
    """How the model is called: as its step called it, else with the inputs of the loader's first batch."""
    known = witnessed(observed).forward_of(observed.model)
    if known is not None or (observed.step is None and observed.loader is None):
        return known
    loader = observed.loader
    inputs = inputs_of(next(iter(loader), None)) if loader is not None and again_possible(loader) else None
    return None if inputs is None else Forward(observed.model, (inputs,), {})


def outputs(model: nn.Module, call: Forward) -> list[Tensor]:
    """The tensors that ``model`` puts out when called as in ``call``."""
    return [tensor.detach().clone() for tensor in tensors(model(*call.args, **call.kwargs))]
