"""Whether a model's loss is what the Trainer takes it for where batches are accumulated."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer

SAME = 1e-3
"""Losses that differ by less than this share are one: less than any number of items makes, more than bfloat16 does."""


def warn_of_mean(
    trainer: Trainer, loss: Callable[..., Tensor], inputs: dict[str, Any], items: Tensor | int | None
) -> None:
    """Warn where the Trainer takes the mean over a batch, which a model gives, for the batch's share of them all.

    It hands models that take any named argument the number of items in all accumulated batches, and divides nothing
    itself; some, such as BERT's classifier, take no notice. That is measured: by the loss for twice that number.

    Args:
        trainer: The Trainer, in training.
        loss: Its own ``compute_loss`` for the model.
        inputs: A batch.
        items: The number of items.
    """
    args, model = trainer.args, trainer.model
    times = trainer.current_gradient_accumulation_steps * (args.world_size if args.average_tokens_across_devices else 1)
    if times == 1 or items is None or trainer.compute_loss_func is not None:
        return
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.no_grad():
        once, twice = (float(loss(dict(inputs), False, count)) for count in (items, 2 * items))
    for module, mode in modes.items():
        module.training = mode
    if math.isclose(once, twice, rel_tol=SAME):
        warnings.warn(
            f"The loss of {type(model).__name__} does not depend on num_items_in_batch: it is the mean over one batch, "
            f"which the Trainer takes for a share of {times} of them. The data's gradient becomes {times} times as "
            "large, and every penalty as much weaker beside it. Write trainer.model_accepts_loss_kwargs = False before "
            "trainer.train().",
            stacklevel=2,
        )
