"""What was seen while a training ran: calls of models, losses and dropout, as plain records."""

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


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


@dataclass(frozen=True)
class Unfelt:
    """Functions of the weights that were computed and kept, and that no backward pass went through.

    Args:
        names: What keeps them: variables, or attributes of modules, such as ``"model.hidden.penalties"``.
        listed: Whether these are lists or mappings of them.
        count: How many they are.
        value: Their sum.
        weights: The parameters that they are computed from.
        of_data: Whether they are computed from what else went backward, such as activations.
    """

    names: tuple[str, ...]
    listed: bool
    count: int
    value: float
    weights: tuple[str, ...]
    of_data: bool


@dataclass(eq=False)
class Evaluation:
    """One pass of a model over rows that it is not trained on.

    Args:
        model: The model that was called.
        weights: A digest of its parameters.
        phase: How often training had begun before.
        source: Where its rows come from: a turn of a loader, or a tensor.
        names: What the script's variables call that loader or tensor.
        training_rows: Whether the rows are those of the training loader.
        kept: Whether these weights were copied or saved before training went on.
        named: Other models that were evaluated before and that the script's variables still name, each as the name and
            the model's ``id``.
        rows: How many rows there are.
        total: The sum of their digests, the same in any order.
        losses: Mean losses, each with its number of rows.
        right: Shares of right answers, each with its number of rows.
    """

    model: nn.Module
    weights: bytes
    phase: int
    source: Any
    names: frozenset[str]
    training_rows: bool
    kept: bool
    named: frozenset[tuple[str, int]] = frozenset()
    rows: int = 0
    total: int = 0
    losses: list[tuple[float, int]] = field(default_factory=list)
    right: list[tuple[float, int]] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int]:
        """The same for the same rows."""
        return self.rows, self.total

    @property
    def costs(self) -> dict[str, float]:
        """What was measured, lower being better: ``"loss"`` and ``"error"`` (the share of wrong answers)."""
        found = {"loss": _mean(self.losses), "error": 1.0 - _mean(self.right)}
        return {name: value for name, value in found.items() if math.isfinite(value)}


def _mean(values: list[tuple[float, int]]) -> float:
    rows = sum(count for _, count in values)
    return sum(value * count for value, count in values) / rows if rows else math.nan


@dataclass(frozen=True)
class Stopper:
    """A framework's own early stopping that has ended a training.

    Args:
        name: What it is: ``"Lightning's EarlyStopping"``.
        monitor: What it monitors.
        best: The best value of that.
        last: The last value.
        since: How often it was looked at after the best value.
        phase: How often training had begun before the best value.
        saved: Whether the framework saved the best weights to a file.
        advice: What to write instead, as a sentence.
    """

    name: str
    monitor: str
    best: float
    last: float
    since: int
    phase: int
    saved: bool
    advice: str


@dataclass(frozen=True, eq=False)
class EarlyStop:
    """A loop over epochs that the script, or a framework, left early.

    Args:
        model: The model that it trained.
        evaluations: Those of this model since the loop began.
        phase: How often training had begun before.
        by: The framework's callback that stopped it; None in a loop of the script's own.
    """

    model: nn.Module
    evaluations: tuple[Evaluation, ...]
    phase: int
    by: Stopper | None = None


@dataclass(frozen=True, eq=False)
class Load:
    """A call of ``load_state_dict`` after evaluations.

    Args:
        model: The model that was loaded.
        weights: A digest of its parameters afterwards.
        after: How many evaluations there were before.
        itself: Whether what was loaded were the model's own live tensors.
    """

    model: nn.Module
    weights: bytes
    after: int
    itself: bool


@dataclass(frozen=True, eq=False)
class Fit:
    """A transformer of scikit-learn that was fitted.

    Args:
        transformer: The transformer.
        rows: What it was fitted on, as it was given.
        targets: The targets, None where it was given none.
        in_pipeline: Whether a pipeline fitted it before a last step that predicts.
    """

    transformer: Any
    rows: Any
    targets: Any
    in_pipeline: bool = False


@dataclass
class Witnessed:
    """All that was seen; the newest last.

    Args:
        forwards: The first training call of each model.
        losses: Losses called.
        dropouts: Dropout that acted while the outermost module was in evaluation mode.
        training_calls: Evaluations in training mode.
        sums: Functions of the weights added to losses.
        unfelt: Functions of the weights that were kept and never went backward.
        accuracies: Share of right answers wherever the largest score was compared with a target during training.
        without_gradient: Per optimizer class, names of parameters that have no gradient after its first step.
        validations: For each pass over validation rows, the digests of the rows that the model was given.
        trained_rows: The digests of the first rows that models were trained on.
        evaluations: Passes over rows without training, in a script.
        early_stops: Loops over epochs that the script, or a framework, left early.
        copied_after: How many of these there were when weights were last copied or saved.
        loads: Weights that were loaded after evaluations.
        averaged: Averaged models of torch that were evaluated.
        fits: Transformers of scikit-learn that were fitted.
        named_at_end: Models that were evaluated and that the script's variables named at its end, as in ``Evaluation``.
        ended: Whether the script ran to its own end.
    """

    forwards: list[Forward] = field(default_factory=list)
    losses: list[LossCall] = field(default_factory=list)
    dropouts: set[DropoutCall] = field(default_factory=set)
    training_calls: list[TrainingCall] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    unfelt: list[Unfelt] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    without_gradient: list[str] = field(default_factory=list)
    validations: list[list[bytes]] = field(default_factory=list)
    trained_rows: list[bytes] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    early_stops: list[EarlyStop] = field(default_factory=list)
    copied_after: int = 0
    loads: list[Load] = field(default_factory=list)
    averaged: list[AveragedModel] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    named_at_end: frozenset[tuple[str, int]] = frozenset()
    ended: bool = False

    def forward_of(self, model: nn.Module) -> Forward | None:
        """The first training call of ``model``, or of the wrapper of it that was called, or None."""
        for forward in self.forwards:
            if forward.model is model or any(module is model for module in forward.model.modules()):
                return forward
        return None
