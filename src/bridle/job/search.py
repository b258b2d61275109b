"""A search by itself: the choice and its evidence, without the refit and with the test set still sealed."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from bridle.core import Recipe, toml
from bridle.engine.check import check_model
from bridle.errors import SearchError
from bridle.job.choose import choose
from bridle.job.progress import Progress, Silent
from bridle.job.start import open_job, start
from bridle.job.summary import evidence_of
from bridle.job.sure import how_sure, outer_folds
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
    folder = Path(tempfile.mkdtemp(prefix="bridle-"))
    started = time.perf_counter()
    try:
        workspace, ask = start(data, space, out=folder / "run", progress=progress or Silent(), **options)
        job = open_job(workspace, ask, options.get("model"), options.get("loss"), progress or Silent())
        if not job.space.is_space:
            raise SearchError("Nothing is free in this recipe, so there is nothing to search; bridle.fit trains it.")
        try:
            check_model(job.space, job.setting)
            if ask.nested:
                outer_folds(job)
            chosen = choose(job)
            sure = how_sure(job, chosen)
        finally:
            job.crew.dismiss()
        job.seconds["total"] = time.perf_counter() - started
        recipe = chosen.recipes["chosen"]
        return Search(chosen.choice, recipe, evidence_of(job, chosen, toml.dumps(recipe), **sure))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
