"""The page of a feature path: one HTML file with everything in it, which opens without a network."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bridle.records.feature_path import CountScore
from bridle.report.figures.feature_path import count_figure, importance_figure
from bridle.report.html import page, write_page


def write_feature_path(
    path: Path,
    name: str,
    verdict: str,
    scores: Sequence[CountScore],
    metric: str,
    importance: Mapping[str, float],
    kept: Sequence[str],
) -> Path:
    """Write the page, whole or not at all.

    Args:
        path: The file.
        name: What the data is called.
        verdict: The choice in a sentence.
        scores: The folds' scores for each number of features.
        metric: The metric's name.
        importance: The strength at which each feature disappears, by name.
        kept: The chosen features, the first to go last.

    Raises:
        StorageError: If the page cannot be written.
    """
    figures = [count_figure(scores, len(kept), metric), importance_figure(importance, kept)]
    text = page("feature_path.html.jinja", name=name, verdict=verdict, figures=figures, kept=list(kept))
    return write_page(path, text)
