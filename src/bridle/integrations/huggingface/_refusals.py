"""What a recipe cannot do in Hugging Face's Trainer."""

from transformers import Trainer

from bridle.core import Augmentation, Averaging, Noise, Recipe, StopRule, TargetRule, UpdateRule
from bridle.errors import RecipeError


def refuse(trainer: Trainer, recipe: Recipe) -> None:
    """Refuse what a recipe and the Trainer's arguments cannot do together.

    Raises:
        RecipeError: With what to change.
    """
    args = trainer.args
    if trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled:
        raise RecipeError("regularize needs whole weights on every device; DeepSpeed and FSDP shard them. Use DDP.")
    if args.n_gpu > 1:
        raise RecipeError(f"regularize takes one process for each device; this has {args.n_gpu} in one. Use torchrun.")
    twice = [rule.key for rule in recipe.of(UpdateRule) if rule.recomputes]
    if twice:
        raise RecipeError(f"{twice[0]} takes the gradient twice in a step, for which the Trainer has no closure.")
    if recipe.of(Noise) and args.gradient_checkpointing:
        raise RecipeError(
            f"gradient_checkpointing runs a forward pass again, in which {recipe.of(Noise)[0].key} would draw anew. "
            "Train without one of the two."
        )
    if args.label_smoothing_factor and (recipe.of(TargetRule) or recipe.of(Augmentation)):
        raise RecipeError("label_smoothing_factor changes the targets a second time. Set it to 0.")
    if args.load_best_model_at_end and (recipe.of(StopRule) or recipe.of(Averaging)):
        kept = (*recipe.of(StopRule), *recipe.of(Averaging))[0].key
        raise RecipeError(f"load_best_model_at_end would replace the weights that {kept} keeps. Set it to False.")
    if recipe.of(StopRule) and args.eval_strategy == "no":
        raise RecipeError(
            f"{recipe.of(StopRule)[0].key} watches evaluations, and eval_strategy is 'no'. Set it to 'epoch'."
        )
