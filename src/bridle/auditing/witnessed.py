"""What was seen while a training ran: calls of models, losses and dropout, as plain records."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Forward:
    """One call of a model from outside.

    Args:
        model: The module that was called.
        args: Its positional arguments.
        kwargs: Its named arguments.
    """

    model: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, eq=False)
class LossCall:
    """One call of a loss of torch.

    Args:
        function: Its name, such as ``"cross_entropy"``.
        scores: What it was given, without its graph.
        target: The target, where it is a tensor.
        made_by: The operation that made the scores, such as ``"SoftmaxBackward0"``; empty where there is no graph.
        label_smoothing: The smoothing in this call.
        evaluation: Whether it was called outside training.
    """

    function: str
    scores: Tensor
    target: Tensor | None
    made_by: str
    label_smoothing: float
    evaluation: bool


@dataclass(frozen=True)
class DropoutCall:
    """Dropout that acted.

    Args:
        function: ``"dropout"``, ``"scaled_dot_product_attention"`` ...
        rate: The share of values dropped.
        owner: Class of the innermost module that was running, empty outside all.
        module: Whether that module is one of torch's dropout modules, which follow ``eval()``.
    """

    function: str
    rate: float
    owner: str
    module: bool


@dataclass(frozen=True)
class TrainingCall:
    """A model called without gradients while in training mode: an evaluation that forgot ``eval()``.

    Args:
        model: Class of the model.
        dropouts: How many of its dropout modules were active.
        norms: How many of its batch norms updated their statistics.
    """

    model: str
    dropouts: int
    norms: int


@dataclass(frozen=True)
class Sum:
    """A function of the weights, added to a loss.

    Args:
        evaluation: Whether that happened outside training.
        gradient: Whether the function of the weights carries a gradient to them.
        value: Its value.
        loss: What it was added to.
    """

    evaluation: bool
    gradient: bool
    value: float
    loss: float


@dataclass
class Witnessed:
    """All that was seen; the newest last.

    Args:
        forwards: The first training call of each model.
        losses: Losses called.
        dropouts: Dropout that acted while the outermost module was in evaluation mode.
        training_calls: Evaluations in training mode.
        sums: Functions of the weights added to losses.
        accuracies: Share of right answers wherever the largest score was compared with a target during training.
        without_gradient: Per optimizer class, names of parameters that have no gradient after its first step.
        validations: For each pass over validation rows, the digests of the rows that the model was given.
    """

    forwards: list[Forward] = field(default_factory=list)
    losses: list[LossCall] = field(default_factory=list)
    dropouts: set[DropoutCall] = field(default_factory=set)
    training_calls: list[TrainingCall] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    without_gradient: list[str] = field(default_factory=list)
    validations: list[list[bytes]] = field(default_factory=list)

    def forward_of(self, model: nn.Module) -> Forward | None:
        """The first training call of ``model``, or of the wrapper of it that was called, or None."""
        for forward in self.forwards:
            if forward.model is model or any(module is model for module in forward.model.modules()):
                return forward
        return None
