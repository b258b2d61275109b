"""A recipe in skorch: a callback, and a mixin that makes the recipe's settings a net's own parameters."""

from bridle.integrations.skorch.regularize import Regularize
from bridle.integrations.skorch.regularized import Regularized

__all__ = ["Regularize", "Regularized"]
