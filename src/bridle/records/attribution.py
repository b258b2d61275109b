"""What each regularizer of a recipe is worth."""

from dataclasses import dataclass

from bridle.records.estimate import Estimate


@dataclass(frozen=True)
class SubRecipe:
    """The recipe with some of its regularizers only, every dial as it was.

    Args:
        active: The keys of the regularizers in it.
        epoch: The epoch that is best on its own mean curve over the splits; 0 where it failed.
        scores: The metric at that epoch, one per split, a mean over seeds; empty where it failed.
        failure: The first cause where it failed, else ``None``.
    """

    active: tuple[str, ...]
    epoch: int
    scores: tuple[float, ...]
    failure: str | None = None


@dataclass(frozen=True)
class Worth:
    """What one regularizer is worth, in the metric's unit; positive is better, whichever way the metric points.

    Args:
        name: Its key in the recipe.
        needed: Whether it is needed: the interval of ``worth`` lies above zero, or training fails without it.
        worth: What leaving it out of itself and the regularizers in ``beside`` costs.
        beside: The others that were left when it was judged.
        leave_one_out: The whole recipe against the recipe without it.
        add_one_in: It alone against no regularizer.
        shapley: Its Shapley value, the mean over all orders in which the regularizers can be added; ``None`` where
            there are too many for all subsets.
    """

    name: str
    needed: bool
    worth: Estimate
    beside: tuple[str, ...]
    leave_one_out: Estimate
    add_one_in: Estimate
    shapley: Estimate | None = None


@dataclass(frozen=True)
class Attribution:
    """What each regularizer of the chosen (or given) recipe is worth, all trained as one population.

    Args:
        worths: One per regularizer, in the recipe's order.
        together: The whole recipe against no regularizer.
        kept: The keys of those that are needed.
        pruned: The recipe with only those against the whole one, on the splits that judged them, and so optimistic;
            ``None`` where all are needed.
        applied: Whether the recipe was trained without the others.
        sub_recipes: Everything that was trained.
        splits: Over how many splits an interval goes.
        seeds: How many seeds were trained.
        fresh: Whether the rows were divided anew, so that these splits had no part in the choice of the recipe.
    """

    worths: tuple[Worth, ...]
    together: Estimate
    kept: tuple[str, ...]
    pruned: Estimate | None
    applied: bool
    sub_recipes: tuple[SubRecipe, ...]
    splits: int
    seeds: int
    fresh: bool
