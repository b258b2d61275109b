"""``bridle features``: which columns of a table a network needs."""

from pathlib import Path
from typing import Annotated

import typer

from bridle.cli import options
from bridle.cli.guard import guarded, importing


def features(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A table, as for 'bridle fit'.")],
    target: options.Target = None,
    task: options.Task = None,
    metric: Annotated[str | None, typer.Option(help="What chooses; by default log_loss or rmse.")] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    select: Annotated[
        str, typer.Option(metavar="best|one-se", help="The best mean, or the fewest within one standard error.")
    ] = "one-se",
    seed: Annotated[int, typer.Option(help="Keys all randomness.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The page to write, with both figures; by default none.")] = None,
    drop: options.Drop = None,
    categorical: options.Categorical = None,
    group: Annotated[str | None, typer.Option(metavar="COL", help="Rows that share it stay together.")] = None,
) -> None:
    """Choose the features that a network needs.

    A penalty on whole features grows until none is left; cross-validation says how many to keep. They are printed one
    per line, the most important first.
    """
    arguments = locals() | {"drop": tuple(drop or ()), "categorical": tuple(categorical or ())}
    del arguments["out"]
    with guarded():
        with importing():
            from bridle.engine.process import prepare

            prepare()
            from rich.console import Console

            from bridle import feature_path
            from bridle.cli.bars import display
        with display(Console(stderr=True)) as progress:
            path = feature_path(**arguments, progress=progress)
        typer.echo("\n".join(path.best))
        typer.echo(str(path), err=True)
        if out is not None:
            typer.echo(f"Wrote {path.plot(out)}.", err=True)
