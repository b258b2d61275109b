"""The ensemble of the chosen recipe's fold members: their mean prediction, tested and saved beside the model."""

import numpy as np
from numpy.typing import NDArray

from bridle.core import Recipe, toml
from bridle.data.dataset import Dataset
from bridle.engine.trained import Trained, trained
from bridle.errors import RunError, SearchError
from bridle.job import model_file
from bridle.job.context import Context
from bridle.job.tested import Predicted, compared, metrics_of
from bridle.job.workspace import Workspace
from bridle.records import Comparison, Layout, Tested

FOLDER = "ensemble"


def train_ensemble(job: Context, recipe: Recipe) -> list[Trained]:
    """One network per fold, trained on that fold's training rows as the refit trains on all, and saved in the run.

    Args:
        job: The job.
        recipe: The chosen recipe as it is refitted: for exactly the epochs that its folds found best.

    Raises:
        SearchError: If a member fails.
    """
    members = [job.member("ensemble", 0, recipe, fold, job.ask.seed, keep=True) for fold in job.folds()]
    job.progress.stage("ensemble", len(members))
    for member, outcome in job.crew(members):
        if outcome.failure is not None:
            raise SearchError(f"The ensemble's member of fold {member.fold.number} failed: {outcome.failure}")
        job.progress.advance()
    networks = [trained(member, job.setting) for member in members]
    (job.workspace.folder / FOLDER).mkdir(exist_ok=True)
    for place, network in enumerate(networks):
        model_file.save(
            job.workspace,
            network,
            job.dataset.layout,
            model=job.ask.model,
            seed=job.ask.seed,
            custom_loss=job.setting.loss is not None,
            stem=f"{FOLDER}/model-{place}",
        )
    return networks


def score_ensemble(
    job: Context,
    recipe: Recipe,
    networks: list[Trained],
    chosen: list[Predicted],
    test: Dataset,
    rows: NDArray[np.int64],
) -> tuple[Tested, Comparison]:
    """The ensemble on the test rows, and the chosen recipe's refits, one prediction per seed, against it."""
    mean = mean_prediction(networks, test, rows)
    tested = Tested(FOLDER, toml.dumps(recipe), metrics_of(job, [mean], test, rows))
    return tested, compared(job, FOLDER, chosen, [mean] * len(chosen), test, rows)


def load_ensemble(workspace: Workspace, model: object = None) -> tuple[list[Trained], Layout]:
    """The ensemble of a run.

    Raises:
        RunError: If the run kept none, or a file was changed.
    """
    count = len(list((workspace.folder / FOLDER).glob("model-*.json")))
    if not count:
        raise RunError(
            f"The run {str(workspace.folder)!r} keeps no ensemble. Fit again with ensemble=True, or --ensemble."
        )
    loaded = [model_file.load(workspace, model, f"{FOLDER}/model-{place}") for place in range(count)]
    return [network for network, _ in loaded], loaded[0][1]


def mean_prediction(
    networks: list[Trained], dataset: Dataset, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """The mean of the networks' probabilities ``(B, C)`` or numbers ``(B,)``."""
    mean: NDArray[np.float64] = np.mean([network.predict(dataset, rows) for network in networks], axis=0)
    return mean
