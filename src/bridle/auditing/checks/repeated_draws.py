"""Workers of a loader that draw the same random numbers, and again in every epoch."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, ClassVar, final

import numpy as np
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data._utils import worker

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.auditing.undo import Undo
from bridle.records import Finding, Severity

EPOCHS = (0, 1000)
"""Seeds that a loader might give its workers in two epochs; each worker adds its number."""

DEPTH = 4
"""How deep generators are looked for in the dataset's attributes."""


@final
class RepeatedDraws(Check):
    """Each worker gets a copy of the dataset; a generator stored in it is copied with its state.

    The copies are made here as the workers would have them, ``worker_init_fn`` is called on them, and their states are
    compared.
    """

    name: ClassVar[str] = "repeated_draws"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """One finding for each stored generator that the rows are drawn from."""
        loader = observed.loader
        if not isinstance(loader, DataLoader) or not loader.num_workers or isinstance(loader.dataset, IterableDataset):
            return
        with Undo():
            try:
                used = _used(deepcopy(loader.dataset))
                first, second, later = (
                    _states(loader, *who) for who in ((0, EPOCHS[0]), (1, EPOCHS[0]), (0, EPOCHS[1]))
                )
            except Exception:  # a dataset that cannot be copied, or initialised outside its workers, is not judged
                return
        for place in used:
            same = loader.num_workers > 1 and first.get(place) == second.get(place)
            again = not loader.persistent_workers and first.get(place) == later.get(place)
            if not same and not again:
                continue
            yield Finding(
                self.name,
                Severity.ERROR if same else Severity.WARNING,
                _message(place, loader.num_workers, same, again),
                {"generator": place, "workers": loader.num_workers, "same_in_workers": same, "same_in_epochs": again},
            )


def _message(place: str, workers: int, same: bool, again: bool) -> str:
    parts = [f"all {workers} workers draw the same numbers"] * same + ["every epoch repeats the first"] * again
    return (
        f"The dataset draws from the generator in {place}, which each worker gets as a copy in the same state: "
        f"{' and '.join(parts)}. Augmentation has that much less variety. Make the generator in the worker: in "
        "__getitem__ `if self.rng is None: self.rng = "
        "np.random.default_rng(torch.utils.data.get_worker_info().seed)`, with None stored before, or set it anew "
        "in worker_init_fn."
    )


def _used(dataset: Any) -> list[str]:
    """The stored generators that fetching a row moves on."""
    before = _found(dataset)
    if before:
        for index in range(min(4, len(dataset))):
            dataset[index]
    after = _found(dataset)
    return [place for place, state in before.items() if after.get(place) != state]


def _states(loader: DataLoader[Any], number: int, seed: int) -> dict[str, str]:
    """The states of the stored generators in worker ``number`` when it begins."""
    dataset = deepcopy(loader.dataset)
    info = worker.WorkerInfo(id=number, num_workers=loader.num_workers, seed=seed + number, dataset=dataset)
    before, worker._worker_info = worker._worker_info, info
    try:
        if loader.worker_init_fn is not None:
            loader.worker_init_fn(number)
    finally:
        worker._worker_info = before
    return _found(dataset)


def _found(thing: Any, place: str = "dataset", depth: int = DEPTH) -> dict[str, str]:
    """Each stored generator's state as text, by where it is."""
    if isinstance(thing, np.random.Generator):
        return {place: repr(thing.bit_generator.state)}
    if isinstance(thing, np.random.RandomState):
        return {place: repr(thing.get_state())}
    if isinstance(thing, random.Random):
        return {place: repr(thing.getstate())}
    if depth == 0:
        return {}
    if isinstance(thing, list | tuple):
        parts = {f"{place}[{number}]": part for number, part in enumerate(thing[:64])}
    else:
        parts = {f"{place}.{name}": part for name, part in getattr(thing, "__dict__", {}).items()}
    return {name: state for where, part in parts.items() for name, state in _found(part, where, depth - 1).items()}
