"""The training settings of a recipe."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, final

from bridle.core.dials import FREE, Range, Schedule, check_dial, dials, words
from bridle.errors import RecipeError


@final
@dataclass(frozen=True, kw_only=True)
class Training:
    """How the network is trained, apart from regularization.

    Args:
        optimizer: ``"adamw"`` (with ``weight_decay = 0`` it is Adam), ``"adam"`` or ``"sgd"``.
        learning_rate: The learning rate at its highest.
        schedule: ``"constant"``, ``"cosine"`` (to zero over ``epochs``) or ``"linear"`` (to zero over ``epochs``),
            per step.
        warmup: The share of all steps over which the learning rate rises linearly from zero, in [0, 1).
        momentum: Momentum of SGD.
        weight_decay: The decoupled decay of torch's own AdamW, on every parameter, as torch users write it. For an
            exact penalty use the regularizer ``l2``.
        epochs: Passes over the training set; the schedule's length.
        stop_after: Stop after this epoch, on the same schedule; 0 trains all epochs. A search writes it into the
            recipe that it chose.
        batch_size: Examples per step.
        clip: Largest norm of the data gradient over all parameters; 0 does not clip.
        precision: ``"float32"``, or ``"bfloat16"`` to autocast the forward pass.
        expand: 0 augments on the fly; ``n`` makes the training set the originals and ``n`` augmented copies of each.
        closing: After the last epoch of a training whose weights are kept, at most so many steps with full gradients
            of the clean data loss: they settle exact zeros, which fluctuate with batches. Averaged or restored
            weights are what they start from.
        class_weights: ``"none"``, or ``"balanced"`` to weigh every class alike in the loss.
    """

    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: Annotated[float, Range(0.0, open_low=True, search=(3e-4, 1e-2), log=True)] = 2e-3
    schedule: Literal["constant", "cosine", "linear"] = "cosine"
    warmup: Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.0, 0.2))] = 0.0
    momentum: Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.0, 0.99))] = 0.9
    weight_decay: Annotated[float, Range(0.0, search=(1e-4, 1e-1), log=True)] = 0.0
    epochs: Annotated[int, Range(1, integer=True, search=(5, 100), log=True, unit="epochs")] = 30
    stop_after: Annotated[int, Range(0, integer=True, unit="epochs")] = 0
    batch_size: Annotated[int, Range(1, integer=True, search=(16, 512), log=True, unit="examples")] = 64
    clip: Annotated[float, Range(0.0, search=(0.1, 10.0), log=True)] = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    expand: Annotated[int, Range(0, integer=True, search=(0, 5), unit="copies")] = 0
    closing: Annotated[int, Range(0, integer=True, unit="steps")] = 0
    class_weights: Literal["none", "balanced"] = "none"

    def __post_init__(self) -> None:
        """Check every setting."""
        for name, bounds in dials(type(self)).items():
            object.__setattr__(self, name, check_dial(f"training.{name}", bounds, getattr(self, name)))
            if isinstance(getattr(self, name), Schedule):
                raise RecipeError(f"training.{name} cannot follow a schedule of its own; got {getattr(self, name)!r}.")
        for name, allowed in words(type(self)).items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"training.{name} must be one of {', '.join(allowed)}; got {getattr(self, name)!r}.")
        if self.weight_decay != 0.0 and self.optimizer != "adamw":
            raise RecipeError(
                f"training.weight_decay is AdamW's decoupled decay and needs optimizer = 'adamw'; "
                f"got {self.optimizer!r}. For an exact penalty under any optimizer use the regularizer 'l2'."
            )
        if isinstance(self.stop_after, FREE):
            raise RecipeError(f"training.stop_after must be a whole number; got {self.stop_after!r}. Free the epochs.")
        if isinstance(self.epochs, int) and self.stop_after > self.epochs:
            raise RecipeError(f"training.stop_after must be at most epochs = {self.epochs}; got {self.stop_after}.")

    def free(self) -> dict[str, Any]:
        """The free settings by name."""
        return {name: value for name in dials(type(self)) if isinstance(value := getattr(self, name), FREE)}

    def replace(self, **values: Any) -> "Training":
        """These settings with some replaced."""
        return dataclasses.replace(self, **values)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "Training":
        """Settings from a mapping with known keys and ready values."""
        return cls(**dict(table))
