"""A recipe in the Trainer of Hugging Face's transformers."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal, final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from bridle.core import Averaging, Recipe, StopRule
from bridle.core.scope import Scope, resolve
from bridle.engine.companion import Companion
from bridle.engine.losses import wide
from bridle.engine.unwrapped import unwrapped
from bridle.errors import DataError, RecipeError
from bridle.integrations.huggingface._counts import warn_of_mean
from bridle.integrations.huggingface._refusals import refuse

STATE = "bridle.pt"
"""The file of a checkpoint that holds the recipe's state."""


def decay_parameter_names(model: nn.Module, scope: Scope = "matrices") -> list[str]:
    """The names of the parameters that a scope of Bridle's covers, to stand for ``Trainer.get_decay_parameter_names``.

    Trainer's own choice leaves out biases and norms but decays embeddings; ``"matrices"`` leaves those out as well.

    Args:
        model: The model.
        scope: The scope.

    Raises:
        ScopeError: If it matches nothing.
    """
    return resolve(unwrapped(model), scope, who="weight_decay")


def regularize(
    trainer: Trainer,
    recipe: Recipe,
    *,
    monitor: str = "eval_loss",
    mode: Literal["min", "max"] = "min",
    seed: int = 0,
    decay_scope: Scope = "matrices",
    statistics: Iterable[Any] | None = None,
) -> "Regularize":
    """Let everything that a recipe declares act in ``trainer.train()``.

    Penalties and update rules act within the optimizer's step, after the Trainer's clipping. The loss that the Trainer
    reports holds the recipe's loss terms, never a penalty; beside it stand ``data_loss``, ``terms`` and ``penalty`` in
    the logs. Evaluation within the training sees averaged weights; the model keeps those, or the best that a stop rule
    saw, when the training ends. Checkpoints hold the live weights and a file ``bridle.pt``; resuming goes on exactly.

    Rules for targets, and mixing, give rows of probabilities in place of class numbers ``(B,)``; the loss becomes their
    cross-entropy with ``outputs.logits``, or what the Trainer's ``compute_loss_func`` makes of them. Augmentations act
    on ``pixel_values`` in [0, 1]. Dropout that a model applies by a function, as attention does to its weights, keeps
    the model's own rate.

    Args:
        trainer: A Trainer that has not begun.
        recipe: The recipe, nothing free in it. Its training settings are not used.
        monitor: The metric of an evaluation that stop rules watch; patience counts evaluations.
        mode: ``"min"`` where a lower value of it is better, ``"max"`` where a higher one is.
        seed: Of all draws.
        decay_scope: What ``TrainingArguments.weight_decay`` acts on, where the Trainer makes the optimizer.
        statistics: Clean training batches, as the model takes them by name, on which batch-norm statistics of averaged
            weights are recomputed.

    Returns:
        The callback, which was added to the trainer.

    Raises:
        RecipeError: If the recipe, or an argument of the Trainer, cannot be served.
    """
    callback = Regularize(trainer, recipe, monitor, mode, seed, statistics)
    trainer.get_decay_parameter_names = partial(decay_parameter_names, scope=decay_scope)
    trainer.add_callback(callback)
    return callback


@final
class Regularize(TrainerCallback):
    """What :func:`regularize` adds to a Trainer; it stands around four of the Trainer's methods."""

    def __init__(
        self,
        trainer: Trainer,
        recipe: Recipe,
        monitor: str,
        mode: str,
        seed: int,
        statistics: Iterable[Any] | None,
    ) -> None:
        if mode not in ("min", "max"):
            raise RecipeError(f'regularize(mode=...) must be "min" or "max"; got {mode!r}.')
        refuse(trainer, recipe)
        self.trainer, self.recipe, self.monitor = trainer, recipe, monitor
        self._sign, self._seed, self._statistics = 1.0 if mode == "min" else -1.0, seed, statistics
        self._companion: Companion | None = None
        self._checkpoint: str | None = None
        self._sums: dict[str, Tensor] = {}
        self._logged, self._compared = 0, False
        self._train, self._evaluate = trainer.train, trainer.evaluate
        self._compute_loss, self._log = trainer.compute_loss, trainer.log
        trainer.train, trainer.evaluate = self.train, self.evaluate
        trainer.compute_loss, trainer.log = self.compute_loss, self.log

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """The Trainer's ``train``, which afterwards leaves the model's modules as they were."""
        output_dir = self.trainer.args.output_dir
        given = get_last_checkpoint(output_dir) if resume_from_checkpoint is True else resume_from_checkpoint
        self._checkpoint = given or None
        try:
            return self._train(resume_from_checkpoint, *args, **kwargs)
        finally:
            if self._companion is not None:
                self._companion.detach()
                self._companion = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Attach the recipe, now that the optimizer is made and a checkpoint is loaded."""
        model: Any = self.trainer.model
        self._companion = Companion(
            model,
            self.trainer.optimizer,
            self.recipe,
            seed=self._seed,
            steps=state.max_steps,
            replica=args.process_index,
            classes=getattr(getattr(model, "config", None), "num_labels", None),
        )
        if self._companion.needs_statistics and self._statistics is None:
            raise RecipeError(
                f"{self.recipe.of(Averaging)[0].key} keeps averaged weights, whose batch-norm statistics must be "
                "recomputed: give clean training batches with regularize(..., statistics=loader)."
            )
        if self._checkpoint is not None:
            file = Path(self._checkpoint) / STATE
            if not file.is_file():
                raise RecipeError(f"{self._checkpoint} has no {STATE}: it was saved without this recipe. Start anew.")
            self._companion.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        self._sums, self._logged, self._compared = {}, self._companion.step, False

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Put the recipe's state beside the checkpoint."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._companion is not None and args.should_save and folder.is_dir():
            torch.save(self._companion.state_dict(), folder / STATE)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The model keeps the best watched weights, or the averaged ones."""
        if self._companion is not None:
            self._companion.finish(self._statistics, self._forward)

    def _forward(self, batch: Any) -> object:
        return self.trainer.model(**self.trainer._prepare_inputs(dict(batch)))

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The Trainer's ``evaluate``, within a training on averaged weights and watched by the stop rules."""
        companion = self._companion
        with nullcontext() if companion is None else companion.averaged(self._statistics, self._forward):
            metrics: dict[str, float] = self._evaluate(*args, **kwargs)
        if companion is not None and companion.stops:
            if self.monitor not in metrics:
                raise RecipeError(
                    f"The metric {self.monitor!r}, which {self.recipe.of(StopRule)[0].key} watches, is none of this "
                    f"evaluation's: {', '.join(metrics)}. Name one with regularize(..., monitor=...)."
                )
            if companion.watch(self._sign * metrics[self.monitor]):
                self.trainer.control.should_training_stop = True
        return metrics

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """The Trainer's ``log``, with the separate series beside the training loss."""
        companion = self._companion
        if companion is not None and "loss" in logs and companion.step > self._logged:
            steps = companion.step - self._logged
            logs |= {name: float(total) / steps for name, total in self._sums.items()}
            if companion.handle is not None:
                logs["penalty"] = companion.penalty()
            self._sums, self._logged = {}, companion.step
        self._log(logs, *args, **kwargs)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The Trainer's ``compute_loss``; in training of the changed batch, with the loss terms added."""
        companion = self._companion
        if companion is None or not model.training:
            return self._compute_loss(model, inputs, return_outputs, num_items_in_batch)
        inputs = _changed(companion, dict(inputs), next(model.parameters()).dtype)
        if companion.softens_targets:
            loss, outputs = self._soft_loss(model, inputs, num_items_in_batch)
        else:
            if not self._compared and self._is_scaled(num_items_in_batch):
                self._compared = True
                warn_of_mean(self.trainer, partial(self._compute_loss, model), inputs, num_items_in_batch)
            loss, outputs = self._compute_loss(model, inputs, True, num_items_in_batch)
        # The Trainer divides a loss by the number of micro-batches unless it is scaled already.
        share = 1 / self.trainer.current_gradient_accumulation_steps
        scaled = self._is_scaled(num_items_in_batch)
        terms = companion.terms().to(loss.device)
        shares = {"data_loss": loss.detach() * (1.0 if scaled else share)}
        if companion.handle is not None and companion.handle.has_terms:
            shares["terms"] = terms.detach() * share
        for name, value in shares.items():
            self._sums[name] = self._sums.get(name, 0) + value
        whole = loss + terms * (share if scaled else 1.0)
        return (whole, outputs) if return_outputs else whole

    def _is_scaled(self, num_items_in_batch: Tensor | int | None) -> bool:
        trainer = self.trainer
        if trainer.loss_is_scaled_for_ga is not None:
            return bool(trainer.loss_is_scaled_for_ga)
        counted = trainer.model_accepts_loss_kwargs and num_items_in_batch is not None
        return bool(counted or trainer.compute_loss_func is not None)

    def _soft_loss(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None
    ) -> tuple[Tensor, Any]:
        """The cross-entropy with rows of probabilities, scaled as the model's own loss would be."""
        rows = inputs.pop("labels")
        outputs = model(**inputs)
        own: Callable[..., Tensor] | None = self.trainer.compute_loss_func
        if own is not None:
            return own(outputs, rows, num_items_in_batch=num_items_in_batch), outputs
        if outputs.logits.shape != rows.shape:
            raise DataError(
                f"The recipe changes targets to rows {tuple(rows.shape)}; the model gives logits "
                f"{tuple(outputs.logits.shape)}. Only models that classify whole examples are served."
            )
        logits = wide(outputs.logits)
        rows = rows.to(logits.dtype)
        if num_items_in_batch is None or not self._is_scaled(num_items_in_batch):
            return cross_entropy(logits, rows), outputs
        whole = cross_entropy(logits, rows, reduction="sum") / num_items_in_batch
        args = self.trainer.args
        return whole * (args.world_size if args.average_tokens_across_devices else 1), outputs


def _changed(companion: Companion, inputs: dict[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """The batch as the model is to see it in training."""
    if not companion.changes_batches:
        companion.begin()
        return inputs
    labels, pictures = inputs.get("labels"), inputs.get("pixel_values")
    if not isinstance(labels, Tensor):
        raise DataError(f"The recipe changes batches with their labels; this one has {', '.join(inputs)}.")
    if companion.augments and not isinstance(pictures, Tensor):
        raise DataError(
            f"Augmentations act on pixel_values; this batch has {', '.join(inputs)}. Leave them out of the recipe."
        )
    # Without pictures only the targets change, to rows that are as precise as the inputs.
    none = labels.new_zeros((len(labels), 1), dtype=torch.promote_types(dtype, torch.float32))
    seen = none if pictures is None else pictures
    seen, labels = companion.batch(seen, labels)
    return inputs | {"labels": labels} | ({} if pictures is None else {"pixel_values": seen})
