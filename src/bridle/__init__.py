"""Bridle keeps deep networks from overfitting: it applies regularization, chooses its strength and measures its effect.

Every name is imported when it is first used, so that ``import bridle`` costs nothing. The regularizers of the catalogue
(``bridle.L2``, ``bridle.Dropout``, ``bridle.Rotation`` ...) are found there by the names of their classes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridle.auditing.audit import audit
    from bridle.core import Place, Recipe, Training, between, choice, convert, schedule
    from bridle.engine.attach import attach
    from bridle.engine.decay import decay_strengths
    from bridle.engine.optimality import kkt_residual
    from bridle.integrations.sklearn import BridleClassifier, BridleRegressor
    from bridle.job.feature_path import FeaturePath, feature_path
    from bridle.job.fit import fit, resume
    from bridle.job.inquiry import attribute, learning_curve, stability
    from bridle.job.marginal_likelihood import MarginalLikelihood, marginal_likelihood
    from bridle.job.preview import preview
    from bridle.job.run import Predictions, Run, load
    from bridle.job.search import Search, search
    from bridle.regularizers.augment import *  # noqa: F403
    from bridle.regularizers.averaging import *  # noqa: F403
    from bridle.regularizers.catalogue import catalogue, load_recipe
    from bridle.regularizers.noise import *  # noqa: F403
    from bridle.regularizers.penalties import *  # noqa: F403
    from bridle.regularizers.stopping import *  # noqa: F403
    from bridle.regularizers.targets import *  # noqa: F403
    from bridle.regularizers.terms import *  # noqa: F403
    from bridle.regularizers.updates import *  # noqa: F403
    from bridle.report.audit import print_audit

_HOMES = {
    "BridleClassifier": "bridle.integrations.sklearn",
    "BridleRegressor": "bridle.integrations.sklearn",
    "FeaturePath": "bridle.job.feature_path",
    "MarginalLikelihood": "bridle.job.marginal_likelihood",
    "Place": "bridle.core",
    "Predictions": "bridle.job.run",
    "Recipe": "bridle.core",
    "Run": "bridle.job.run",
    "Search": "bridle.job.search",
    "Training": "bridle.core",
    "attach": "bridle.engine.attach",
    "attribute": "bridle.job.inquiry",
    "audit": "bridle.auditing.audit",
    "between": "bridle.core",
    "catalogue": "bridle.regularizers.catalogue",
    "choice": "bridle.core",
    "convert": "bridle.core",
    "decay_strengths": "bridle.engine.decay",
    "feature_path": "bridle.job.feature_path",
    "fit": "bridle.job.fit",
    "kkt_residual": "bridle.engine.optimality",
    "learning_curve": "bridle.job.inquiry",
    "load": "bridle.job.run",
    "load_recipe": "bridle.regularizers.catalogue",
    "marginal_likelihood": "bridle.job.marginal_likelihood",
    "preview": "bridle.job.preview",
    "print_audit": "bridle.report.audit",
    "resume": "bridle.job.fit",
    "schedule": "bridle.core",
    "search": "bridle.job.search",
    "stability": "bridle.job.inquiry",
}

_FRAMEWORKS = frozenset({"huggingface", "keras", "lightning", "loggers", "skorch", "transforms"})
"""Folders and files of :mod:`bridle.integrations` that hang on ``bridle``: ``bridle.lightning.Regularize`` ..."""

__all__ = [
    "BridleClassifier",
    "BridleRegressor",
    "FeaturePath",
    "MarginalLikelihood",
    "Place",
    "Predictions",
    "Recipe",
    "Run",
    "Search",
    "Training",
    "attach",
    "attribute",
    "audit",
    "between",
    "catalogue",
    "choice",
    "convert",
    "decay_strengths",
    "feature_path",
    "fit",
    "kkt_residual",
    "learning_curve",
    "load",
    "load_recipe",
    "marginal_likelihood",
    "preview",
    "print_audit",
    "resume",
    "schedule",
    "search",
    "stability",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _FRAMEWORKS:
        return import_module(f"bridle.integrations.{name}")
    if name[:1].isupper():
        classes = {cls.__name__: cls for cls in import_module("bridle.regularizers.catalogue").catalogue().values()}
        if name in classes:
            return classes[name]
    raise AttributeError(f"module 'bridle' has no attribute {name!r}")


def __dir__() -> list[str]:
    classes = import_module("bridle.regularizers.catalogue").catalogue().values()
    return sorted([*__all__, *(cls.__name__ for cls in classes)])
