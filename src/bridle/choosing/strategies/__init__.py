"""The strategies of a search: one file each, all through the same interface."""

from typing import Literal, TypeAlias

from bridle.choosing.strategies._base import Bracket, Round, Strategy
from bridle.choosing.strategies.grid import Grid
from bridle.choosing.strategies.halving import Halving
from bridle.choosing.strategies.hyperband import Hyperband
from bridle.choosing.strategies.path import Path
from bridle.choosing.strategies.random import Random
from bridle.choosing.strategies.tpe import TPE

Name: TypeAlias = Literal["tpe", "random", "grid", "halving", "hyperband", "path"]
"""The strategies by the names that users write."""

__all__ = ["TPE", "Bracket", "Grid", "Halving", "Hyperband", "Name", "Path", "Random", "Round", "Strategy"]
