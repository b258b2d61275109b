"""The few default networks, and how any factory of the user's becomes a checked network."""

from bridle.models.cnn import cnn
from bridle.models.default import default_model
from bridle.models.factory import build, load_factory, needs_codes
from bridle.models.inputs import Inputs
from bridle.models.linear import linear
from bridle.models.mlp import mlp
from bridle.models.places import other_dropout, places, replace_dropout

__all__ = [
    "Inputs",
    "build",
    "cnn",
    "default_model",
    "linear",
    "load_factory",
    "mlp",
    "needs_codes",
    "other_dropout",
    "places",
    "replace_dropout",
]
