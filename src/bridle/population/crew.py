"""A crew trains many members: in turn here, or in worker processes where the work is long enough to pay for them."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, final

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from bridle.population.member import Member
from bridle.records import Outcome

TrainOne: TypeAlias = Callable[[Member], Outcome]
"""Trains one member in the process that calls it. Must be picklable where several workers are used."""

START_SECONDS = 8.0
"""About what starting workers costs (they import torch): shorter work stays in this process."""

TRIES = 3
"""How often workers are started anew when one was killed, before the rest is trained in this process."""


@final
class Crew:
    """Trains members, and keeps its workers between calls.

    What a member becomes does not depend on the order, the number of workers or the company: its draws are keyed by
    its own seed and fold.

    Args:
        train: Trains one member; finished ones are answered from their files.
        workers: How many processes may train at once.
    """

    def __init__(self, train: TrainOne, workers: int) -> None:
        self._train, self._workers = train, workers
        self._hired = False

    def __call__(self, members: Sequence[Member]) -> Iterator[tuple[Member, Outcome]]:
        """Train every member and give each outcome as it comes, in no fixed order."""
        waiting = list(members)
        started, trained = time.perf_counter(), 0
        while waiting and not self._hired:
            member = waiting.pop(0)
            yield member, self._train(member)
            trained += 1
            left = (time.perf_counter() - started) / trained * len(waiting)
            self._hired = self._workers > 1 and len(waiting) > 1 and left > START_SECONDS
        if waiting:
            yield from self._in_workers(waiting)

    def _in_workers(self, members: Sequence[Member]) -> Iterator[tuple[Member, Outcome]]:
        waiting = dict(enumerate(members))
        for _ in range(TRIES):
            pool = Parallel(n_jobs=self._workers, return_as="generator_unordered", batch_size=1, max_nbytes=None)
            tasks = [delayed(_numbered)(number, self._train, member) for number, member in waiting.items()]
            outcomes = pool(tasks)
            try:
                for number, outcome in outcomes:
                    yield waiting.pop(number), outcome
                return
            except TerminatedWorkerError:
                continue  # a worker was killed: what it had finished is on file, the rest is trained again
            finally:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that tasks are left, where the caller stops asking
                    outcomes.close()
        for member in waiting.values():
            yield member, self._train(member)

    def dismiss(self) -> None:
        """Stop the workers at once."""
        if self._hired:
            get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
            self._hired = False


def _numbered(number: int, train: TrainOne, member: Member) -> tuple[int, Outcome]:
    return number, train(member)
