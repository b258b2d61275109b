"""Bridle as scikit-learn estimators."""

from bridle.integrations.sklearn.classifier import BridleClassifier
from bridle.integrations.sklearn.regressor import BridleRegressor

__all__ = ["BridleClassifier", "BridleRegressor"]
