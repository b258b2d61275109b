"""The uniform numbers for every place of a forward pass, for all members of a batch.

Legend of the axes: ``M`` members.
"""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

from bridle.core import Draws
from bridle.core.draws import key
from bridle.engine.noise import PlacedNoise
from bridle.engine.packs.batches import PackBatch
from bridle.population.stack import Tensors


@final
class PlacedDraws:
    """Draws what a network's noise asks for: once for members with the same seed, fold and step.

    Args:
        model: A network of the members' kind.
        noise: The noise at its places.
    """

    def __init__(self, model: nn.Module, noise: PlacedNoise) -> None:
        self._model, self._noise = model, noise
        self._asked: dict[tuple[int, ...], dict[str, tuple[int, ...]]] = {}
        self._generators: dict[torch.device, torch.Generator] = {}

    def __call__(self, batch: PackBatch, dials: Mapping[str, Mapping[str, Tensor]]) -> Tensors:
        """``(M, ...)`` for each draw by name; rows that only fill up the batch get zeros."""
        if not self._noise.acts:
            return {}
        size, device = batch.inputs.shape[1], batch.inputs.device
        own = dict(zip(batch.draws, batch.counts, strict=True))
        numbers = {draws: number for number, draws in enumerate(own)}
        rows = [numbers[draws] for draws in batch.draws]
        index = torch.tensor(rows, device=device)
        found: Tensors = {}
        for count in dict.fromkeys(own.values()):
            for name, (first, *rest) in self._shapes(batch.inputs[0, :count]).items():
                if name not in found:
                    found[name] = torch.zeros(len(own), first // count * size, *rest, device=device)
                used = _used(name.split(":", 1)[0], dials, rows)
                for draws, number in numbers.items():
                    if own[draws] == count and number in used:
                        self._fill(found[name][number, :first], draws, name)
        if len(own) == len(rows):
            return found
        return {name: drawn.index_select(0, index) for name, drawn in found.items()}

    def _fill(self, tensor: Tensor, draws: Draws, name: str) -> None:
        if tensor.device not in self._generators:
            self._generators[tensor.device] = torch.Generator(tensor.device)
        seeded = self._generators[tensor.device].manual_seed(key(draws.seed, draws.fold, draws.step, name) >> 1)
        tensor.uniform_(generator=seeded)

    def _shapes(self, inputs: Tensor) -> dict[str, tuple[int, ...]]:
        """The draws that a forward pass asks for, with their shapes: found by one pass for each shape of batch."""
        shape = tuple(inputs.shape)
        if shape not in self._asked:
            asked: dict[str, tuple[int, ...]] = {}

            def note(name: str, wanted: Sequence[int], like: Tensor) -> Tensor:
                asked[name] = tuple(wanted)
                return torch.full(asked[name], 0.5, device=like.device)

            self._noise.bind(note, {})
            mode, before = self._model.training, [(buffer, buffer.clone()) for buffer in self._model.buffers()]
            with torch.no_grad():
                self._model.train()(inputs)
                for buffer, value in before:
                    buffer.copy_(value)
            self._model.train(mode)
            self._asked[shape] = asked
        return self._asked[shape]


def _used(noise: str, dials: Mapping[str, Mapping[str, Tensor]], rows: Sequence[int]) -> set[int]:
    """Which draws matter: a noise whose dials are all zero changes nothing, whatever is drawn."""
    own = dials.get(noise)
    if not own:
        return set(rows)
    moving = torch.stack([value != 0 for value in own.values()]).any(0).tolist()
    return {row for row, moves in zip(rows, moving, strict=False) if moves}
