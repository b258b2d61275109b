"""Label smoothing in the training loss of a Keras model; the loss of evaluation keeps the targets as they are."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from bridle.core import Recipe, TargetRule
from bridle.errors import RecipeError
from bridle.regularizers.targets import LabelSmoothing

NAMES = {
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
}


def smoothing(model: Any, recipe: Recipe) -> LabelSmoothing | None:
    """The recipe's label smoothing; ``None`` where it has none.

    Raises:
        RecipeError: If there are several target rules, or the model's loss is no cross-entropy of one output, or is
            not told whether it is for training.
    """
    rules = recipe.of(TargetRule)
    if not rules:
        return None
    rule = rules[0]
    if len(rules) > 1 or not isinstance(rule, LabelSmoothing):
        raise RecipeError(f"Keras is served one target rule, LabelSmoothing; got {', '.join(r.key for r in rules)}.")
    refuse_untold(model, rule.key)
    loss = declared_loss(model)
    if type(loss) not in NAMES.values() or not _is_plain(model, loss):
        raise RecipeError(
            f"{rule.key} needs one output under a cross-entropy of Keras's that is reduced to a number, without "
            f"loss_weights, ignore_class or an axis of its own ({', '.join(NAMES)}); the model was compiled with "
            f"loss={model.loss!r}."
        )
    if getattr(loss, "label_smoothing", 0):
        raise RecipeError(
            f"{rule.key} would act on top of the loss's own label_smoothing={loss.label_smoothing:g}, which is in the "
            "validation loss too. Compile the loss without it."
        )
    return rule


def refuse_untold(model: Any, key: str) -> None:
    """Refuse what acts in training only on a model whose own ``compute_loss`` is not told whether it trains.

    Raises:
        RecipeError: If it has no argument ``training``.
    """
    if "training" not in inspect.signature(model.compute_loss).parameters:
        raise RecipeError(
            f"{key} acts in the training loss only, and {type(model).__name__}.compute_loss is not told whether it "
            "trains. Give it the argument training=True."
        )


def _is_plain(model: Any, loss: Any) -> bool:
    """Whether a cross-entropy is a number over all examples and classes alike."""
    config, weights = loss.get_config(), model._compile_loss._user_loss_weights
    whole = loss.reduction in ("sum_over_batch_size", "sum", "mean")
    return whole and weights is None and config.get("ignore_class") is None and config.get("axis", -1) == -1


def declared_loss(model: Any) -> Any:
    """The loss that a model was compiled with, as an object where it was named."""
    loss = model.loss
    return NAMES[loss]() if isinstance(loss, str) and loss in NAMES else loss


def smoothed(model: Any, rule: LabelSmoothing) -> Callable[..., Any]:
    """The model's ``compute_loss`` with smoothed targets in training.

    The cross-entropy of the targets as they are is exchanged for that of the smoothed ones, so that whatever else the
    model adds to its loss stays.
    """
    inner, loss = model.compute_loss, declared_loss(model)
    sparse = isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
    settings = {"reduction": loss.reduction, "from_logits": loss.get_config()["from_logits"], "dtype": loss.dtype}
    dense = keras.losses.CategoricalCrossentropy(**settings) if sparse else loss

    def compute_loss(
        x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        total = inner(x, y, y_pred, sample_weight, training=training)
        if not training:
            return total
        classes = y_pred.shape[-1]
        targets = ops.cast(y, y_pred.dtype)
        if sparse:
            codes = ops.squeeze(y, axis=-1) if len(y.shape) == len(y_pred.shape) else y
            targets = ops.one_hot(ops.cast(codes, "int32"), classes, dtype=y_pred.dtype)
        share = 2 if isinstance(loss, keras.losses.BinaryCrossentropy) else classes
        soft = targets * (1.0 - rule.rate) + rule.rate / share
        return total - dense(targets, y_pred, sample_weight) + dense(soft, y_pred, sample_weight)

    return compute_loss
