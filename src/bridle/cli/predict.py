"""``bridle predict``: a run's predictions for new data."""

from pathlib import Path
from typing import Annotated

import typer

from bridle.cli.guard import guarded, importing


def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Data of the same form; a target in it is not used.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write.")] = Path("predictions.csv"),
    model: Annotated[
        str | None, typer.Option(metavar="pkg.mod:name", help="The network's factory, where the run used one.")
    ] = None,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="By the mean of the fold members that it kept.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a run's predictions for new data as a CSV file.

    It has a column 'prediction' and, for classes, one column of probability each.
    """
    with guarded():
        with importing():
            import bridle
            from bridle.job.export import check_free, write_predictions

        check_free(out, overwrite=overwrite)
        predictions = bridle.load(run, model=model).predict(data, ensemble=ensemble)
        write_predictions(predictions, out)
        typer.echo(f"Wrote {len(predictions.prediction)} predictions to {out}.")
