"""What a regularizer is: dials, kinds, scope, places, draws and recipes. Needs torch only."""

from bridle.core.batch import Batch
from bridle.core.conventions.convert import convert
from bridle.core.conventions.convertible import Convertible
from bridle.core.dials import Between, Choice, PerLayer, Range, Schedule, between, choice, dials, schedule
from bridle.core.draws import Draws
from bridle.core.forward import Forward
from bridle.core.kinds import (
    Anchored,
    Augmentation,
    Averaging,
    LossTerm,
    Noise,
    Penalty,
    Proximal,
    State,
    StopRule,
    TargetRule,
    UpdateRule,
)
from bridle.core.places import Place
from bridle.core.recipe import Recipe
from bridle.core.regularizer import Regularizer
from bridle.core.scope import Scope
from bridle.core.training import Training
from bridle.core.update import Update

__all__ = [
    "Anchored",
    "Augmentation",
    "Averaging",
    "Batch",
    "Between",
    "Choice",
    "Convertible",
    "Draws",
    "Forward",
    "LossTerm",
    "Noise",
    "Penalty",
    "PerLayer",
    "Place",
    "Proximal",
    "Range",
    "Recipe",
    "Regularizer",
    "Schedule",
    "Scope",
    "State",
    "StopRule",
    "TargetRule",
    "Training",
    "Update",
    "UpdateRule",
    "between",
    "choice",
    "convert",
    "dials",
    "schedule",
]
