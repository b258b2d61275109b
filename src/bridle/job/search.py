"""A search by itself: the choice and its evidence, without the refit and with the test set still sealed."""

from dataclasses import dataclass
from typing import Any, final

from bridle.core import Recipe, toml
from bridle.errors import SearchError
from bridle.job.choose import choose
from bridle.job.laplace import by_evidence
from bridle.job.progress import Progress
from bridle.job.summary import evidence_of
from bridle.job.sure import how_sure, outer_folds
from bridle.job.temporary import temporary_job
from bridle.records import Choice, Evidence


@final
@dataclass(frozen=True)
class Search:
    """What a search found.

    Args:
        choice: Which candidate was chosen, and why.
        recipe: The chosen recipe as a refit would train it.
        evidence: Every score and curve; nothing of the test set, which stays sealed.
    """

    choice: Choice
    recipe: Recipe
    evidence: Evidence


def search(data: Any, space: Any = None, *, progress: Progress | None = None, **options: Any) -> Search:
    """Choose a recipe by cross-validation: the choice and its evidence, without the refit.

    Args:
        data: As for :func:`bridle.fit`.
        space: A recipe with free dials, or the path of one; by default a space that fits the data.
        progress: Is told what happens.
        **options: Every other option of :func:`bridle.fit` but ``out`` and ``ensemble``.

    Raises:
        SearchError: If nothing is free.
        BridleError: For whatever else the user can mend.
    """
    with temporary_job(data, space, progress, options) as job:
        if not job.space.is_space:
            raise SearchError("Nothing is free in this recipe, so there is nothing to search; bridle.fit trains it.")
        job.laplace = by_evidence(job)
        if job.ask.nested:
            outer_folds(job)
        chosen = choose(job)
        sure = how_sure(job, chosen)
    recipe = chosen.recipes["chosen"]
    return Search(chosen.choice, recipe, evidence_of(job, chosen, toml.dumps(recipe), **sure))
