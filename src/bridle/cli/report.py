"""``bridle report``: render a run's report again."""

from typing import Annotated

import typer

from bridle.cli.guard import guarded, importing


def report(run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run.")]) -> None:
    """Render the report of a run again, from its evidence."""
    with guarded():
        with importing():
            from bridle import load

        typer.echo(load(run).report())
