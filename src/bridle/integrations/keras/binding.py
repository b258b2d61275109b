"""Bind a recipe to a Keras model."""

from numbers import Integral
from typing import Any

import keras

from bridle.core import Anchored, Averaging, LossTerm, Penalty, Recipe, UpdateRule
from bridle.engine.overlaps import warn
from bridle.errors import ModelError, RecipeError
from bridle.integrations.keras.graph import SERVED
from bridle.integrations.keras.handle import Handle
from bridle.integrations.keras.overlaps import overlaps
from bridle.integrations.keras.terms import SERVED as TERMS
from bridle.regularizers.averaging import EMA


def regularize(model: keras.Model, recipe: Recipe, *, seed: int = 0, steps: int | None = None) -> Handle:
    """Let a recipe act in the training of a compiled Keras model: ``model.fit`` stays as it is.

    Penalties act as exact gradients in the optimizer's step, after clipping, and by proximal steps in its metric after
    it; never in the loss. So they act on built and pretrained models too, where assigning ``kernel_regularizer`` has
    no effect, and ``val_loss`` is free of them. Dropout sets rate and seed of the model's own dropout layers.
    Augmentation and label smoothing change training batches only. Evaluation during ``fit`` sees averaged weights, and
    ``fit`` leaves the averaged or best ones.

    Loss terms are added to the training loss, not to ``val_loss``.

    Under the torch backend all penalties and loss terms of the catalogue act; under TensorFlow, in the compiled step,
    L1, L2, L2Start, ElasticNet, GroupLasso, SparseGroupLasso, DecoupledDecay and MaxNorm, and of the loss terms all but
    InputGradient.

    Args:
        model: A built and compiled model.
        recipe: The recipe, nothing free in it. Its training settings are not used; ``compile`` and ``fit`` have theirs.
        seed: Of dropout, augmentation and gradient noise.
        steps: How many optimizer steps the training takes, for dials that follow a schedule.

    Returns:
        A handle with scopes, findings, the penalty's value, state and ``detach``. It is not saved with the model:
        after ``keras.models.load_model`` call this again, then ``handle.load_state_dict``.

    Raises:
        ModelError: If the model is not built or compiled, or its backend is not served.
        RecipeError: If a regularizer cannot act here, by name, or the model has a recipe already.
        ScopeError: If a scope covers no weight or dropout layer.

    Findings, such as a penalty on top of the optimizer's own ``weight_decay``, are also given as warnings.
    """
    _refuse_model(model)
    _refuse_optimizer(model)
    _refuse_recipe(recipe, steps)
    handle = Handle(model, recipe, seed=seed, steps=steps)
    handle.findings = tuple(overlaps(handle))
    warn(handle.findings, otherwise=handle.detach)
    return handle


def _refuse_model(model: Any) -> None:
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "torch"):
        raise ModelError(
            f"bridle.keras serves the backends tensorflow and torch; this is {backend}. Set KERAS_BACKEND."
        )
    if not isinstance(model, keras.Model):
        raise ModelError(f"regularize(model, recipe) takes a keras.Model; got {type(model).__name__}.")
    if not model.trainable_variables:
        raise ModelError(
            f"The model {model.name!r} has no trainable weights yet, or all are frozen. Build it first, for example by "
            "calling it on one batch, or give its first layer an Input."
        )
    if getattr(model, "optimizer", None) is None:
        raise ModelError(f"The model {model.name!r} has no optimizer. Call model.compile(...) before regularize.")
    if backend == "torch" and model.jit_compile:
        raise ModelError(
            "compile(jit_compile=True) traces the training step under the torch backend, where the recipe's step "
            "cannot be traced. Compile with jit_compile=False."
        )


def _refuse_optimizer(model: Any) -> None:
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise ModelError(
            "A LossScaleOptimizer (dtype policy mixed_float16) is not served: it may skip a step unseen. Use "
            "mixed_bfloat16, which needs no scaling."
        )
    if hasattr(getattr(optimizer, "_backend_update_step", None), "handle"):
        raise RecipeError(
            "This model has a recipe already: each penalty would act twice. Call handle.detach() first, or put all "
            "regularizers into one recipe."
        )
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is not None and strategy.num_replicas_in_sync > 1:
        raise ModelError(
            f"A model on {strategy.num_replicas_in_sync} replicas is not served: the penalty would count once for each."
        )


def _refuse_recipe(recipe: Any, steps: int | None) -> None:
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"regularize(model, recipe) takes a bridle.Recipe; got {type(recipe).__name__}.")
    if not recipe.regularizers:
        raise RecipeError("regularize(...) needs a recipe with a regularizer in it; this one is empty.")
    if recipe.is_space:
        raise RecipeError(f"regularize(...) needs a value for every dial; free are {', '.join(recipe.free())}.")
    if steps is not None and (not isinstance(steps, Integral) or steps < 1):
        raise RecipeError(f"regularize(steps=...) must be a whole number of optimizer steps, 1 or more; got {steps!r}.")
    for item in recipe.regularizers:
        if reason := _reason(item):
            raise RecipeError(f"{item.key} is not served in Keras: {reason} Leave it out, or train with bridle.fit.")
        if steps is None and item.is_scheduled:
            raise RecipeError(
                f"{item.key} follows a schedule: say how long the training is, regularize(..., steps=...)."
            )


def _reason(item: Any) -> str:
    """Why a regularizer cannot act here; empty where it can."""
    graph = keras.backend.backend() == "tensorflow"
    compiled = graph and isinstance(item, Penalty | UpdateRule)
    if graph and isinstance(item, LossTerm) and not isinstance(item, TERMS):
        return "the compiled step of TensorFlow has no gradient at the inputs. The torch backend serves it."
    if isinstance(item, UpdateRule) and item.recomputes:
        return "it takes the gradient anew, which Keras's step has no place for."
    if isinstance(item, Averaging) and not isinstance(item, EMA):
        return "of the averages only EMA is."
    if isinstance(item, Anchored) and item.checkpoint:
        return "weights start at where they are, not at a checkpoint of torch's names. Load it into the model first."
    if isinstance(item, Penalty) and item.takes_pair:
        return "it ties two weights of Bridle's own network together."
    if compiled and not isinstance(item, SERVED):
        names = ", ".join(cls.__name__ for cls in SERVED)
        return f"the compiled step of TensorFlow has formulas for {names}. The torch backend serves it."
    return ""
