"""Which features of a table a trained network still uses: those with a weight that is not zero where they enter."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridle.core import Proximal, Recipe
from bridle.core.scope import resolve
from bridle.data.preprocess import Preprocessing
from bridle.engine.member import MemberTraining
from bridle.engine.setting import Setting
from bridle.engine.trained import Trained
from bridle.errors import ModelError, RecipeError
from bridle.models.skip_mlp import SkipMLP
from bridle.population import Member
from bridle.records import Fold, Kind, Layout, Mark

NETWORKS = "bridle.models.linear:linear or bridle.models.skip_mlp:skip_mlp"


def survivors(trained: Trained, layout: Layout) -> NDArray[np.bool_]:
    """For each column of the table whether any weight is not zero that takes it in.

    The columns of a category are one feature, and so are a number and the indicator of its missing values.
    """
    weights = dict(trained.model.named_parameters())
    found = np.zeros(len(layout.columns), dtype=np.bool_)
    for name in entrances(trained.model):
        used = (weights[name].detach().flatten(2).abs().sum(-1) if weights[name].ndim > 2 else weights[name]) != 0
        numbers = features_of_columns(layout, trained.preprocessing, used.shape[1])
        found[numbers[torch.any(used, 0).cpu().numpy()]] = True
    return found


def entrances(model: nn.Module) -> list[str]:
    """The weights through which the inputs enter: the first layer's, and a linear skip's."""
    return ["skip.weight", "first.weight"] if isinstance(model, SkipMLP) else resolve(model, "first_layer")


def features_of_columns(layout: Layout, preprocessing: Preprocessing, columns: int) -> NDArray[np.int64]:
    """The feature that each of the columns of a first layer belongs to.

    Raises:
        ModelError: If the layer has not one column for each input.
    """
    plain = preprocessing.continuous + preprocessing.indicators
    names = list(preprocessing.sources)
    if preprocessing.cardinalities:  # the network turns codes into one-hot columns itself
        names = [*names[:plain], *np.repeat(names[plain:], preprocessing.cardinalities).tolist()]
    if len(names) != columns:
        raise ModelError(
            f"The first layer has {columns} columns for {len(names)} inputs, so that no weight belongs to one feature. "
            f"Name a network whose first layer takes the inputs as they are, such as {NETWORKS}."
        )
    numbers = {column.name: number for number, column in enumerate(layout.columns)}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def check_survival(recipe: Recipe, setting: Setting) -> None:
    """Refuse what cannot leave a feature out.

    Raises:
        RecipeError: If the data is no table, or no penalty makes exact zeros where the inputs enter.
        ModelError: If the first layer has not one column for each input.
    """
    layout = setting.dataset.layout
    if layout.kind is not Kind.TABLE:
        raise RecipeError(f"{setting.dataset.name}: features survive in tables only; this is {layout.kind} data.")
    marks = np.full(len(setting.dataset), Mark.TRAIN, dtype=np.int8)
    training = MemberTraining(Member(0, recipe, Fold(0, marks), 0), setting)
    names = entrances(training.model)
    acting = [item for item in recipe.of(Proximal) if not item.gradient_only]
    if not any(set(names) <= set(resolve(training.model, item.scope)) for item in acting):
        raise RecipeError(
            f"No penalty of the recipe sets weights of {', '.join(names)} to exact zeros, so every feature survives. "
            "Let L1 or a group lasso act on them by its scope, or add HierarchicalLasso."
        )
    weights = dict(training.model.named_parameters())
    for name in names:
        features_of_columns(layout, training.examples.preprocessing, weights[name].shape[1])
