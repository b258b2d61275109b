"""The mixin that makes a recipe's settings a skorch net's own parameters."""

from typing import Any, Self

from bridle.core import Recipe
from bridle.core.addresses import settings, with_settings
from bridle.integrations.skorch._addresses import address
from bridle.integrations.skorch.regularize import Regularize


class Regularized:
    """A mixin: ``class Net(Regularized, NeuralNetClassifier)`` takes a recipe, whose settings are its parameters.

    ``Net(module, recipe=recipe)`` has the callback ``regularize``, and each setting as ``recipe__l2__strength``, for
    ``set_params``, pipelines and ``GridSearchCV``. Arguments of :class:`Regularize` are given as
    ``callbacks__regularize__seed``.

    Args:
        *args: The net's.
        recipe: The recipe, nothing free in it.
        **kwargs: The net's.
    """

    def __init__(self, *args: Any, recipe: Recipe, **kwargs: Any) -> None:
        self.recipe = recipe
        super().__init__(*args, **kwargs)

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        inherited: list[tuple[str, Any]] = super()._default_callbacks  # type: ignore[misc]
        return [*inherited, ("regularize", Regularize(self.recipe))]

    def get_params(self, deep: bool = True, **kwargs: Any) -> dict[str, Any]:
        """The net's parameters, with every setting of the recipe."""
        params: dict[str, Any] = super().get_params(deep=deep, **kwargs)  # type: ignore[misc]
        if deep:
            params |= {f"recipe__{name.replace('.', '__')}": value for name, value in settings(self.recipe).items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Replace parameters of the net, or settings of the recipe.

        Raises:
            RecipeError: If the recipe has no such setting, or a value is not allowed.
        """
        own = {name: value for name, value in params.items() if name.startswith("recipe__")}
        super().set_params(**{name: value for name, value in params.items() if name not in own})  # type: ignore[misc]
        if own:
            self.recipe = with_settings(self.recipe, {address(name): value for name, value in own.items()})
        return self
