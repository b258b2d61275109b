"""A crew trains many members: in this process, and beside it in workers where the work pays for their start."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any, TypeAlias, final

from joblib.externals.loky.process_executor import ProcessPoolExecutor

from bridle.population.member import Member
from bridle.population.task import Task
from bridle.records import Outcome

Trained: TypeAlias = tuple[Member, Outcome]
Work: TypeAlias = Callable[[Task], Iterable[Trained]]
"""Trains the members of a task in the process that calls it. Must be picklable where several workers are used."""
Plan: TypeAlias = Callable[[Sequence[Member], bool, bool], Sequence[Task]]
"""Divides members into tasks; told whether each must train by itself, and whether workers are up already."""

START_SECONDS = 8.0
"""About what starting workers costs (they import torch): shorter work stays in this process."""
IDLE_SECONDS = 60
"""Workers that nobody asks for so long end by themselves."""
TRIES = 3
"""How often workers are started anew when one was killed, before the rest is trained in this process."""


@final
class Crew:
    """Trains members, and keeps its workers between calls.

    This process works, too: workers are hired beside it. What a member becomes does not depend on the order, the
    number of workers or the company: its draws are keyed by its own seed and fold.

    Args:
        work: Trains a task; finished members are answered from their files.
        plan: Divides members into tasks.
        workers: How many processes may train at once.
    """

    def __init__(self, work: Work, plan: Plan, workers: int) -> None:
        self._work, self._plan, self._workers = work, plan, workers
        self._executor: ProcessPoolExecutor | None = None
        self._killed = 0

    def __call__(self, members: Sequence[Member], *, apart: bool = False) -> Iterator[Trained]:
        """Train every member and give each outcome as it comes, in no fixed order.

        Args:
            members: The members.
            apart: Whether each must train by itself.
        """
        running = self._executor is not None
        waiting = deque(self._plan(members, apart, running)) if members else deque[Task]()
        sent: dict[Future[list[Trained]], Task] = {}
        while waiting or sent:
            hires = self._hires(waiting)
            while hires and len(waiting) > 1 and len(sent) < self._workers:  # the last one is for this process
                task = waiting.popleft()
                sent[self._send(task)] = task
            if waiting or not sent:
                yield from self._work(waiting.popleft())
            yield from self._collect(sent, waiting, patient=not waiting)

    def _hires(self, waiting: Sequence[Task]) -> bool:
        """Whether there are workers, or what is left is worth their start."""
        if self._workers == 1 or self._killed >= TRIES:
            return False
        left = sum(task.seconds for task in waiting)
        return self._executor is not None or (len(waiting) > 1 and left > START_SECONDS)

    def _send(self, task: Task) -> "Future[list[Trained]]":
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                max_workers=self._workers - 1, timeout=IDLE_SECONDS, env={"OMP_NUM_THREADS": "1"}
            )
        found: Future[list[Trained]] = self._executor.submit(_done, self._work, task)
        return found

    def _collect(self, sent: "dict[Future[list[Trained]], Task]", waiting: deque[Task], *, patient: bool) -> Any:
        """The outcomes of the tasks that workers have ended; a task of a killed worker waits again."""
        if not sent:
            return
        ended, _ = wait(sent, timeout=None if patient else 0, return_when=FIRST_COMPLETED)
        killed = False
        for future in ended:
            task = sent.pop(future)
            try:
                yield from future.result()
            except (BrokenExecutor, CancelledError):
                killed = True
                waiting.append(task)  # what it had finished is on file, the rest is trained again
        if killed:
            self._killed += 1
            self._executor = None

    def dismiss(self) -> None:
        """Stop the workers at once."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None


def _done(work: Work, task: Task) -> list[Trained]:
    return list(work(task))
