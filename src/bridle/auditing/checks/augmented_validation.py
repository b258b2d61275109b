"""Validation rows that change from one reading to the next."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, final

import torch
from torch.utils.data import DataLoader, IterableDataset

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.auditing.rows import again_possible, blocks, digests, inputs_of
from bridle.auditing.undo import Undo
from bridle.records import Finding, Severity

ROWS = 512
"""Rows of a dataset that are read twice."""

LIMIT = 100_000
"""Rows of an iterable up to which it is read whole, twice: less would take another order for other rows."""

TOLERATED = 0.1
"""Share of new rows that shuffling with a dropped last batch explains."""


@final
class AugmentedValidation(Check):
    """Validation rows are read twice and compared, whatever their order."""

    name: ClassVar[str] = "augmented_validation"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the share of rows that differ."""
        readings = _readings(observed.val_loader) if observed.val_loader is not None else None
        if readings is None:
            validations = [rows for rows in witnessed(observed).validations if rows]
            if len(validations) < 2:
                return
            readings = validations[0], validations[1]
        first, second = readings
        new = sum((Counter(second) - Counter(first)).values())
        share = new / max(len(second), 1)
        if share <= TOLERATED:
            return
        message = (
            f"{share:.0%} of {len(second)} validation rows differ between two readings: they are augmented, or "
            "otherwise random, so scores change from epoch to epoch and early stopping picks lucky draws. Give the "
            "validation set the deterministic transform: two dataset objects with their own transforms, split by "
            "the same indices."
        )
        yield Finding(self.name, Severity.ERROR, message, {"share": share, "rows": len(second)})


def _readings(loader: Iterable[Any]) -> tuple[list[bytes], list[bytes]] | None:
    """The digests of the rows read twice, None where that cannot be done."""
    if not again_possible(loader):
        return None
    with Undo():
        if isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset):
            return _indexed(loader)
        first = [digest for block in blocks(loader, LIMIT) for digest in digests(block)]
        if not first or len(first) >= LIMIT:
            return None
        second = [digest for block in blocks(loader, LIMIT) for digest in digests(block)]
        return (first, second) if len(first) == len(second) else None  # unequal where time ran out


def _indexed(loader: DataLoader[Any]) -> tuple[list[bytes], list[bytes]] | None:
    """The same rows fetched twice, without the loader's order and workers."""
    size = len(loader.dataset)  # type: ignore[arg-type]
    indices = torch.linspace(0, size - 1, min(size, ROWS)).long().tolist()
    step = (loader.batch_size or 1) if loader.batch_sampler is not None else 1
    if not loader.collate_fn or loader.batch_size is None:
        return None
    both: tuple[list[bytes], list[bytes]] = ([], [])
    for reading in both:
        for start in range(0, len(indices), step):
            batch = loader.collate_fn([loader.dataset[index] for index in indices[start : start + step]])
            inputs = inputs_of(batch)
            if inputs is None:
                return None
            reading.extend(digests(inputs))
    return both
