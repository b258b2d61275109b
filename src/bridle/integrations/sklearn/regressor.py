"""A network with the regularization that suits it, as a scikit-learn regressor."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from bridle.integrations.sklearn._base import Array, Estimator


@final
class BridleRegressor(RegressorMixin, Estimator):
    """A regressor by a network whose regularization is chosen by cross-validation within ``fit``.

    Parameters and attributes are those of :class:`BridleClassifier`, without ``classes_``. The metric that chooses is
    the RMSE by default; the predictions of several ``seeds`` are averaged.
    """

    def _encoded(self, y: Array) -> tuple[Array, Sequence[Any]]:
        return y.astype(np.float64), ()

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Numbers ``(N,)`` in the unit of ``y``."""
        return self._predicted(X)
