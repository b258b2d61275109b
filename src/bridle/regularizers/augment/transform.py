"""Transform."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Range
from bridle.core.callables import check_settings, find, name_of
from bridle.core.generators import kept, seed_all
from bridle.errors import RecipeError
from bridle.records import Kind, Layout

_GRID = 2**24
_TRIES = 8


@final
@dataclass(frozen=True)
class Transform(Augmentation):
    """A callable of yours, torchvision's or kornia's makes the view, its random numbers under Bridle's counters.

    It is called with one example at a time: an image ``(channels, height, width)`` in [0, 1], or the standardised
    numbers of a table row, and gives the same shape back; a leading axis of one, as kornia gives, is taken off. Before
    each call the global generators of torch, NumPy and Python are seeded by the example, its epoch, the seed and the
    fold, and put back afterwards: the view depends on no neighbour, order or worker. A callable that draws from a
    generator of its own is refused.

    A recipe file holds the callable by its name. What has none (a lambda, an instance, a function of the script that
    runs) acts all the same, but such a recipe cannot be written, which ``bridle.fit`` does.

    Args:
        call: ``"package.module:name"`` or the callable itself; a class is built with ``settings`` first.
        settings: What a class is built with, or a function is given beside the example: numbers, texts, lists.
        rate: The probability that an example is changed, in [0, 1].

    Reference: Shorten and Khoshgoftaar 2019, "A survey on image data augmentation for deep learning".
    """

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.TABLE, Kind.IMAGE})
    trial: ClassVar[Mapping[str, Any]] = {"call": "torch:rand_like"}
    call: str | Callable[..., Any]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rate: Annotated[float, Range(0.0, 1.0, search=(0.1, 1.0))] = 1.0

    def __post_init__(self) -> None:
        """Name the callable where it has a name, and check the settings."""
        super().__post_init__()
        object.__setattr__(self, "call", name_of("Transform.call", self.call))
        object.__setattr__(self, "settings", check_settings("Transform.settings", self.settings))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "view"}

    @cached_property
    def view(self) -> Callable[[Tensor], Any]:
        """The callable, imported and built.

        Raises:
            RecipeError: If it cannot be.
        """
        found = find("Transform.call", self.call)
        if not inspect.isclass(found):
            return partial(found, **self.settings) if self.settings else found
        try:
            built = found(**self.settings)
        except Exception as error:
            raise RecipeError(
                f"{self.key}: {self.call} cannot be built with settings = {dict(self.settings)!r}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not callable(built):
            raise RecipeError(f"{self.key}: what {self.call} builds cannot be called; name a class of transforms.")
        return built

    def refuses(self, layout: Layout) -> str:
        """Tables without a numeric column, and a callable that fails on such an example or draws by itself.

        Raises:
            RecipeError: If the callable cannot be imported or built, or changes the shape.
        """
        shape = layout.shape if layout.kind is Kind.IMAGE else (len(layout.numeric),)
        if not all(shape):
            return "acts on numeric columns; this table has none"
        try:
            repeats = self._repeats(shape)
        except RecipeError:
            raise
        except Exception as error:
            return f"calls {self.call}, which fails on an example of shape {shape}: {type(error).__name__}: {error}"
        return (
            ""
            if repeats
            else (
                "gives two views under the same random numbers: it draws from a generator of its own. Let it draw from "
                "the global generators of torch, NumPy or Python, which are seeded for each example"
            )
        )

    def _repeats(self, shape: Sequence[int]) -> bool:
        """Whether a made-up example gives the same view twice, for each of several seeds."""
        with kept():
            seed_all(0, 0)
            example = torch.rand(tuple(shape))
            return all(
                torch.equal(self._changed(example, [number, 0]), self._changed(example, [number, 0]))
                for number in range(_TRIES)
            )

    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """``call(example)`` where ``u < rate``, the example elsewhere."""
        columns = batch.continuous if batch.kind is Kind.TABLE else batch.inputs.shape[1]
        given, others = batch.inputs[:, :columns], batch.inputs[:, columns:]
        if not given.numel():
            return batch
        numbers = draws.per_example(self.key, batch.examples, batch.times, 3)
        words = (numbers[:, :2] * _GRID).long().tolist()
        with kept():
            views = torch.stack([self._changed(example, word) for example, word in zip(given, words, strict=True)])
        chosen = (numbers[:, 2] < self.rate).reshape(-1, *[1] * (given.ndim - 1))
        return dataclasses.replace(batch, inputs=torch.cat([torch.where(chosen, views, given), others], dim=1))

    def _changed(self, example: Tensor, word: list[int]) -> Tensor:
        seed_all(*word)
        with torch.no_grad():
            found = self.view(example.clone())
        if isinstance(found, Tensor) and found.shape == (1, *example.shape):
            found = found[0]
        if not isinstance(found, Tensor) or found.shape != example.shape:
            got = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise RecipeError(
                f"{self.key} must give a tensor of the shape that it is given, {tuple(example.shape)}; {self.call} "
                f"gave {got}. Let it resize to the example's own size, or convert what it gives."
            )
        return found.to(example.dtype)
