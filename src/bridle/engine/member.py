"""The training of one member by itself: its state between two epochs."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import torch
from torch import Tensor, nn

from bridle.core import Augmentation, Averaging, LossTerm, Recipe, TargetRule
from bridle.core.draws import seeded
from bridle.engine.checkpoint import load_optimizer, optimizer_tensors, read
from bridle.engine.clean_loss import CleanLoss
from bridle.engine.course import Course, by_part
from bridle.engine.evaluate import outputs, predictions, refresh_batch_norm, with_weights
from bridle.engine.losses import Loss, default_loss, user_loss
from bridle.engine.network import build_network
from bridle.engine.noise import PlacedNoise
from bridle.engine.optimizers import build, learning_rate, set_learning_rate
from bridle.engine.overlaps import overlaps
from bridle.engine.penalties import Penalties
from bridle.engine.setting import Setting
from bridle.engine.settle import settle
from bridle.engine.step import Step
from bridle.engine.terms import Terms
from bridle.engine.updates import Updates
from bridle.population import Member


@final
class MemberTraining:
    """One member in training, an epoch at a time.

    Args:
        member: The member.
        setting: What it shares with the others.
    """

    def __init__(self, member: Member, setting: Setting) -> None:
        self.member, self.setting, self.recipe = member, setting, member.recipe
        training = member.recipe.training
        self.course = Course(member, setting)
        self.examples, self.batches, self.augmented = self.course.examples, self.course.batches, self.course.augmented
        self.model = starting_network(self.course)
        optimizer = build(self.model.parameters(), training)
        live = dict(self.model.named_parameters())
        self.step = Step(
            model=self.model,
            recipe=self.recipe,
            optimizer=optimizer,
            loss=loss_of(member.recipe, setting),
            penalties=Penalties(self.model, optimizer, self.recipe),
            noise=PlacedNoise(self.model, self.recipe),
            terms=Terms(self.model, self.recipe),
            updates=Updates(self.model, optimizer, self.recipe),
            averages=[averaging.start(live) for averaging in self.recipe.of(Averaging)],
            autocast=self._autocast,
        )
        if training.closing:
            self.step.updates.refuse_settling()
        self.clean_loss = CleanLoss(self.model, self.recipe, self.step.loss, self.batches)
        self.best: dict[str, Tensor] = {}
        self.findings = list(overlaps(self.step.penalties, self.step.updates, optimizer)) if member.keep else []

    def _autocast(self) -> AbstractContextManager[object]:
        if self.recipe.training.precision == "float32":
            return nullcontext()
        return torch.autocast(self.setting.device.type, dtype=torch.bfloat16)

    def train_epoch(self) -> None:
        """Train one epoch and take its clean scores.

        Raises:
            Diverged: If the data loss or the predictions are no longer finite.
        """
        # Randomness of the user's own modules (functional dropout, ...) is global; it is keyed by the epoch, too.
        with seeded(self.member.seed, self.member.fold.number, self.course.epoch, "global"):
            self._steps()
            self._score()
        if self.course.end_epoch():
            self.best = self._kept

    def _steps(self) -> None:
        self.model.train()
        total, terms, examples = 0.0, 0.0, 0
        for batch, draws, progress in self.augmented.epoch(self.course.epoch):
            rate = learning_rate(self.recipe.training, draws.step, self.course.steps)
            set_learning_rate(self.step.optimizer, rate)
            loss = float(self.step(batch, draws, progress))
            self.course.check_loss(loss, draws.step)
            rows = len(batch.examples)
            total, terms, examples = total + loss * rows, terms + float(self.step.term) * rows, examples + rows
        self.course.log("data_loss", total / examples)
        self.course.log("learning_rate", self.step.optimizer.param_groups[0]["lr"])
        if self.step.penalties.scopes:
            self.course.log("penalty", self.step.penalties.value())
        if self.recipe.of(LossTerm):
            self.course.log("terms", terms / examples)

    def _score(self) -> None:
        rows = self.course.rows
        with with_weights(self.model, self._averaged()):
            if self.recipe.of(Averaging):
                refresh_batch_norm(self.model, self.examples, self.course.statistics_rows, self._autocast)
            for name, own in rows.items():
                if len(own):
                    output = outputs(self.model, self.examples, own, self._autocast)
                    self.course.score(name, predictions(self.setting.dataset.layout.task, self.examples, output))
            self._kept = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _averaged(self) -> dict[str, Tensor] | None:
        averagings = self.recipe.of(Averaging)
        if not averagings:
            return None
        live = dict(self.model.named_parameters())
        return self.step.penalties.keep_zeros(averagings[-1].average(self.step.averages[-1]), live)

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

    def finish(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights and buffers with which a training elsewhere ended, to close and keep them."""
        self.best = dict(weights)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the rest of the training depends on, as tensors and plain values."""
        parts: dict[str, dict[str, Tensor]] = {
            "model": self.model.state_dict(),
            "optimizer": optimizer_tensors(self.step.optimizer),
            "best": self.best,
            "start": self.step.penalties.state(),
        }
        parts |= {f"average{place}": state for place, state in enumerate(self.step.averages)} | self.course.tensors()
        tensors = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
        return tensors, self.course.plain()

    def restore(self, tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        parts = by_part(tensors)
        self.model.load_state_dict(parts["model"])
        load_optimizer(self.step.optimizer, parts["optimizer"])
        self.step.penalties.load(parts.get("start", {}))
        for place, state in enumerate(self.step.averages):
            for entry, value in state.items():
                # In place, to keep device and memory format: bits depend on both.
                value.copy_(parts[f"average{place}"][entry])
        self.best = parts.get("best", {})
        self.course.restore(parts, plain)


def starting_network(course: Course) -> nn.Module:
    """The member's network as it is before the first step: from its seed, or from the kept member it starts from."""
    member, setting = course.member, course.setting
    custom = setting.loss is not None
    network = build_network(
        course.model,
        setting.dataset.layout,
        course.examples.preprocessing,
        member.seed,
        custom_loss=custom,
        device=setting.device,
    )
    if setting.dtype is not None:
        network = network.to(setting.dtype)
    if member.warm:
        assert setting.folder is not None  # noqa: S101 - kept weights are files
        weights, _ = read(setting.folder / f"{member.warm}.safetensors")
        network.load_state_dict(weights)
    return network


def loss_of(recipe: Recipe, setting: Setting) -> Loss:
    """The user's loss, told whether targets are single classes, or the default of the task."""
    task = setting.dataset.layout.task
    if setting.loss is None:
        return default_loss(task)
    return user_loss(setting.loss, task, hard=not softens(recipe))


def softens(recipe: Recipe) -> bool:
    """Whether a target row may have several classes: something mixes examples or changes targets."""
    return bool(recipe.of(TargetRule)) or any(not item.keeps_labels for item in recipe.of(Augmentation))


def fresh_weights(member: Member, setting: Setting) -> nn.Module:
    """The member's network as it was before the first step."""
    return MemberTraining(member, setting).model
