"""A finished run: its recipe, its evidence, its model."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bridle.core import Recipe
from bridle.data.load import load as load_data
from bridle.data.options import Options
from bridle.engine.trained import Trained
from bridle.errors import RunError
from bridle.job import model_file
from bridle.job.ensemble import load_ensemble, mean_prediction
from bridle.job.workspace import Workspace
from bridle.records import Evidence, Layout, Task, serial
from bridle.regularizers.catalogue import parse_recipe
from bridle.report.html import write_html


@final
@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of a run for some rows.

    Args:
        prediction: ``(N,)`` names of classes, or numbers in the target's unit.
        probabilities: ``(N, C)`` for classes, else ``None``.
        classes: The names of the classes, in the order of the columns of ``probabilities``.
    """

    prediction: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Args:
        folder: Where it lies.
        recipe: The chosen (or given) recipe, resolved: it runs again to the same result.
        evidence: Everything that was established.
    """

    folder: Path
    recipe: Recipe
    evidence: Evidence
    _model: Any = None

    @cached_property
    def _loaded(self) -> tuple[Trained, Layout]:
        return model_file.load(Workspace(self.folder), self._model)

    @cached_property
    def _ensemble(self) -> tuple[list[Trained], Layout]:
        return load_ensemble(Workspace(self.folder), self._model)

    @property
    def model(self) -> Any:
        """The trained network, in evaluation mode."""
        return self._loaded[0].model

    @property
    def columns(self) -> tuple[str, ...]:
        """For a table, the column that each input of the network comes from; empty for images."""
        return self._loaded[0].preprocessing.sources

    def predict(self, data: Any, *, ensemble: bool = False) -> Predictions:
        """Predict new rows, laid out as the training data was; a target column may be missing.

        Args:
            data: Whatever :func:`bridle.fit` takes, in memory or as a path.
            ensemble: Predict by the mean of the fold members in place of the model, where the run kept them.

        Raises:
            DataError: If the data does not fit the run's layout.
            RunError: If an ensemble is asked for and the run kept none.
        """
        networks, layout = self._ensemble if ensemble else ([self._loaded[0]], self._loaded[1])
        source = (data, None) if _is_array(data) else data
        dataset = load_data(source, Options(), layout)
        values = mean_prediction(networks, dataset)
        if layout.task is Task.REGRESSION:
            return Predictions(values, None, ())
        return Predictions(np.asarray(layout.classes)[values.argmax(1)], values, layout.classes)

    def report(self) -> Path:
        """Render ``report.html`` anew from the evidence."""
        return write_html(self.evidence, self.folder)


def _is_array(data: Any) -> bool:
    return isinstance(data, np.ndarray)


def load(folder: str | Path, *, model: Any = None) -> Run:
    """A finished run from its folder.

    Args:
        folder: The run folder.
        model: The model again, where the run was trained with one of the user's own.

    Raises:
        RunError: If the folder holds no finished run, or a file was changed.
    """
    workspace = Workspace.open(folder)
    if not workspace.finished:
        raise RunError(f"The run {str(folder)!r} is not finished. Continue it with: bridle fit --resume {folder}")
    evidence = serial.loads(Evidence, workspace.read("evidence.json"), str(Path(folder) / "evidence.json"))
    recipe = parse_recipe(workspace.read("recipe.toml"), str(Path(folder) / "recipe.toml"))
    return Run(Path(folder), recipe, evidence, model)
