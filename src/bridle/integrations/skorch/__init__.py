"""A recipe in skorch: a callback, and a mixin that makes the recipe's settings a net's own parameters."""

from bridle.integrations import needs

with needs("bridle.skorch", "bridle[skorch]"):
    import skorch as _skorch  # noqa: F401 - asked for here, so that its absence is said in one place

from bridle.integrations.skorch.regularize import Regularize
from bridle.integrations.skorch.regularized import Regularized

__all__ = ["Regularize", "Regularized"]
