"""Where the Trainer of Hugging Face trains, stops early and saves."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, final

from bridle.auditing.witnessed import Stopper


@final
class HuggingFace:
    """``Trainer.train`` with ``EarlyStoppingCallback``, which restores with ``load_best_model_at_end`` only."""

    modules = ("transformers.trainer",)

    def trainings(self, module: Any) -> Sequence[tuple[Any, str]]:
        """``Trainer.train``."""
        return [(module.Trainer, "train")]

    def checks(self, module: Any) -> Sequence[tuple[Any, str]]:  # noqa: ARG002 - the callback is elsewhere
        """It is looked at after each evaluation."""
        return [(sys.modules["transformers.trainer_callback"].EarlyStoppingCallback, "on_evaluate")]

    def saves(self, module: Any) -> Sequence[tuple[Any, str]]:
        """The Trainer writes its checkpoints itself."""
        return [(module.Trainer, "_save_checkpoint")]

    def lasts(self, saver: Any) -> bool:  # noqa: ARG002 - the files are looked at when training has ended
        """Old checkpoints may be deleted: see ``stopper``."""
        return False

    def improved(self, callback: Any) -> bool:
        """It counts evaluations without improvement."""
        return bool(callback.early_stopping_patience_counter == 0)

    def callbacks(self, trainer: Any) -> Iterable[Any]:
        """Those whose patience has come to an end, where the best weights are not loaded by the Trainer."""
        for callback in [] if trainer.args.load_best_model_at_end else trainer.callback_handler.callbacks:
            known = "EarlyStoppingCallback" in {kind.__name__ for kind in type(callback).__mro__}
            if known and callback.early_stopping_patience_counter >= callback.early_stopping_patience > 0:
                yield callback

    def stopper(self, trainer: Any, callback: Any, phase: int) -> Stopper:
        """With the advice to let the Trainer load the best weights."""
        monitor = f"eval_{trainer.args.metric_for_best_model.removeprefix('eval_')}"
        best = trainer.state.best_model_checkpoint
        return Stopper(
            name="EarlyStoppingCallback",
            monitor=monitor,
            best=float(trainer.state.best_metric),
            last=float(next(log[monitor] for log in reversed(trainer.state.log_history) if monitor in log)),
            since=int(callback.early_stopping_patience_counter),
            phase=phase,
            saved=best is not None and Path(best).is_dir(),
            advice="Write TrainingArguments(load_best_model_at_end=True), with the same save_strategy as eval_strategy",
        )
