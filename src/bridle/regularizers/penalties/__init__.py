"""Penalties on the weights."""

from bridle.regularizers.penalties.elastic_net import ElasticNet
from bridle.regularizers.penalties.group_lasso import GroupLasso
from bridle.regularizers.penalties.hierarchical_lasso import HierarchicalLasso
from bridle.regularizers.penalties.l1 import L1
from bridle.regularizers.penalties.l2 import L2
from bridle.regularizers.penalties.l2_start import L2Start
from bridle.regularizers.penalties.mcp import MCP
from bridle.regularizers.penalties.nuclear import Nuclear
from bridle.regularizers.penalties.orthogonality import Orthogonality
from bridle.regularizers.penalties.scad import SCAD
from bridle.regularizers.penalties.sparse_group_lasso import SparseGroupLasso

__all__ = [
    "L1",
    "L2",
    "MCP",
    "SCAD",
    "ElasticNet",
    "GroupLasso",
    "HierarchicalLasso",
    "L2Start",
    "Nuclear",
    "Orthogonality",
    "SparseGroupLasso",
]
