"""The course of a member's training: its rows and batches, its curves and its stop rules. No weights."""

import math
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridle.core import StopRule
from bridle.engine.augmented import Augmented
from bridle.engine.examples import Batches, example_weights
from bridle.engine.network import FLOOR, takes_codes
from bridle.engine.scored import kept_rows, some_places
from bridle.engine.setting import Setting
from bridle.population import Member
from bridle.records import Mark

CLEAN_ROWS = 5000
"""The clean training score, and batch-norm statistics of averaged weights, use at most this many training rows."""
ENOUGH = 256
"""Beside score rows, the clean score takes no more rows than those, or this many: more would not sharpen the gap."""

Rows: TypeAlias = NDArray[np.int64]


class Diverged(ArithmeticError):
    """The data loss, or what the network gives, became NaN or infinite."""

    def __init__(self, what: str, step: int, epoch: int, value: float) -> None:
        super().__init__(f"{what} became {value} at step {step} (epoch {epoch})")
        self.step, self.epoch = step, epoch


@final
class Course:
    """What one member trains on and what came of it so far, an epoch at a time.

    Args:
        member: The member.
        setting: What it shares with the others.
    """

    def __init__(self, member: Member, setting: Setting) -> None:
        self.member, self.setting, self.recipe = member, setting, member.recipe
        self.model = FLOOR if member.floor else setting.model
        self.examples = setting.prepared(member.fold, one_hot=not takes_codes(self.model))
        rows, training = member.fold.rows(Mark.TRAIN), member.recipe.training
        weights = example_weights(setting.dataset, rows, training)
        self.batches = Batches(self.examples, rows, weights, training, member.seed, member.fold.number)
        self.augmented = Augmented(self.batches, self.recipe, member.seed, member.fold.number)
        scored = member.fold.rows(Mark.SCORE)
        most = min(CLEAN_ROWS, max(ENOUGH, len(scored))) if len(scored) else CLEAN_ROWS
        self.statistics_rows = _some(rows, CLEAN_ROWS, member)
        self.rows: dict[str, Rows] = {
            "clean": _some(rows, most, member),
            "score": scored,
            "watch": member.fold.rows(Mark.WATCH),
        }
        self._kept_rows = kept_rows(self.rows["score"], member.fold.number)
        self.series: dict[str, list[float]] = {}
        self.scored: list[NDArray[np.float32]] = []
        self.stop_states = [rule.start() for rule in self.recipe.of(StopRule)]
        self.best_epoch: int | None = None
        self.epoch = 0
        self.steps = training.epochs * self.batches.per_epoch

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained, or a stop rule has ended the training."""
        rules = zip(self.recipe.of(StopRule), self.stop_states, strict=True)
        return self.epoch >= self.member.last or any(rule.should_stop(state) for rule, state in rules)

    @property
    def rests(self) -> bool:
        """Whether it is finished, or has come to where it is to pause."""
        return self.finished or (self.member.pauses and self.epoch >= self.member.until)

    def log(self, name: str, value: float) -> None:
        """Add one value to a series."""
        self.series.setdefault(name, []).append(float(value))

    def check_loss(self, loss: float, step: int) -> None:
        """Refuse a data loss that is no longer finite, at a step counted from 0.

        Raises:
            Diverged: If it is not.
        """
        if not math.isfinite(loss):
            raise Diverged("the data loss", step + 1, self.epoch + 1, loss)

    def score(self, name: str, predicted: NDArray[np.float64]) -> None:
        """Take the metric of the clean predictions for the rows of that name: probabilities ``(B, C)`` or numbers.

        Raises:
            Diverged: If a prediction is not finite.
        """
        dataset, rows = self.setting.dataset, self.rows[name]
        if not np.isfinite(predicted).all():
            step = (self.epoch + 1) * self.batches.per_epoch
            raise Diverged("a prediction", step, self.epoch + 1, float(predicted[~np.isfinite(predicted)][0]))
        weights = None if dataset.weights is None else dataset.weights[rows]
        self.log(name, self.setting.metric(dataset.targets[rows], predicted, weights))
        if name == "score":
            self.scored.append(predicted[self._kept_rows].astype(np.float32))

    def end_epoch(self) -> bool:
        """Count the epoch, and say whether its weights are to be kept because a stop rule finds it the best so far."""
        self.epoch += 1
        best = False
        for place, rule in enumerate(self.recipe.of(StopRule)):
            watched = torch.tensor(self._watched(), dtype=torch.float64)
            self.stop_states[place] = rule.update(self.stop_states[place], watched)
            if rule.is_best(self.stop_states[place]):
                self.best_epoch, best = self.epoch, True
        return best

    def _watched(self) -> float:
        value = self.series["watch"][-1]
        return -value if self.setting.metric.higher_is_better else value

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """The tensors of its state, by part."""
        scored = {str(epoch): torch.from_numpy(predicted) for epoch, predicted in enumerate(self.scored)}
        return {"scored": scored} | {f"stop{place}": state for place, state in enumerate(self.stop_states)}

    def plain(self) -> dict[str, Any]:
        """The rest of its state."""
        return {"epoch": self.epoch, "best_epoch": self.best_epoch, "series": self.series}

    def restore(self, parts: dict[str, dict[str, Tensor]], plain: dict[str, Any]) -> None:
        """Go on from what :meth:`tensors` and :meth:`plain` gave."""
        for place, state in enumerate(self.stop_states):
            for entry, value in state.items():
                value.copy_(parts[f"stop{place}"][entry])
        scored = parts.get("scored", {})
        self.scored = [scored[str(epoch)].numpy() for epoch in range(len(scored))]
        self.epoch, self.best_epoch, self.series = plain["epoch"], plain["best_epoch"], plain["series"]


def _some(rows: Rows, most: int, member: Member) -> Rows:
    return rows[some_places(len(rows), most, "clean rows", member.fold.number)]


def by_part(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors named ``"part/name"`` as one mapping for each part."""
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        part, name = key.split("/", 1)
        parts.setdefault(part, {})[name] = value
    return parts
