"""Notices the transformers of scikit-learn that a script fits. It is never imported here."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import FrameType
from typing import Any

from bridle.auditing.imported import when_imported
from bridle.auditing.witnessed import Fit, Witnessed

MOST = 50
"""Fits that are kept, with the rows they were given."""


class Transformers:
    """Which transformers were fitted, on what.

    Args:
        witnessed: Takes the fits.
    """

    def __init__(self, witnessed: Witnessed) -> None:
        self._fits = witnessed.fits
        self._stack = ExitStack()
        self.paused = False

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice those that are fitted in here."""
        with self._stack, when_imported("sklearn.base", self._patch):
            yield

    def _patch(self, base: Any) -> None:
        """Every ``fit`` of scikit-learn begins by checking parameters; whoever asks for that holds the rows."""
        check = base.BaseEstimator._validate_params

        @wraps(check)
        def noticed(estimator: Any) -> Any:
            # Not by class: text vectorizers and pipelines are no TransformerMixin.
            if not self.paused and len(self._fits) < MOST and hasattr(estimator, "transform"):
                self._note(estimator, sys._getframe(1))
            return check(estimator)

        base.BaseEstimator._validate_params = noticed
        self._stack.callback(setattr, base.BaseEstimator, "_validate_params", check)

    def _note(self, estimator: Any, caller: FrameType) -> None:
        args, given = caller.f_locals.get("args", ()), caller.f_locals.get("kwargs", {})
        rows = args[0] if args else given.get("X", given.get("raw_documents"))
        targets = args[1] if len(args) > 1 else given.get("y")
        if rows is not None and not any(known.transformer is estimator and known.rows is rows for known in self._fits):
            self._fits.append(Fit(estimator, rows, targets, _is_in_pipeline(caller)))


def _is_in_pipeline(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "sklearn.pipeline" and frame.f_code.co_name == "fit":
            return not hasattr(frame.f_locals.get("self"), "transform")
        frame = frame.f_back
    return False
