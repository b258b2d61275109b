"""What both estimators share: parameters, the fit, and the dials of the recipe as nested parameters."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from bridle.core import Recipe
from bridle.core.addresses import settings, with_settings
from bridle.data.dataset import Dataset
from bridle.errors import RecipeError
from bridle.integrations.sklearn import _rows
from bridle.integrations.sklearn._spoken import Spoken
from bridle.job.refitted import search_and_refit

Array = NDArray[Any]
NESTED = "recipe__"


class Estimator(BaseEstimator, ABC):
    """Searches what is free in a recipe by its own folds of the rows it is given, and trains the choice on all of them.

    No test rows are sealed: judge it on rows of your own, as every estimator (``cross_val_score`` does). Every dial and
    setting of a ``bridle.Recipe`` is a parameter too: ``recipe__l2__strength``, ``recipe__training__epochs``.
    """

    def __init__(
        self,
        recipe: Any = None,
        *,
        model: Any = None,
        loss: Any = None,
        metric: str | None = None,
        folds: int = 5,
        trials: int | None = None,
        budget: str | None = None,
        select: str = "one-se",
        seeds: int = 1,
        categorical: Any = None,
        image_shape: Any = None,
        device: str = "auto",
        workers: int = 1,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.recipe = recipe
        self.model = model
        self.loss = loss
        self.metric = metric
        self.folds = folds
        self.trials = trials
        self.budget = budget
        self.select = select
        self.seeds = seeds
        self.categorical = categorical
        self.image_shape = image_shape
        self.device = device
        self.workers = workers
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search and train.

        Args:
            X: ``(N, columns)`` numbers, NaN where missing, or a pandas or polars data frame, whose columns keep their
                types: texts and categories are categories.
            y: ``(N,)`` classes or numbers.
            sample_weight: ``(N,)`` weights of at least 0 for loss and metric; a row of weight 0 counts as absent.
            groups: ``(N,)`` labels; rows of one group stay together in the folds of the search.

        Raises:
            BridleError: For whatever the user can mend; it is a ``ValueError`` too.
        """
        rows = _rows.inputs(self, X, fitting=True)
        y = _rows.targets(self, rows, y)
        kept, weights = _rows.positive_weights(rows, sample_weight)
        groups = _rows.group_labels(rows, groups)
        y, classes = self._encoded(y[kept])
        dataset = _rows.training_rows(self, rows, kept, y, classes=classes, weights=weights, groups=groups)
        found = search_and_refit(
            dataset, self.recipe, progress=Spoken() if self.verbose else None, **self._ask(dataset)
        )
        self.recipe_, self.evidence_, self.choice_ = found.recipe, found.evidence, found.evidence.choice
        self._networks = found.networks
        return self

    def _ask(self, dataset: Dataset) -> dict[str, Any]:
        names = ("model", "loss", "metric", "trials", "budget", "select", "seeds", "device", "workers")
        options = {name: getattr(self, name) for name in names}
        return options | {"folds": _possible(self.folds, dataset), "seed": _seed(self.random_state), "spread": True}

    @abstractmethod
    def _encoded(self, y: Array) -> tuple[Array, Sequence[Any]]:
        """Codes and the classes, or numbers and nothing."""

    def _predicted(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(N, C)`` or numbers ``(N,)``, the mean over seeds."""
        check_is_fitted(self)
        dataset = _rows.rows_to_predict(self, X, self._networks[0].layout)
        found: NDArray[np.float64] = np.mean([net.trained.predict(dataset) for net in self._networks], axis=0)
        return found

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters; with ``deep`` every dial and setting of the recipe too, as ``recipe__l2__strength``."""
        found: dict[str, Any] = super().get_params(deep=deep)
        if deep and isinstance(self.recipe, Recipe):
            found |= {NESTED + address.replace(".", "__"): value for address, value in settings(self.recipe).items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the recipe make a new recipe.

        Raises:
            RecipeError: If the recipe has no such setting, or there is no recipe.
        """
        nested = {name: params.pop(name) for name in list(params) if name.startswith(NESTED)}
        super().set_params(**params)
        if nested and not isinstance(self.recipe, Recipe):
            raise RecipeError(
                f"{', '.join(nested)} sets a part of recipe, which must then be a bridle.Recipe; got "
                f"{self.recipe!r}. Set recipe first."
            )
        if nested:
            values = {".".join(name.removeprefix(NESTED).rsplit("__", 1)): value for name, value in nested.items()}
            self.recipe = with_settings(self.recipe, values)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_networks")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.image_shape is None
        tags.input_tags.categorical = True
        return tags


def _possible(folds: int, dataset: Dataset) -> int:
    """As many folds as were asked for, or as the rows, the groups and the largest class allow; at least 2."""
    limits = [max(dataset.counts().values(), default=len(dataset))]
    if dataset.groups is not None:
        limits.append(len(np.unique(dataset.groups)))
    return min(folds, max(2, min(limits)))


def _seed(random_state: Any) -> int:
    """A whole number is the seed itself; ``None`` and a generator give one, as everywhere in scikit-learn."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
