"""Where Lightning trains, stops early and saves."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, final

from bridle.auditing.witnessed import Stopper


@final
class Lightning:
    """``Trainer.fit`` with ``EarlyStopping``, which never restores weights, and ``ModelCheckpoint``."""

    modules = ("lightning.pytorch.trainer.trainer", "pytorch_lightning.trainer.trainer")

    def trainings(self, module: Any) -> Sequence[tuple[Any, str]]:
        """``Trainer.fit``."""
        return [(module.Trainer, "fit")]

    def checks(self, module: Any) -> Sequence[tuple[Any, str]]:
        """It is looked at after a validation, or at the end of an epoch."""
        kind = _callbacks(module).EarlyStopping
        return [(kind, "on_validation_end"), (kind, "on_train_epoch_end")]

    def saves(self, module: Any) -> Sequence[tuple[Any, str]]:
        """Everywhere that a checkpoint can be written in ``fit``."""
        kind = _callbacks(module).ModelCheckpoint
        names = ("on_train_batch_end", "on_validation_end", "on_train_epoch_end", "on_train_end")
        return [(kind, name) for name in names]

    def lasts(self, saver: Any) -> bool:
        """Unless it monitors something a checkpoint of the last epoch replaces the one before."""
        return saver.monitor is not None or saver.save_top_k == -1

    def improved(self, callback: Any) -> bool:
        """It counts checks without improvement."""
        return bool(callback.wait_count == 0)

    def callbacks(self, trainer: Any) -> Iterable[Any]:
        """Those whose patience has come to an end."""
        for callback in trainer.callbacks:
            patient = _is(callback, "EarlyStopping") and callback.wait_count >= callback.patience
            if patient and callback.wait_count and callback.monitor in trainer.callback_metrics:
                yield callback

    def stopper(self, trainer: Any, callback: Any, phase: int) -> Stopper:
        """With the advice to keep and load a checkpoint."""
        savers = [one for one in trainer.callbacks if _is(one, "ModelCheckpoint") and one.best_model_path]
        saved = any(self.lasts(one) for one in savers)
        keep = f"Add ModelCheckpoint(monitor={callback.monitor!r}, mode={callback.mode!r}) to the callbacks and load"
        return Stopper(
            name="Lightning's EarlyStopping",
            monitor=callback.monitor,
            best=float(callback.best_score),
            last=float(trainer.callback_metrics[callback.monitor]),
            since=int(callback.wait_count),
            phase=phase,
            saved=saved,
            advice=f"{'Load' if saved else keep} the best ones: trainer.test(ckpt_path='best'), or "
            "load_from_checkpoint() with the callback's best_model_path",
        )


def _callbacks(module: Any) -> Any:
    return sys.modules[module.__name__.removesuffix(".trainer.trainer") + ".callbacks"]


def _is(callback: Any, name: str) -> bool:
    return name in {kind.__name__ for kind in type(callback).__mro__}
