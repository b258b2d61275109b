"""Where skorch trains, stops early and saves."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, final

from bridle.auditing.witnessed import Stopper


@final
class Skorch:
    """``NeuralNet.fit`` with ``EarlyStopping``, which restores with ``load_best`` only, and ``Checkpoint``."""

    modules = ("skorch.net",)

    def trainings(self, module: Any) -> Sequence[tuple[Any, str]]:
        """``partial_fit``, which ``fit`` calls."""
        return [(module.NeuralNet, "partial_fit")]

    def checks(self, module: Any) -> Sequence[tuple[Any, str]]:  # noqa: ARG002 - the callbacks are elsewhere
        """It is looked at after each epoch."""
        return [(_callbacks().EarlyStopping, "on_epoch_end")]

    def saves(self, module: Any) -> Sequence[tuple[Any, str]]:  # noqa: ARG002
        """A checkpoint may be written after each epoch."""
        return [(_callbacks().Checkpoint, "on_epoch_end")]

    def lasts(self, saver: Any) -> bool:
        """Unless it monitors something it writes each epoch, over the one before if that has the same name."""
        return saver.monitor is not None or "{" in str(saver.f_params)

    def improved(self, callback: Any) -> bool:
        """It counts epochs without improvement."""
        return bool(callback.misses_ == 0)

    def callbacks(self, trainer: Any) -> Iterable[Any]:
        """Those whose patience has come to an end, and that restored nothing."""
        for callback in _of(trainer, "EarlyStopping"):
            if callback.misses_ >= callback.patience > 0 and not callback.load_best:
                yield callback

    def stopper(self, trainer: Any, callback: Any, phase: int) -> Stopper:
        """With the advice to restore the best weights."""
        saved = any(self.lasts(one) for one in _of(trainer, "Checkpoint"))
        best = next(row[callback.monitor] for row in trainer.history if row["epoch"] == callback.best_epoch_)
        load = "Load the best ones: net.load_params(checkpoint=...), or write Checkpoint(load_best=True)"
        return Stopper(
            name="skorch's EarlyStopping",
            monitor=callback.monitor,
            best=float(best),
            last=float(trainer.history[-1][callback.monitor]),
            since=int(callback.misses_),
            phase=phase,
            saved=saved,
            advice=load if saved else f"Write EarlyStopping(monitor={callback.monitor!r}, load_best=True)",
        )


def _callbacks() -> Any:
    return sys.modules["skorch.callbacks"]


def _of(net: Any, name: str) -> list[Any]:
    return [one for _, one in net.callbacks_ if name in {kind.__name__ for kind in type(one).__mro__}]
