"""A training that stopped early and kept its last weights, or restored what were no copies."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluations import digest_of
from bridle.auditing.observed import Observed
from bridle.auditing.witnessed import EarlyStop, Evaluation, Load, Stopper, Witnessed
from bridle.records import Finding, Severity


@final
class BestWeightsNotRestored(Check):
    """The weights at the end of a script are compared with those of its best validation.

    A script is judged that ran to its own end, and that ended its loop over epochs by something that came out in it,
    or let a framework's early stopping do that: who trains a fixed number of epochs means the last weights. Nothing is
    said where the script copied or saved the best weights when they were validated, since what happens to a copy later
    is not seen; what is certain then is the mistake to load the model's own live tensors, in the belief that
    ``state_dict()`` had copied them. Where a framework saved them and the script loads nothing, but goes on with the
    last ones, that is a note.
    """

    name: ClassVar[str] = "best_weights_not_restored"
    seen_in: ClassVar[tuple[str, ...]] = ("script",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the best and the last validation."""
        found = observed.witnessed
        if found is None:
            return
        load = next((load for load in found.loads if load.itself and _trained_between(found, load)), None)
        if load is not None:
            yield self._loaded_itself(load)
        if found.ended and load is None:
            for stop in found.early_stops:
                if stop.by is None:
                    yield from self._stopped(found, stop)
            frameworks = [
                one for stop in found.early_stops if stop.by for one in self._stopped_by(found, stop, stop.by)
            ]
            yield from frameworks[-1:]  # a search trains many times with the same callback

    def _loaded_itself(self, load: Load) -> Finding:
        message = (
            f"load_state_dict() gave {type(load.model).__name__} its own live tensors after {load.after} evaluations: "
            "nothing was restored. state_dict() copies nothing, so what it gave at the best epoch went on training. "
            "Write best = copy.deepcopy(model.state_dict())."
        )
        return Finding(self.name, Severity.ERROR, message, {"evaluations": load.after})

    def _stopped(self, found: Witnessed, stop: EarlyStop) -> Iterator[Finding]:
        last = stop.evaluations[-1]
        later = [one for one in found.evaluations if one.phase > stop.phase and one.model is stop.model]
        best = _best(stop.evaluations)
        if best is None or best.kept or later or _went_back(found, stop):
            return
        epochs = len({one.phase for one in stop.evaluations if one.phase > best.phase})
        same = next(one for one in stop.evaluations if one.key == best.key and one.phase == last.phase)
        shared = [(name, value, same.costs[name]) for name, value in best.costs.items() if name in same.costs]
        values = ", ".join(f"{name} {after:.4g} instead of {before:.4g}" for name, before, after in shared)
        message = (
            f"Training stopped early and kept its last weights: {values}, {epochs} validations after the best one. "
            "The weights of that one were neither copied nor saved. Write best = copy.deepcopy(model.state_dict()) at "
            "each improvement and model.load_state_dict(best) at the end."
        )
        numbers = {"validations_since": epochs, **{name: [before, after] for name, before, after in shared}}
        yield Finding(self.name, Severity.WARNING, message, numbers)

    def _stopped_by(self, found: Witnessed, stop: EarlyStop, by: Stopper) -> Iterator[Finding]:
        last = stop.evaluations[-1]
        position, best = found.evaluations.index(last), [one for one in stop.evaluations if one.phase == by.phase]
        after = found.evaluations[position + 1 :]
        loaded = any(load.after > position for load in found.loads)
        if not best or loaded or _went_back(found, stop):
            return
        used = any(one.weights == last.weights for one in after) or found.copied_after > found.early_stops.index(stop)
        if not used if by.saved else any(one.kept for one in best):
            return
        where = "are in a file that nothing loaded, and the last ones were used" if by.saved else "were not kept"
        message = (
            f"{by.name} stopped the training and left the model with its last weights: {by.monitor} {by.last:.4g} "
            f"instead of {by.best:.4g}, {by.since} validations after the best one. The weights of that one {where}. "
            f"{by.advice}."
        )
        numbers = {"monitor": by.monitor, "best": by.best, "last": by.last, "validations_since": by.since}
        yield Finding(self.name, Severity.INFO if by.saved else Severity.WARNING, message, numbers)


def _trained_between(found: Witnessed, load: Load) -> bool:
    """Whether the model was evaluated, trained, and evaluated again before it was loaded."""
    phases = {one.phase for one in found.evaluations[: load.after] if one.model is load.model and one.phase > 0}
    return len(phases) > 1


def _best(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The latest evaluation that was best by something measured; None unless the last one was best by nothing."""
    groups: dict[tuple[int, int], list[Evaluation]] = {}
    for one in evaluations:
        if not one.training_rows:
            groups.setdefault(one.key, []).append(one)
    latest = evaluations[-1].phase
    best: list[Evaluation] = []
    for group in groups.values():
        for name in group[-1].costs if group[-1].phase == latest else ():
            lowest = min((one for one in group if name in one.costs), key=lambda one: (one.costs[name], -one.phase))
            if lowest.phase == latest:
                return None
            best.append(lowest)
    return max(best, key=lambda one: one.phase, default=None)


def _went_back(found: Witnessed, stop: EarlyStop) -> bool:
    """Whether weights of an earlier evaluation, or other ones altogether, came after the stop."""
    last, position = stop.evaluations[-1], found.evaluations.index(stop.evaluations[-1])
    earlier = {one.weights for one in stop.evaluations} - {last.weights}
    after = {load.weights for load in found.loads if load.after > position}
    after |= {one.weights for one in found.evaluations[position + 1 :]}
    return bool(earlier & after) or digest_of(stop.model) != last.weights
