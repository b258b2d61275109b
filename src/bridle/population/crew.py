"""A crew trains many members: in this process, and beside it in workers where the work pays for their start."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import suppress
from functools import partial
from typing import TypeAlias, final

from joblib.externals.loky.process_executor import ProcessPoolExecutor

from bridle.population.member import Member
from bridle.population.task import Task
from bridle.records import Outcome

Trained: TypeAlias = tuple[Member, Outcome]
Work: TypeAlias = Callable[[Task], Iterable[Trained]]
"""Trains the members of a task in the process that calls it. Must be picklable where several workers are used."""
_Future: TypeAlias = Future[list[Trained]]
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
        work = _Work(self._plan(members, apart, running) if members else ())
        try:
            while work.goes_on:
                if self._hires(work):
                    for _ in range(min(self._workers - 1 - len(work.sent), len(work.waiting) - 1)):
                        self._send(work)
                if task := work.take():
                    yield from self._work(task)
                yield from self._collect(work)
        finally:
            work.waiting.clear()  # workers are to take no more

    def _hires(self, work: "_Work") -> bool:
        """Whether there are workers, or what is left is worth their start."""
        if self._workers == 1 or self._killed >= TRIES:
            return False
        left = sum(task.seconds for task in list(work.waiting))
        return self._executor is not None or (len(work.waiting) > 1 and left > START_SECONDS)

    def _send(self, work: "_Work") -> None:
        """Give the next task to a worker, which takes another one as soon as it has ended."""
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                max_workers=self._workers - 1, timeout=IDLE_SECONDS, env={"OMP_NUM_THREADS": "1"}
            )
        try:
            work.send(partial(self._executor.submit, _done, self._work))
        except BrokenExecutor:  # a worker was killed while nothing was to be done
            self._gone()

    def _collect(self, work: "_Work") -> Iterator[Trained]:
        """The outcomes of the tasks that workers have ended; a task of a killed worker waits again."""
        killed = False
        for task, future in work.ended():
            try:
                yield from future.result()
            except (BrokenExecutor, CancelledError):
                killed = True
                work.waiting.append(task)  # what it had finished is on file, the rest is trained again
        if killed:
            self._gone()

    def _gone(self) -> None:
        self._killed += 1
        self._executor = None

    def dismiss(self) -> None:
        """Stop the workers at once."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None


def _done(work: Work, task: Task) -> list[Trained]:
    return list(work(task))


@final
class _Work:
    """Tasks that wait, and tasks that workers have; a worker that has ended one takes the next by itself.

    That happens in a thread of the executor, so that no worker waits for this process to end its own task.

    Args:
        tasks: The tasks.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.waiting = deque(tasks)
        self.sent: dict[_Future, Task] = {}
        self._lock = threading.Lock()

    @property
    def goes_on(self) -> bool:
        """Whether anything waits or is with a worker."""
        with self._lock:
            return bool(self.waiting or self.sent)

    def take(self) -> Task | None:
        """The next task, for this process."""
        with self._lock:
            return self.waiting.popleft() if self.waiting else None

    def send(self, submit: Callable[[Task], _Future]) -> None:
        """Submit the next task, and another one whenever it has ended well.

        Raises:
            RuntimeError: If the executor is broken or shut down.
        """
        with self._lock:
            if not self.waiting:
                return
            future = submit(self.waiting[0])
            self.sent[future] = self.waiting.popleft()

        def again(done: _Future) -> None:
            if not done.cancelled() and done.exception() is None:
                with suppress(RuntimeError):  # meanwhile shut down, or another worker was killed
                    self.send(submit)

        future.add_done_callback(again)

    def ended(self) -> list[tuple[Task, _Future]]:
        """What workers have ended; waits for it where nothing else is to be done."""
        with self._lock:
            sent, patient = list(self.sent), not self.waiting
        ended = wait(sent, timeout=None if patient else 0, return_when=FIRST_COMPLETED).done if sent else ()
        with self._lock:
            return [(self.sent.pop(future), future) for future in ended]
