"""The training of one member: its state between two epochs."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from bridle.core import Augmentation, Averaging, LossTerm, StopRule, TargetRule
from bridle.core.draws import generator, seeded
from bridle.engine.augmented import Augmented
from bridle.engine.checkpoint import load_optimizer, optimizer_tensors, read
from bridle.engine.clean_loss import CleanLoss
from bridle.engine.evaluate import outputs, predictions, refresh_batch_norm, with_weights
from bridle.engine.examples import Batches, example_weights
from bridle.engine.losses import default_loss, user_loss
from bridle.engine.network import FLOOR, build_network, takes_codes
from bridle.engine.noise import PlacedNoise
from bridle.engine.optimizers import build, learning_rate, set_learning_rate
from bridle.engine.overlaps import overlaps
from bridle.engine.penalties import Penalties
from bridle.engine.scored import kept_rows
from bridle.engine.setting import Setting
from bridle.engine.settle import settle
from bridle.engine.step import Step
from bridle.engine.terms import Terms
from bridle.engine.updates import Updates
from bridle.population import Member
from bridle.records import Mark

CLEAN_ROWS = 5000
"""The clean training score (and batch-norm statistics of averaged weights) use at most this many training rows."""


class Diverged(ArithmeticError):
    """The data loss, or what the network gives, became NaN or infinite."""

    def __init__(self, what: str, step: int, epoch: int, value: float) -> None:
        super().__init__(f"{what} became {value} at step {step} (epoch {epoch})")
        self.step, self.epoch = step, epoch


@final
class MemberTraining:
    """One member in training, an epoch at a time.

    Args:
        member: The member.
        setting: What it shares with the others.
    """

    def __init__(self, member: Member, setting: Setting) -> None:
        self.member, self.setting, self.recipe = member, setting, member.recipe
        layout, training = setting.dataset.layout, member.recipe.training
        model = FLOOR if member.floor else setting.model
        self.examples = setting.prepared(member.fold, one_hot=not takes_codes(model))
        rows = member.fold.rows(Mark.TRAIN)
        weights = example_weights(setting.dataset, rows, training)
        self.batches = Batches(self.examples, rows, weights, training, member.seed, member.fold.number)
        self.augmented = Augmented(self.batches, self.recipe, member.seed, member.fold.number)
        self.rows = {
            "clean": _some(rows, CLEAN_ROWS, member.fold.number),
            "score": member.fold.rows(Mark.SCORE),
            "watch": member.fold.rows(Mark.WATCH),
        }
        self.model = build_network(
            model,
            layout,
            self.examples.preprocessing,
            member.seed,
            custom_loss=setting.loss is not None,
            device=setting.device,
        )
        self._warm(member.warm)
        optimizer = build(self.model.parameters(), training)
        loss = setting.loss if setting.loss is None else user_loss(setting.loss, layout.task, hard=not self._softens())
        live = dict(self.model.named_parameters())
        self.step = Step(
            model=self.model,
            recipe=self.recipe,
            optimizer=optimizer,
            loss=loss or default_loss(layout.task),
            penalties=Penalties(self.model, optimizer, self.recipe),
            noise=PlacedNoise(self.model, self.recipe),
            terms=Terms(self.model, self.recipe),
            updates=Updates(self.model, optimizer, self.recipe),
            averages=[averaging.start(live) for averaging in self.recipe.of(Averaging)],
            autocast=self._autocast,
        )
        self.stop_states = [rule.start() for rule in self.recipe.of(StopRule)]
        if training.closing:
            self.step.updates.refuse_settling()
        self.clean_loss = CleanLoss(self.model, self.recipe, self.step.loss, self.batches)
        self.best: dict[str, Tensor] = {}
        self.best_epoch: int | None = None
        self.series: dict[str, list[float]] = {}
        self.scored: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        self._kept_rows = kept_rows(self.rows["score"], member.fold.number)
        self.findings = list(overlaps(self.step.penalties, self.step.updates, optimizer)) if member.keep else []
        self.epoch = 0
        self.steps = training.epochs * self.batches.per_epoch

    def _warm(self, name: str) -> None:
        """Start from the weights of the kept member of that name, where one is named."""
        if name:
            assert self.setting.folder is not None  # noqa: S101 - kept weights are files
            weights, _ = read(self.setting.folder / f"{name}.safetensors")
            self.model.load_state_dict(weights)

    def _softens(self) -> bool:
        mixing = [item for item in self.recipe.of(Augmentation) if not item.keeps_labels]
        return bool(mixing or self.recipe.of(TargetRule))

    def _autocast(self) -> AbstractContextManager[object]:
        if self.recipe.training.precision == "float32":
            return nullcontext()
        return torch.autocast(self.setting.device.type, dtype=torch.bfloat16)

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained, or a stop rule has ended the training."""
        rules = zip(self.recipe.of(StopRule), self.stop_states, strict=True)
        return self.epoch >= self.member.last or any(rule.should_stop(state) for rule, state in rules)

    @property
    def rests(self) -> bool:
        """Whether it is finished, or has come to where it is to pause."""
        return self.finished or (self.member.pauses and self.epoch >= self.member.until)

    def train_epoch(self) -> None:
        """Train one epoch and take its clean scores.

        Raises:
            Diverged: If the data loss or the predictions are no longer finite.
        """
        # Randomness of the user's own modules (functional dropout, ...) is global; it is keyed by the epoch, too.
        with seeded(self.member.seed, self.member.fold.number, self.epoch, "global"):
            self._steps()
            self._score()
        self.epoch += 1
        for place, rule in enumerate(self.recipe.of(StopRule)):
            watched = torch.tensor(self._watched(), dtype=torch.float64)
            self.stop_states[place] = rule.update(self.stop_states[place], watched)
            if rule.is_best(self.stop_states[place]):
                self.best, self.best_epoch = self._kept, self.epoch

    def _steps(self) -> None:
        self.model.train()
        total, terms, examples = 0.0, 0.0, 0
        for batch, draws, progress in self.augmented.epoch(self.epoch):
            set_learning_rate(self.step.optimizer, learning_rate(self.recipe.training, draws.step, self.steps))
            loss = float(self.step(batch, draws, progress))
            if not math.isfinite(loss):
                raise Diverged("the data loss", draws.step + 1, self.epoch + 1, loss)
            rows = len(batch.examples)
            total, terms, examples = total + loss * rows, terms + float(self.step.term) * rows, examples + rows
        self._log("data_loss", total / examples)
        self._log("learning_rate", self.step.optimizer.param_groups[0]["lr"])
        if self.step.penalties.scopes:
            self._log("penalty", self.step.penalties.value())
        if self.recipe.of(LossTerm):
            self._log("terms", terms / examples)

    def _score(self) -> None:
        with with_weights(self.model, self._averaged()):
            if self.recipe.of(Averaging):
                refresh_batch_norm(self.model, self.examples, self.rows["clean"], self._autocast)
            for name, rows in self.rows.items():
                if len(rows):
                    predicted = self._predicted(rows)
                    self._log(name, self._metric(rows, predicted))
                    if name == "score":
                        self.scored.append(predicted[self._kept_rows].astype(np.float32))
            self._kept = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _predicted(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        dataset = self.setting.dataset
        output = outputs(self.model, self.examples, rows, self._autocast)
        predicted = predictions(dataset.layout.task, self.examples, output)
        if not np.isfinite(predicted).all():
            step = (self.epoch + 1) * self.batches.per_epoch
            raise Diverged("a prediction", step, self.epoch + 1, float(predicted[~np.isfinite(predicted)][0]))
        return predicted

    def _metric(
        self, rows: np.ndarray[Any, np.dtype[np.int64]], predicted: np.ndarray[Any, np.dtype[np.float64]]
    ) -> float:
        dataset = self.setting.dataset
        weights = None if dataset.weights is None else dataset.weights[rows]
        return float(self.setting.metric(dataset.targets[rows], predicted, weights))

    def _averaged(self) -> dict[str, Tensor] | None:
        averagings = self.recipe.of(Averaging)
        if not averagings:
            return None
        live = dict(self.model.named_parameters())
        return self.step.penalties.keep_zeros(averagings[-1].average(self.step.averages[-1]), live)

    def _watched(self) -> float:
        value = self.series["watch"][-1]
        return -value if self.setting.metric.higher_is_better else value

    def _log(self, name: str, value: float) -> None:
        self.series.setdefault(name, []).append(float(value))

    def weights(self) -> dict[str, Tensor]:
        """What to keep: weights and buffers of the best watched epoch, or else the (averaged) last ones."""
        return self.best or self._kept

    def close(self) -> float | None:
        """Settle the kept weights with full gradients where the recipe asks for it; give their KKT residual.

        ``None`` where no penalty is declared: then the residual would say no more than the gradient's size.
        """
        penalties = self.step.penalties
        if not penalties.parts:
            return None
        self.model.load_state_dict(self.weights())
        penalties.schedule(1.0)
        live = dict(self.model.named_parameters())
        trained = [weight for weight in live.values() if weight.requires_grad]
        if self.recipe.training.closing:
            settle(penalties, trained, self.clean_loss, self.recipe.training.closing)
            self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.clean_loss(True)
        return penalties.residual(trained)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the rest of the training depends on, as tensors and plain values."""
        parts: dict[str, dict[str, Tensor]] = {
            "model": self.model.state_dict(),
            "optimizer": optimizer_tensors(self.step.optimizer),
            "best": self.best,
            "start": self.step.penalties.state(),
            "scored": {str(epoch): torch.from_numpy(predicted) for epoch, predicted in enumerate(self.scored)},
        }
        parts |= {f"average{place}": state for place, state in enumerate(self.step.averages)}
        parts |= {f"stop{place}": state for place, state in enumerate(self.stop_states)}
        tensors = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
        return tensors, {"epoch": self.epoch, "best_epoch": self.best_epoch, "series": self.series}

    def restore(self, tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""

        def part(name: str) -> dict[str, Tensor]:
            return {key.split("/", 1)[1]: value for key, value in tensors.items() if key.startswith(f"{name}/")}

        self.model.load_state_dict(part("model"))
        load_optimizer(self.step.optimizer, part("optimizer"))
        self.step.penalties.load(part("start"))
        states = {f"average{place}": state for place, state in enumerate(self.step.averages)}
        states |= {f"stop{place}": state for place, state in enumerate(self.stop_states)}
        for name, state in states.items():
            stored = part(name)
            for entry, value in state.items():
                value.copy_(stored[entry])  # in place, to keep device and memory format: bits depend on both
        self.best = part("best")
        scored = part("scored")
        self.scored = [scored[str(epoch)].numpy() for epoch in range(len(scored))]
        self.epoch, self.best_epoch, self.series = plain["epoch"], plain["best_epoch"], plain["series"]


def _some(rows: np.ndarray[Any, np.dtype[np.int64]], most: int, fold: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    if len(rows) <= most:
        return rows
    order = torch.randperm(len(rows), generator=generator("clean rows", fold))[:most]
    return np.sort(rows[order.numpy()])


def fresh_weights(member: Member, setting: Setting) -> nn.Module:
    """The member's network as it was before the first step."""
    return MemberTraining(member, setting).model
