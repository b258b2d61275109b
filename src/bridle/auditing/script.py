"""Runs a training script under the audit, without changes to it."""

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from bridle.auditing.catalogue import checks_seen_in
from bridle.auditing.checks.stale_batch_norm import StaleBatchNorm
from bridle.auditing.evaluations import Evaluations
from bridle.auditing.first_steps import FirstSteps
from bridle.auditing.keras import (
    added_after_compile,
    chosen_on_test,
    fitted_on_all_rows,
    last_weights_kept,
    losses_left_out,
    set_after_build,
    unused_weight,
)
from bridle.auditing.keras.notice import KerasModels
from bridle.auditing.loaders import Loaders, spaces
from bridle.auditing.modules import Modules
from bridle.auditing.never_added import NeverAdded
from bridle.auditing.observed import Observed
from bridle.auditing.stopping.notice import Stoppings
from bridle.auditing.transformers import Transformers
from bridle.auditing.watch import Watch
from bridle.auditing.witnessed import Witnessed
from bridle.errors import RunError
from bridle.records import Finding, Severity
from bridle.records.traced import Traced

ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


class _EnoughError(BaseException):
    """Ends the script; no Exception, so that ``except Exception`` in it does not keep it."""


def audit_script(script: str | Path, arguments: Sequence[str] = (), *, epochs: int = 0) -> Traced:
    """Run a script as ``python script.py ARGUMENTS`` would, and tell what its training really does.

    It runs in this process, with what it prints sent to the error stream and ``torch.compile`` doing nothing. It is
    stopped after the first step of a torch optimizer or of a Keras model, in ``fit`` or another loop; with ``epochs``,
    after as many validations.

    Args:
        script: Path of the script.
        arguments: Its arguments.
        epochs: Validations after which to stop; 0 stops after the first step.

    Raises:
        RunError: If there is no such script, it failed before a step, or nothing made one.
    """
    path = Path(script)
    if not path.is_file():
        raise RunError(f"The script must be a Python file; {script} is none. Give the path of a training script.")
    trace, own = _Trace(epochs), Modules(path)
    with _in_place_of_main(path, arguments) as module, own.followed(), trace.following(), redirect_stdout(sys.stderr):
        try:
            exec(own.main(), module.__dict__)
            trace.witnessed.ended = True
        except _EnoughError:
            pass
        except SystemExit as end:
            trace.witnessed.ended = not end.code
            trace.failed(end, path) if end.code else None
        except Exception as error:
            trace.failed(error, path)
        trace.judge([module.__dict__])
    if not trace.steps:
        raise RunError(
            f"{script} ended without a step of a torch optimizer, or of a Keras model, in this process: nothing was "
            "audited. Give the script the arguments it trains with, after --, and let it train in its own process."
        )
    findings = sorted(trace.findings, key=lambda finding: ORDER.index(finding.severity))
    return Traced(str(script), tuple(findings), trace.steps, trace.validations, tuple(trace.notes))


class _Trace:
    """What is known of a running script, and when it has run far enough."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.steps = 0
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.witnessed = Witnessed()
        self._loaders = Loaders()
        self._evaluations = Evaluations(self.witnessed, self._loaders)
        self._transformers = Transformers(self.witnessed)
        self._first_steps = FirstSteps(lambda: self._watch.trained, self._alone)
        steps = self._first_steps
        parts = (self._training, self._evaluations, steps.loss_computed, steps.penalty_added)
        self._watch = Watch(self.witnessed, *parts)
        self._never_added = NeverAdded(lambda: self._watch.trained)
        self._keras = KerasModels(self._keras_stepped, self._keras_validated, self._keras_applied)
        self._keras_seen: list[Any] = []
        self._keras_validations = 0
        self._optimizers: list[Optimizer] = []
        self._judged = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Notice models, loaders and optimizers in here."""
        with ExitStack() as stack:
            stack.enter_context(self._never_added.noticed())
            hook = register_optimizer_step_post_hook(self._stepped)
            stack.callback(hook.remove)
            stack.enter_context(self._loaders.noticed())
            stack.enter_context(self._evaluations.noticed())
            stack.enter_context(Stoppings(self._evaluations).noticed())
            stack.enter_context(self._transformers.noticed())
            stack.enter_context(self._first_steps.noticed())
            stack.enter_context(_uncompiled())
            stack.enter_context(self._keras.noticed())
            stack.enter_context(self._watch)
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """What is called in here is none of the script's doing."""
        before = self._watch.paused
        self._watch.paused = self._transformers.paused = True
        try:
            yield
        finally:
            self._watch.paused = self._transformers.paused = before

    def _training(self) -> None:
        if self.epochs and self.validations >= self.epochs:
            self._stop(sys._getframe(1))

    def _stepped(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002 - the hook's form
        self.steps += 1
        if not any(known is optimizer for known in self._optimizers):
            self._optimizers.append(optimizer)
            self.witnessed.without_gradient.extend(self._without_gradient(optimizer))
        if not self.epochs:
            self._stop(sys._getframe(1))

    @property
    def validations(self) -> int:
        """Passes over validation rows so far; on Keras's torch backend both counts see the same ones."""
        return max(len(self.witnessed.validations), self._keras_validations)

    def _keras_stepped(self, model: Any, inputs: Any) -> None:
        self.steps += 1
        if not any(known is model for known in self._keras_seen):
            self._keras_seen.append(model)
            with self._alone():
                self.findings.extend(set_after_build.look(model))
                self.findings.extend(added_after_compile.look(model, self._keras.compiled.get(model, set())))
                self.findings.extend(unused_weight.look(model, inputs))
        if not self.epochs:
            self._stop(sys._getframe(1))

    def _keras_applied(self, optimizer: Any, variables: list[Any], felt: bool, fitting: bool) -> None:
        if not any(known is optimizer for known in self._keras_seen):
            self._keras_seen.append(optimizer)
            self._watch.paused = True
            self.findings.extend(losses_left_out.look(sys.modules["keras"], variables, felt))
            self._watch.paused = False
        if fitting:  # which tells of its steps by itself
            return
        self.steps += 1
        if not self.epochs:
            self._stop(sys._getframe(1))

    def _keras_validated(self) -> None:
        self._keras_validations += 1
        if self._keras_validations >= self.epochs > 0:
            self._stop(sys._getframe(1))

    def _without_gradient(self, optimizer: Optimizer) -> Iterator[str]:
        names = {id(weight): name for model in self._watch.trained for name, weight in model.named_parameters()}
        for group in optimizer.param_groups:
            for weight in group["params"]:
                if weight.requires_grad and weight.grad is None:
                    yield names.get(id(weight), f"one of shape {tuple(weight.shape)} outside the models called")

    def _stop(self, frame: FrameType) -> None:
        # While the script's functions still run: their variables name loaders, and their loaders can be read.
        self.judge(spaces(frame))
        raise _EnoughError

    def failed(self, error: BaseException, path: Path) -> None:
        """The script failed by itself."""
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        what = f"{type(error).__name__}: {error}" + (f" (line {lines[-1]})" if lines else "")
        if not self.steps:
            raise RunError(f"{path} failed before its first optimizer step: {what}. Mend that first.") from error
        self.notes.append(f"The script failed after {self.steps} steps: {what}.")

    def judge(self, variables: list[Any]) -> None:
        """Let every check look at every optimizer and the models it trains, once."""
        if self._judged:
            return
        self._judged = True
        self.witnessed.unfelt.extend(self._never_added.found())
        self._evaluations.ends(variables)
        for callbacks in self._keras.callbacks:
            self.findings.extend(last_weights_kept.look(callbacks))
        trainings, adapted = self._keras.trainings, self._keras.adapted
        with self._alone():
            fits = self.witnessed.fits
            self._found("preprocessing_on_all_rows", lambda: fitted_on_all_rows.look(trainings, fits, adapted))
        if self.witnessed.ended:
            self._found("selected_on_test", lambda: chosen_on_test.look(trainings))
        validation = self._loaders.validation or self._loaders.named_for_validation(variables)
        with self._alone():
            for optimizer in self._optimizers:
                held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
                models = [model for model in self._watch.trained if held & {id(one) for one in model.parameters()}]
                if not models:
                    self.notes.append(f"{type(optimizer).__name__} updates weights of no module that was called.")
                for model in [*models, *self.witnessed.averaged]:
                    ledger = self._first_steps.ledger(optimizer, model)
                    parts = (self._loaders.training, validation, ledger, self.witnessed)
                    self._look(Observed(model, optimizer, None, *parts), averaged=model not in models)

    def _look(self, observed: Observed, averaged: bool) -> None:
        """Let the checks look; at an averaged model, which no optimizer updates, only the one that is about it."""
        for check in checks_seen_in("script"):
            if averaged and check.name != StaleBatchNorm.name:
                continue
            self._found(check.name, partial(check.look, observed))

    def _found(self, name: str, look: Callable[[], Iterable[Finding]]) -> None:
        try:
            found = list(look())
        except Exception as error:
            self.notes.append(f"{name} could not look: {type(error).__name__}: {error}")
            return
        known = {(finding.name, finding.message) for finding in self.findings}
        self.findings.extend(finding for finding in found if (finding.name, finding.message) not in known)


@contextmanager
def _in_place_of_main(path: Path, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """A new module ``__main__`` for the script, with its arguments and its folder on the path."""
    module = ModuleType("__main__")
    module.__file__ = str(path)
    before = sys.modules["__main__"], sys.argv, list(sys.path)
    sys.modules["__main__"], sys.argv = module, [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        yield module
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = before


@contextmanager
def _uncompiled() -> Iterator[None]:
    """``torch.compile`` gives back what it is given: calls inside compiled code cannot be followed."""
    function, method = torch.compile, nn.Module.compile

    def same(model: Any = None, **options: Any) -> Any:  # noqa: ARG001 - torch's own signature
        return (lambda given: given) if model is None else model

    torch.compile, nn.Module.compile = same, lambda *_, **__: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.compile, nn.Module.compile = function, method  # type: ignore[method-assign]
