"""Notices when a framework's early stopping ends a training, and which weights were best by it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import wraps
from typing import Any, Protocol, final
from weakref import WeakKeyDictionary

from bridle.auditing.evaluations import Evaluations
from bridle.auditing.imported import when_imported
from bridle.auditing.stopping.huggingface import HuggingFace
from bridle.auditing.stopping.lightning import Lightning
from bridle.auditing.stopping.skorch import Skorch
from bridle.auditing.witnessed import Stopper


class Framework(Protocol):
    """Where a framework trains, stops early and saves."""

    @property
    def modules(self) -> Sequence[str]:
        """The modules that define its trainer."""

    def trainings(self, module: Any) -> Sequence[tuple[Any, str]]:
        """Classes and the name of their method that trains."""

    def checks(self, module: Any) -> Sequence[tuple[Any, str]]:
        """Classes and the names of their methods in which the monitored value is looked at."""

    def saves(self, module: Any) -> Sequence[tuple[Any, str]]:
        """Classes and the names of their methods in which a checkpoint may be written."""

    def lasts(self, saver: Any) -> bool:
        """Whether what these write is still there when training has ended."""

    def improved(self, callback: Any) -> bool:
        """Whether the last value that it looked at was the best one."""

    def callbacks(self, trainer: Any) -> Iterable[Any]:
        """The early stopping of a training, that has ended it without restoring the best weights."""

    def stopper(self, trainer: Any, callback: Any, phase: int) -> Stopper:
        """What is known of it; ``phase`` is how often training had begun before the best value."""


FRAMEWORKS: tuple[Framework, ...] = (HuggingFace(), Lightning(), Skorch())


@final
class Stoppings:
    """Early stopping by frameworks, told to the evaluations of a script.

    Args:
        evaluations: Those of the script.
    """

    def __init__(self, evaluations: Evaluations) -> None:
        self._evaluations = evaluations
        self._best: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._stack = ExitStack()

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice in here what frameworks stop early."""
        with self._stack, ExitStack() as imports:
            for framework in FRAMEWORKS:
                for name in framework.modules:
                    imports.enter_context(when_imported(name, self._patching(framework)))
            yield

    def _patching(self, framework: Framework) -> Callable[[Any], None]:
        def patch(module: Any) -> None:
            for kind, name in framework.trainings(module):
                self._replace(kind, name, lambda method: self._training(framework, method))
            for kind, name in framework.checks(module):
                self._replace(kind, name, lambda method: self._checking(framework, method))
            for kind, name in framework.saves(module):
                self._replace(kind, name, lambda method: self._saving(framework, method))

        return patch

    def _replace(self, kind: Any, name: str, made: Callable[[Any], Any]) -> None:
        before = vars(kind).get(name)
        if before is not None:
            setattr(kind, name, made(before))
            self._stack.callback(setattr, kind, name, before)

    def _training(self, framework: Framework, train: Any) -> Any:
        @wraps(train)
        def noticed(trainer: Any, *args: Any, **kwargs: Any) -> Any:
            first = self._evaluations.count
            result = train(trainer, *args, **kwargs)
            for callback in framework.callbacks(trainer):
                if callback in self._best:
                    self._evaluations.stopped(first, framework.stopper(trainer, callback, self._best[callback]))
            return result

        return noticed

    def _checking(self, framework: Framework, check: Any) -> Any:
        @wraps(check)
        def noticed(callback: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return check(callback, *args, **kwargs)
            finally:  # skorch's raises when it stops
                if framework.improved(callback):
                    self._best[callback] = self._evaluations.phase

        return noticed

    def _saving(self, framework: Framework, save: Any) -> Any:
        @wraps(save)
        def noticed(saver: Any, *args: Any, **kwargs: Any) -> Any:
            with nullcontext() if framework.lasts(saver) else self._evaluations.passing_copies():
                return save(saver, *args, **kwargs)

        return noticed
