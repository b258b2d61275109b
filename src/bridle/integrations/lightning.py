"""A recipe in Lightning's Trainer: one callback, which acts through the step's own closure."""

import functools
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from bridle.core import Averaging, Recipe, StopRule, UpdateRule
from bridle.engine.companion import Companion
from bridle.errors import DataError, ModelError, RecipeError
from bridle.integrations import needs

with needs("bridle.lightning", "bridle[lightning]"):
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.strategies import DDPStrategy, DeepSpeedStrategy, SingleDeviceStrategy


@final
class Regularize(Callback):
    """Everything that a recipe declares, at work in ``Trainer(callbacks=[Regularize(recipe)])``.

    Penalties and update rules act within ``optimizer.step``, after Lightning's clipping; ``training_step`` is given the
    augmented batch with its targets changed, and loss terms are added to the loss that it returns. Validation sees
    averaged weights, the stop rules see the monitored value as your ``validation_step`` logs it, and at the end of
    ``fit`` the module holds the weights that are kept. Patience counts validations.

    Logged at the end of every epoch, and kept in ``series``: ``bridle/data_loss`` (the loss that ``training_step``
    returned), ``bridle/terms`` and ``bridle/penalty``, those of them that the recipe has.

    A checkpoint holds the live weights, and in this callback's state the averages and the best weights so far:
    ``trainer.fit(..., ckpt_path=...)`` goes on exactly.

    Args:
        recipe: The recipe, nothing free in it. Its training settings are not used.
        monitor: The name of the metric that stop rules watch; needed with a stop rule only.
        mode: ``"min"`` where a lower value of it is better, ``"max"`` where a higher one is.
        seed: Of all draws.
        classes: How many classes there are; needed where class numbers are smoothed or mixed.
        module: The name of the submodule that the recipe is about; by default the LightningModule itself. Loss terms
            look at the forward pass of this module.
        statistics: Clean training batches on which batch-norm statistics of averaged weights are recomputed; needed
            where the recipe has averaging and the model normalises batches.
        continuous: For tables, how many leading columns are standardised numbers; by default all.
        steps: How many optimizer steps the training takes, for dials that follow a schedule; by default as the
            trainer's own limits say.

    Raises:
        RecipeError: If a stop rule has no ``monitor``; at the start of the training as :class:`Companion` does, and for
            manual optimization, several optimizers, and strategies that shard weights.

    Attributes:
        series: The separate series so far, one value per epoch.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        monitor: str | None = None,
        mode: Literal["min", "max"] = "min",
        seed: int = 0,
        classes: int | None = None,
        module: str = "",
        statistics: Iterable[Any] | None = None,
        continuous: int | None = None,
        steps: int | None = None,
    ) -> None:
        if not isinstance(recipe, Recipe):
            raise RecipeError(f"Regularize(recipe) takes a bridle.Recipe; got {type(recipe).__name__}.")
        if recipe.of(StopRule) and monitor is None:
            raise RecipeError(
                f"{recipe.of(StopRule)[0].key} watches a value that validation_step logs: name it with "
                'Regularize(..., monitor="val_loss").'
            )
        if mode not in ("min", "max"):
            raise RecipeError(f'Regularize(mode=...) must be "min" or "max"; got {mode!r}.')
        self.recipe, self.monitor, self.series = recipe, monitor, dict[str, list[float]]()
        self._sign = 1.0 if mode == "min" else -1.0
        self._seed, self._classes, self._continuous = seed, classes, continuous
        self._module, self._statistics, self._steps = module, statistics, steps
        self._companion: Companion | None = None
        self._loaded: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._evaluation = ExitStack()
        self._sums: dict[str, Tensor] = {}
        self._rows = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Attach the recipe, now that weights and optimizer are where they stay and a checkpoint is restored."""
        self._refuse(trainer, pl_module)
        self._companion = Companion(
            self._submodule(pl_module),
            trainer.optimizers[0],
            self.recipe,
            seed=self._seed,
            steps=self._length(trainer),
            replica=trainer.global_rank,
            classes=self._classes,
            continuous=self._continuous,
        )
        self._wrap(pl_module)
        if self._companion.needs_statistics and self._statistics is None:
            raise RecipeError(
                f"{self.recipe.of(Averaging)[0].key} keeps averaged weights, whose batch-norm statistics must be "
                "recomputed: give clean training batches with Regularize(..., statistics=loader)."
            )
        if self._loaded:
            self._companion.load_state_dict(self._loaded)
            trainer.should_stop = trainer.should_stop or self._companion.should_stop
        self._loaded = {}

    def _submodule(self, pl_module: LightningModule) -> nn.Module:
        try:
            found: nn.Module = pl_module.get_submodule(self._module)
        except AttributeError as error:
            names = ", ".join(name for name, _ in pl_module.named_children())
            raise RecipeError(
                f"Regularize(module={self._module!r}) names no submodule of {type(pl_module).__name__}; it has {names}."
            ) from error
        return found

    def _length(self, trainer: Trainer) -> int | None:
        if self._steps is not None or not any(item.is_scheduled for item in self.recipe.regularizers):
            return self._steps
        steps = trainer.estimated_stepping_batches
        return int(steps) if steps != float("inf") else None

    def _refuse(self, trainer: Trainer, pl_module: LightningModule) -> None:
        name = type(pl_module).__name__
        if not pl_module.automatic_optimization:
            raise RecipeError(
                f"{name} optimizes by hand (automatic_optimization = False), which Regularize does not serve. Use "
                "bridle.attach(model, optimizer, recipe) in its configure_optimizers."
            )
        if len(trainer.optimizers) != 1:
            raise RecipeError(f"Regularize acts on one optimizer; {name} has {len(trainer.optimizers)}.")
        whole = isinstance(trainer.strategy, SingleDeviceStrategy | DDPStrategy)
        if not whole or isinstance(trainer.strategy, DeepSpeedStrategy):  # which passes for DDP
            raise RecipeError(
                f"Regularize needs whole weights on every device; {type(trainer.strategy).__name__} may shard them. "
                'Train on a single device or with strategy="ddp".'
            )
        if self.recipe.of(StopRule) and not trainer.enable_validation:
            raise RecipeError(f"{self.recipe.of(StopRule)[0].key} watches a validation, and this fit has none.")
        twice = [rule.key for rule in self.recipe.of(UpdateRule) if rule.recomputes]
        if twice and trainer.accumulate_grad_batches > 1:
            raise RecipeError(
                f"{twice[0]} takes the gradient twice in a step; with accumulate_grad_batches = "
                f"{trainer.accumulate_grad_batches} the second would lack the earlier batches. Do not accumulate."
            )

    def _wrap(self, pl_module: LightningModule) -> None:
        """Stand around ``training_step``: the one place that sees the batch before it and the loss after it."""
        original = pl_module.training_step

        @functools.wraps(original)
        def training_step(batch: Any, *args: Any, **kwargs: Any) -> Any:
            return self._with_terms(original(self._changed(batch), *args, **kwargs), batch)

        pl_module.training_step = training_step

    def _changed(self, batch: Any) -> Any:
        assert self._companion is not None  # noqa: S101 - it is wrapped while there is one
        if not self._companion.changes_batches:
            self._companion.begin()
            return batch
        if not _is_pair(batch):
            raise DataError(
                "Regularize augments batches and changes targets where a batch is a pair (inputs, targets) of tensors; "
                f"got {type(batch).__name__}. Let the loader give such pairs, or leave augmentations and rules for "
                "targets out of the recipe."
            )
        changed = self._companion.batch(batch[0], batch[1])
        return list(changed) if isinstance(batch, list) else changed

    def _with_terms(self, output: Any, batch: Any) -> Any:
        assert self._companion is not None  # noqa: S101 - it is wrapped while there is one
        if output is None:  # the batch is skipped
            return None
        loss = output.get("loss") if isinstance(output, dict) else output
        if not isinstance(loss, Tensor):
            raise ModelError(f"training_step must return the loss, or a dict with it as 'loss'; got {output!r}.")
        terms = self._companion.terms().to(loss.device)
        if not self._companion.repeats:
            rows = len(batch[0]) if _is_pair(batch) else 1
            self._rows += rows
            for name, value in {"data_loss": loss, "terms": terms}.items():
                self._sums[name] = self._sums.get(name, 0) + rows * value.detach()
        whole = loss + terms
        return output | {"loss": whole} if isinstance(output, dict) else whole

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the separate series."""
        if self._companion is None or not self._rows:
            return
        found = {name: float(total) / self._rows for name, total in self._sums.items()}
        if (handle := self._companion.handle) is not None:
            found["penalty"] = self._companion.penalty()
        if handle is None or not handle.has_terms:
            del found["terms"]
        for name, value in found.items():
            self.series.setdefault(name, []).append(value)
            pl_module.log(f"bridle/{name}", value, sync_dist=trainer.world_size > 1)
        self._sums, self._rows = {}, 0

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validation sees averaged weights."""
        if self._companion is not None:
            with torch.inference_mode(False), torch.no_grad():
                self._evaluation.enter_context(self._companion.averaged(self._statistics))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Training goes on with the live weights, unless a stop rule ends it."""
        if self._companion is None:
            return
        with torch.inference_mode(False), torch.no_grad():
            self._evaluation.close()
            if self._companion.stops:
                stop = self._companion.watch(self._sign * self._watched(trainer))
                trainer.should_stop = trainer.should_stop or stop

    def _watched(self, trainer: Trainer) -> float:
        found = trainer.callback_metrics
        if self.monitor not in found:
            raise RecipeError(
                f"The metric {self.monitor!r}, which {self.recipe.of(StopRule)[0].key} watches, was not logged; logged "
                f"are {', '.join(found) or 'none'}. Log it in validation_step, with self.log(...)."
            )
        # Every process must come to the same decision.
        value: Tensor = trainer.strategy.reduce(found[self.monitor].detach().clone(), reduce_op="mean")
        return float(value)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The module keeps the best watched weights, or the averaged ones."""
        if self._companion is not None:
            self._last = self.state_dict() | {"ended": self._companion.stops or self._companion.averages}
            with torch.no_grad():
                self._companion.finish(self._statistics)
        self._detach(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the module as it was, with its live weights."""
        if self._companion is not None:
            self._last = self.state_dict()
        self._detach(pl_module)

    def _detach(self, pl_module: LightningModule) -> None:
        self._evaluation.close()
        if self._companion is not None:
            self._companion.detach()
            self._companion = None
            del pl_module.training_step

    def state_dict(self) -> dict[str, Any]:
        """What a resumed fit needs beside Lightning's own state."""
        if self._companion is None:
            return self._last
        return self._companion.state_dict() | {"series": self.series, "sums": self._sums, "rows": self._rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it when the training starts.

        Raises:
            RecipeError: If it was saved after the end of a training whose kept weights are not its last ones.
        """
        if state_dict.get("ended"):
            raise RecipeError(
                "This checkpoint was written after the training had ended, with averaged or restored weights. Resume "
                "from one that was written during the training."
            )
        self._loaded = state_dict
        self.series = {name: list(values) for name, values in state_dict.get("series", {}).items()}
        self._sums, self._rows = dict(state_dict.get("sums", {})), state_dict.get("rows", 0)


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch)
