"""A network with the regularization that suits it, as a scikit-learn classifier."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from bridle.errors import DataError
from bridle.integrations.sklearn._base import Array, Estimator


@final
class BridleClassifier(ClassifierMixin, Estimator):
    """A classifier by a network whose regularization is chosen by cross-validation within ``fit``.

    No test rows are sealed: judge it on rows of your own. Parameters are those of :func:`bridle.fit`, and every dial
    and setting of the recipe (``recipe__l2__strength``, ``recipe__training__epochs``), for ``GridSearchCV``.

    Args:
        recipe: A ``bridle.Recipe`` or the path of one; with free dials a space that is searched, without a recipe that
            is trained as it is. ``None``: a space that fits the data.
        model: A factory (``make_net()`` or ``make_net(example, outputs)``), an instance or ``"pkg.mod:name"``. A fitted
            estimator can be pickled where this can.
        loss: A function of (output, target) that gives one value per example, or ``"pkg.mod:name"``.
        metric: The metric that chooses; by default log-loss.
        folds: Number of folds of the search, at least 2; fewer where there are fewer groups, or every class has fewer
            rows. A class with fewer rows than folds is scored in some of them only.
        trials: How many recipes to try; by default a number that fits the data.
        budget: Wall time of the search, for example ``"10m"``.
        select: ``"one-se"`` or ``"best"``.
        seeds: Networks that are trained on all rows with the chosen recipe; their probabilities are averaged.
        categorical: Columns to take as categories although they hold numbers: names, or positions from 0.
        image_shape: ``(height, width)`` or ``(channels, height, width)`` where a row of ``X`` is an image.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``; predictions are made on the processor.
        workers: Processes that train at once; 0 for as many as there are cores.
        random_state: The seed, a NumPy ``RandomState``, or ``None`` for another result each time.
        verbose: Whether to print what happens.

    Attributes:
        recipe_: The chosen (or given) recipe, resolved.
        evidence_: Every score and curve of the search, a :class:`bridle.records.Evidence` without a test.
        choice_: Which candidate was chosen and why; ``None`` where nothing was free.
        classes_: ``(C,)`` the classes, sorted.
        n_features_in_: The number of columns.
        feature_names_in_: ``(n_features_in_,)`` the names of the columns, where ``X`` is a data frame.
    """

    def _encoded(self, y: Array) -> tuple[Array, Sequence[Any]]:
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y holds {len(self.classes_)} class ({', '.join(map(repr, self.classes_.tolist()))}) among the rows "
                "with a weight; classification needs at least 2 classes. Bring rows of another class."
            )
        return codes, self.classes_.tolist()

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(N, C)``, in the order of ``classes_``."""
        return self._predicted(X)

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, ``(N,)``."""
        best: Array = self._predicted(X).argmax(axis=1)
        return np.asarray(self.classes_[best])
