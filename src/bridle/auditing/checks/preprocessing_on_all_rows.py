"""Preprocessing that was fitted on validation rows, too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.auditing.rows import again_possible, blocks, digests
from bridle.auditing.undo import Undo
from bridle.auditing.witnessed import Fit, Witnessed
from bridle.records import Finding, Severity

LIMIT = 100_000
"""Rows of each loader that are compared."""

MOST = 20_000_000
"""Numbers of a part, or of a transformer's output, up to which they are compared."""

FEW = 2
"""Rows below which no statistics are taken."""

CENTRED = 1e-4
"""How far the mean of standardised columns may be from 0 by rounding, in standard deviations."""

SCALED = 1e-3
"""How far their standard deviation may be from 1, by rounding or by the divisor n - 1."""


CONSTANT = 1e-6
"""The deviation of a column below which it is constant."""

SOME = 0.1
"""Share of the columns that must be standardised where others, such as codes, are not."""


@final
class PreprocessingOnAllRows(Check):
    """A transformer gives validation rows from what it was fitted on, or all rows together are standardised.

    Of scikit-learn's transformers what they make of the rows they were fitted on is compared, number for number, with
    the rows that were validated on, and with what they make of them when fitted without them. Rows that went through
    more steps afterwards are seen only if all rows, and no other ones, were fitted on. Standardising by other means
    shows in the loaders' data: over training and validation rows together every mean is 0, every deviation 1, which
    they are not over the training rows. Where a third part was standardised with them, that is not seen.
    """

    name: ClassVar[str] = "preprocessing_on_all_rows"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding for each transformer, else for the numbers themselves."""
        seen = observed.witnessed or Witnessed()
        with Undo():
            trained, train = _read(observed.loader)
            validated, valid = _read(observed.val_loader)
            trained = trained or seen.trained_rows  # read from the loaders, or else as the model was given them
            validated = validated or next((rows for rows in seen.validations if rows), [])
            yield from self._found(_parts(trained, validated, train, valid), seen.fits, split=False)

    def between(
        self, train: Sequence[Any], valid: Sequence[Any], fits: Sequence[Fit], split: bool
    ) -> Iterator[Finding]:
        """The same for arrays that were given to a training.

        Args:
            train: The arrays of training rows.
            valid: Those of validation rows.
            fits: Transformers that were fitted.
            split: Whether the training split the validation rows off by itself, so that what came before it is a note.
        """
        with Undo():
            trained, numbers = _read(train)
            validated, others = _read(valid)
            yield from self._found(_parts(trained, validated, numbers, others), fits, split)

    def _found(self, parts: "_Parts | None", fits: Sequence[Fit], split: bool) -> Iterator[Finding]:
        if parts is None:
            return
        effects = [(fit, effect) for fit in fits if (effect := _effect(fit, parts)) is not None]
        if effects:  # a pipeline and its steps are one mistake
            yield self._of_fit(*max(effects, key=lambda pair: pair[1].targets), split)
        elif not split:
            yield from self._of_numbers(parts)

    def _of_fit(self, fit: Fit, effect: "_Effect", split: bool) -> Finding:
        name = type(fit.transformer).__name__
        message = (
            f"{name} was fitted on {effect.rows} rows, {effect.shared} of them validation rows"
            f"{', with their targets' if effect.targets else ''}: what it learned from them is in every training row, "
            "and their score is better than on rows it has never seen. "
        )
        if split:
            message += "validation_split splits off validation rows after it: hold out rows for the test."
        elif fit.in_pipeline:
            message += "The last step of its pipeline splits off validation rows after it: hold out rows for the test."
        else:
            message += f"Split first; {name}().fit(training rows), then transform() for all parts, or a Pipeline."
        levels = (Severity.INFO, Severity.WARNING, Severity.ERROR)
        severity = levels[1 + effect.targets - (fit.in_pipeline or split)]
        numbers = {"transformer": name, "rows": effect.rows, "shared": effect.shared, "targets": effect.targets}
        return Finding(self.name, severity, message, numbers)

    def _of_numbers(self, parts: "_Parts") -> Iterator[Finding]:
        if parts.train is None or parts.valid is None or parts.train.shape[1:] != parts.valid.shape[1:]:
            return
        for unit, train, valid in _views(parts.train, parts.valid):
            off = _standardised_together(train, valid)
            if off is not None:
                message = (
                    f"Over training and validation rows together each {unit} has mean 0 and deviation 1; over the "
                    f"training rows alone a mean is off by {off:.2g} deviations: rows were standardised before they "
                    "were split. Split first, and take mean and deviation from the training rows."
                )
                yield Finding(self.name, Severity.WARNING, message, {"unit": unit, "off": off})
                return


@dataclass(frozen=True, eq=False)
class _Parts:
    """Training and validation rows: digests, and the numbers where they are all at hand."""

    trained: set[bytes]
    validated: set[bytes]
    counts: tuple[int, int]
    train: Tensor | None
    valid: Tensor | None


@dataclass(frozen=True)
class _Effect:
    rows: int
    shared: int
    targets: bool


def _parts(
    trained: Sequence[bytes], validated: Sequence[bytes], train: Tensor | None, valid: Tensor | None
) -> _Parts | None:
    alone = set(validated) - set(trained)
    return _Parts(set(trained), alone, (len(trained), len(validated)), train, valid) if alone else None


def _read(loader: Iterable[Any] | None) -> tuple[list[bytes], Tensor | None]:
    if loader is None or not again_possible(loader):
        return [], None
    names: list[bytes] = []
    held: list[Tensor] = []
    whole = True
    for block in blocks(loader, LIMIT):
        names.extend(digests(block))
        whole = whole and block.is_floating_point() and block.ndim > 1 and block[:1].numel() * len(names) <= MOST
        held = [*held, block.cpu().flatten(1).double()] if whole else []
    whole = whole and len({part.shape[1] for part in held}) == 1 and len(names) < LIMIT
    return names, torch.cat(held) if whole else None


def _effect(fit: Fit, parts: _Parts) -> _Effect | None:
    """Which validation rows it was fitted on, None if none, or if that changes nothing."""
    if _is_for_targets(fit) or not hasattr(fit.transformer, "transform"):
        return None
    given = _given(fit.transformer, fit.rows)
    if given is None:
        return None
    held = next((mask for kind in ("float32", "float64") if (mask := _among(given, kind, parts.validated)).any()), None)
    if held is not None and 2 * len(set(_digests(given, held))) >= len(parts.validated):
        shared = held
    elif len(given) == sum(parts.counts):
        shared = np.arange(len(given)) >= parts.counts[0]
    else:
        return None
    if (~shared).sum() < FEW or _same_without(fit, given, shared):
        return None
    return _Effect(len(given), int(shared.sum()), _uses_targets(fit, given))


def _given(transformer: Any, rows: Any) -> Any:
    """What a transformer makes of rows, as an array of two or more dimensions."""
    try:
        made = transformer.transform(rows)
        if len(made.shape) < 2 or np.prod(made.shape, dtype=float) > MOST:
            return None
        return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)
    except Exception:  # rows that are used up or were changed since, outputs that are no numbers
        return None


def _among(given: Any, kind: str, wanted: set[bytes]) -> Any:
    return np.array([digest in wanted for digest in digests(torch.from_numpy(given.astype(kind)))], dtype=bool)


def _digests(given: Any, mask: Any) -> list[bytes]:
    return [row.tobytes() for row in given[mask]]


def _same_without(fit: Fit, given: Any, shared: Any) -> bool:
    """Whether the transformer makes the same of the rows when it is fitted without them."""
    from sklearn.utils import _safe_indexing

    try:
        rest, own = np.flatnonzero(~shared), np.flatnonzero(shared)
        targets = () if fit.targets is None else (_safe_indexing(fit.targets, rest),)
        made = _given(_anew(fit, _safe_indexing(fit.rows, rest), *targets), _safe_indexing(fit.rows, own))
    except Exception:  # no clone is possible, or too few rows are left: nothing was shown
        return True
    return made is not None and made.shape == given[shared].shape and not _differ(made, given[shared])


def _differ(one: Any, other: Any) -> bool:
    return bool((np.abs(one - other) > 1e-6 * np.abs(other) + 1e-9).any())


def _is_for_targets(fit: Fit) -> bool:
    tags = fit.transformer.__sklearn_tags__()
    return bool(tags.target_tags.one_d_labels or tags.target_tags.two_d_labels or not tags.requires_fit)


def _uses_targets(fit: Fit, given: Any) -> bool:
    """Whether the transformer makes something else of the rows when it is fitted on their targets in reverse."""
    if fit.targets is None:
        return False
    try:
        made = _given(_anew(fit, fit.rows, np.asarray(fit.targets)[::-1]), fit.rows)
    except Exception:  # no clone is possible: nothing was shown
        return False
    return made is None or made.shape != given.shape or _differ(made, given)


def _anew(fit: Fit, *given: Any) -> Any:
    from sklearn.base import clone

    return clone(fit.transformer).fit(*given)


def _views(train: Tensor, valid: Tensor) -> Sequence[tuple[str, Tensor, Tensor]]:
    return ("column", train, valid), ("number", train.reshape(-1, 1), valid.reshape(-1, 1))


def _standardised_together(train: Tensor, valid: Tensor) -> float | None:
    """How far the training rows' means are from 0 in deviations, where all rows together are standardised."""
    whole = torch.cat([train, valid])
    means, deviations = whole.mean(0), whole.std(0, correction=0)
    varying = deviations > CONSTANT
    exact = varying & (means.abs() <= CENTRED) & ((deviations - 1).abs() <= max(SCALED, 1.0 / len(whole)))
    if not bool(exact.any()) or (not bool(exact[varying].all()) and exact.sum() < max(2, SOME * len(varying))):
        return None
    off = train[:, exact].mean(0).abs().max().item()
    return off if off > 10 * CENTRED else None
