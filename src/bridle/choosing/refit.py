"""The recipe for the refit on all training rows."""

from bridle.core import Recipe, StopRule
from bridle.errors import SearchError
from bridle.records import Candidate


def refit_recipe(chosen: Candidate, recipe: Recipe) -> Recipe:
    """The same recipe for exactly the epochs that its folds found best: the same schedule, cut there, without patience.

    Args:
        chosen: The candidate as it was scored.
        recipe: Its recipe, nothing free in it.

    Raises:
        SearchError: If the candidate failed, so that it has no epoch.
    """
    if chosen.failure is not None:
        raise SearchError(f"{chosen.name} failed and cannot be refitted: {chosen.failure}")
    return recipe.replace(training=recipe.training.replace(stop_after=chosen.epoch), without=StopRule)
