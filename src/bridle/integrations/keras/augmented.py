"""The recipe's augmentations on the batches of Keras's training step, and never on those of evaluation."""

from collections.abc import Callable
from typing import Any, final

import keras
import numpy as np
import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Recipe
from bridle.errors import DataError, RecipeError
from bridle.records import Kind
from bridle.regularizers.augmenting import augment

Array = np.ndarray[Any, Any]


@final
class Augmented:
    """Augments one training batch: inputs, and targets where examples are mixed.

    Draws are keyed by the step and the place in the batch, since Keras tells a step nothing of rows.

    Args:
        model: The model; one input, a table ``(B, columns)`` of numbers or images ``(B, height, width, channels)``.
        recipe: The recipe.
        seed: The seed of the draws.
        steps: How many steps the training takes, for schedules.

    Raises:
        RecipeError: If an augmentation cannot act on the model's inputs or targets.
    """

    def __init__(self, model: Any, recipe: Recipe, seed: int, steps: int | None) -> None:
        self._items, self._seed, self._steps = recipe.of(Augmentation), seed, steps
        self._first = keras.config.image_data_format() == "channels_first"
        shape = getattr(model, "input_shape", None)
        rank = len(shape) if isinstance(shape, tuple) else 0
        kinds = {2: Kind.TABLE, 4: Kind.IMAGE}
        for item in self._items:
            if rank not in kinds:
                raise RecipeError(
                    f"{item.key} acts on one input, a table (B, columns) or images (B, height, width, channels); this "
                    f"model has {shape!r}. Augment its data yourself, or leave {item.key} out of this recipe."
                )
            if kinds[rank] not in item.acts_on:
                raise RecipeError(
                    f"{item.key} acts on {', '.join(sorted(item.acts_on))} data; this model takes {kinds[rank]} data. "
                    "Leave it out of this recipe."
                )
        if self._items and keras.backend.backend() == "tensorflow" and model.jit_compile:
            raise RecipeError(
                f"{self._items[0].key} runs in torch inside the training step, which XLA cannot compile. Compile the "
                "model with jit_compile=False."
            )
        self._kind = kinds.get(rank, Kind.TABLE)
        self.mixes = any(not item.keeps_labels for item in self._items)

    @torch.no_grad()
    def tensors(self, x: Tensor, y: Tensor, weights: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, targets and weights of a batch after all augmentations."""
        if self.mixes and (y.ndim != 2 or not y.is_floating_point()):
            raise DataError(
                f"{', '.join(item.key for item in self._items if not item.keeps_labels)} mixes targets, so they must "
                f"be (B, classes) floats, such as keras.utils.to_categorical gives; got {tuple(y.shape)} {y.dtype}."
            )
        turned = self._kind is Kind.IMAGE and not self._first
        count = torch.arange(len(x), device=x.device)
        batch = Batch(
            x.permute(0, 3, 1, 2) if turned else x,
            y if self.mixes else y.new_zeros((len(x), 1)),
            weights,
            count,
            torch.full_like(count, step),
            self._kind,
            continuous=x.shape[1] if self._kind is Kind.TABLE else 0,
        )
        progress = min(step / self._steps, 1.0) if self._steps else 0.0
        done = augment(batch, [item.at(progress) for item in self._items], Draws(self._seed, 0, step))
        inputs = done.inputs.permute(0, 2, 3, 1) if turned else done.inputs
        return inputs.contiguous(), done.targets if self.mixes else y, done.weights

    def arrays(self, x: Array, y: Array, weights: Array, step: Any) -> tuple[Array, Array, Array]:
        """The same on NumPy arrays."""
        inputs, targets, shares = (torch.from_numpy(np.ascontiguousarray(value).copy()) for value in (x, y, weights))
        x_new, y_new, w_new = self.tensors(inputs, targets, shares, int(step))
        return (
            x_new.numpy().astype(x.dtype, copy=False),
            y_new.numpy().astype(y.dtype, copy=False),
            w_new.numpy().astype(weights.dtype, copy=False),
        )

    def wrap(self, train_step: Callable[[Any], Any], optimizer: Any) -> Callable[[Any], Any]:
        """Keras's training step, given augmented batches."""

        def step(data: Any) -> Any:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
            given = weights is not None
            ones = keras.ops.ones(keras.ops.shape(x)[:1], dtype="float32")
            x, y, new = self._apply(x, y, weights if given else ones, optimizer.iterations)
            return train_step((x, y, new) if given or self.mixes else (x, y))

        return step

    def _apply(self, x: Any, y: Any, weights: Any, iterations: Any) -> Any:
        if keras.backend.backend() == "torch":
            x, y, weights = (keras.ops.convert_to_tensor(value) for value in (x, y, weights))
            return self.tensors(x, y, weights, int(iterations))
        import tensorflow as tf

        values = [tf.convert_to_tensor(value) for value in (x, y, weights)]
        done = tf.numpy_function(
            self.arrays, [*values, keras.ops.convert_to_tensor(iterations)], [value.dtype for value in values]
        )
        for new, old in zip(done, values, strict=True):
            new.set_shape(old.shape)
        return done
