"""Penalties on the weights."""

from bridle.regularizers.penalties.elastic_net import ElasticNet
from bridle.regularizers.penalties.l1 import L1
from bridle.regularizers.penalties.l2 import L2

__all__ = ["L1", "L2", "ElasticNet"]
