"""What a regularizer is: dials, kinds, scope, places, draws and recipes. Needs torch only."""

from bridle.core.batch import Batch
from bridle.core.dials import Between, Choice, Range, Schedule, between, choice, dials, schedule
from bridle.core.draws import Draws
from bridle.core.forward import Forward
from bridle.core.kinds import (
    Augmentation,
    Averaging,
    LossTerm,
    Noise,
    Penalty,
    Proximal,
    Regularizer,
    State,
    StopRule,
    TargetRule,
    UpdateRule,
)
from bridle.core.places import Place
from bridle.core.recipe import Recipe
from bridle.core.scope import Scope
from bridle.core.training import Training
from bridle.core.update import Update

__all__ = [
    "Augmentation",
    "Averaging",
    "Batch",
    "Between",
    "Choice",
    "Draws",
    "Forward",
    "LossTerm",
    "Noise",
    "Penalty",
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
    "dials",
    "schedule",
]
